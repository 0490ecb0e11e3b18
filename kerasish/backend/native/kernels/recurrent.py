"""LSTM and GRU over whole sequences: a part is a few samples, taken through all steps by one thread.

In each step the product of the states with the weights is a tile of rows times vectors that stays in registers; the
weights are laid out for it before, in the order in which the tile reads them. What follows, the gates forwards and
their slopes back, is done while the tile is in the nearest cache. The gradient of the weights is one product over all
steps at the end.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering, split
from kerasish.backend.native.kernels.parts import add_parts
from kerasish.backend.native.kernels.products import long_product
from kerasish.backend.native.language import Pointer, Value
from kerasish.backend.native.vector_math import tanh


class Form(NamedTuple):
    """What a kernel's machine code depends on.

    Attributes:
        gates: 4 for the LSTM, 3 for the GRU.
        lanes: numbers in a vector.
        rows, vectors: the tile of a product.
        tail: whether the units do not fill whole vectors.
        names: the operands, in order.
    """

    gates: int
    lanes: int
    rows: int
    vectors: int
    tail: bool
    names: tuple[str, ...]


class Run:
    """A kernel of a form while it is written: its operands by name, its sizes, and where things lie."""

    def __init__(self, k: Any, form: Form):
        self.k, self.form = k, form
        for n, name in enumerate(form.names):
            setattr(self, name, k.pointer(n, "b" if name == "mask" else "f4"))
        self.steps, self.units, self.grain = (k.size(len(form.names) + n) for n in range(3))
        self.width = self.units * form.gates
        self.zero = k.number(0.0, "f4", form.lanes)
        self.blocks = (self.units + (form.lanes - 1)) // form.lanes

    def __getattr__(self, name: str) -> Any:  # None: a gradient or a mask that is not given
        return None

    def inside(self, column: Value) -> Value | None:
        """Return the mask of a vector of units, None where all vectors are whole."""
        return self.k.lane_numbers(self.form.lanes) < self.units - column if self.form.tail else None

    def load(self, pointer: Pointer, index: Value, mask: Value | None) -> Value:
        return pointer.load(index, self.form.lanes, mask)

    def before(self, first: Pointer, states: Pointer, row: Value, t: Value) -> Pointer:
        """Return where a row of the state before step `t` lies."""
        at = first + row * self.units, states + (row * self.steps + t - 1) * self.units
        code = self.k.builder.select(t.equals(0).code, at[0].code, at[1].code)
        return Pointer(self.k, code, "f4")

    @contextmanager
    def tile(self, place: Callable[[Value], Pointer], packed: Pointer, depth: Value) -> Iterator[tuple]:
        """Go through the part's rows, a tile at a time, and yield (first row, one past the last, room of products).

        The last tile may repeat the part's last row. Room holds `vectors` vectors a row.
        """
        k, (_, lanes, rows, vectors, *_) = self.k, self.form
        room = k.scratch("f4", rows * vectors * lanes)
        with k.loop(k.lo, k.hi, rows) as first:
            places = [place((first + n).minimum(k.hi - 1)) for n in range(rows)]
            sums = [[k.var(k.number(0.0, "f4", lanes)) for _ in range(vectors)] for _ in range(rows)]
            with k.loop(0, depth) as n:
                weights = [packed.load((n * vectors + v) * lanes, lanes) for v in range(vectors)]
                for line, at in zip(sums, places, strict=True):
                    x = at.load(n).splat(lanes)
                    for total, w in zip(line, weights, strict=True):
                        total.set(x.fma(w, total.get()))
            for n, total in enumerate(total for line in sums for total in line):
                room.store(n * lanes, total.get())
            yield first, (first + rows).minimum(k.hi), room


def forward(form: Form, cell: Callable[..., None]) -> Callable[[Any], None]:
    """Return the writer of a recurrence: in each step, products for one vector of units of all gates, then `cell`."""

    def write(k: Any) -> None:
        run, lanes, gates = Run(k, form), form.lanes, form.gates
        with k.loop(0, run.steps) as t, k.loop(0, run.blocks) as block:
            column = block * lanes
            mask = run.inside(column)
            packed = run.packed + block * (run.units * (gates * lanes))
            tile = run.tile(lambda row: run.before(run.h, run.hs, row, t), packed, run.units)
            with tile as (first, stop, room), k.loop(first, stop) as row:
                at = row * run.steps + t
                products = [room.load(((row - first) * gates + g) * lanes, lanes) for g in range(gates)]
                z = [run.load(run.z, at * run.width + g * run.units + column, mask) for g in range(gates)]
                cell(run, row, t, column, mask, products, z)

    return write


def _gate(x: Value) -> Value:
    """The sigmoid, as near to its limits as a gate needs: (tanh(x / 2) + 1) / 2."""
    return tanh(x * 0.5).fma(0.5, 0.5)


def _lstm_cell(run: Run, row: Value, t: Value, column: Value, mask: Value | None, products: list, z: list) -> None:
    units, at, here = run.units, row * run.steps + t, row * run.units + column
    bias = [run.load(run.b, g * units + column, mask) for g in range(4)]
    i, f, k, o = (act(x + y + b) for act, x, y, b in zip((_gate, _gate, tanh, _gate), products, z, bias, strict=True))
    before = run.load(run.before(run.c, run.cs, row, t), column, mask)
    c = f.fma(before, i * k)
    h = o * tanh(c)
    if run.mask is not None:
        goes = run.mask.load(at)
        h = goes.where(h, run.load(run.before(run.h, run.hs, row, t), column, mask))
        c = goes.where(c, before)
    for g, gate in enumerate((i, f, k, o)):
        run.gates.store(at * run.width + g * units + column, gate, mask)
    for all_, last, value in ((run.hs, run.last_h, h), (run.cs, run.last_c, c)):
        all_.store(at * units + column, value, mask)
        last.store(here, value, mask)


def _gru_cell(run: Run, row: Value, t: Value, column: Value, mask: Value | None, products: list, z: list) -> None:
    units, at, here = run.units, row * run.steps + t, row * run.units + column
    b, d = ([run.load(run.b, n * run.width + g * units + column, mask) for g in range(3)] for n in range(2))
    inner = products[2] + d[2]
    u, r = (_gate(products[g] + z[g] + b[g] + d[g]) for g in range(2))
    k = tanh(r.fma(inner, z[2] + b[2]))
    before = run.load(run.before(run.h, run.hs, row, t), column, mask)
    h = u.fma(before - k, k)
    if run.mask is not None:
        h = run.mask.load(at).where(h, before)
    for g, gate in enumerate((u, r, k)):
        run.gates.store(at * run.width + g * units + column, gate, mask)
    run.inner.store(at * units + column, inner, mask)
    run.hs.store(at * units + column, h, mask)
    run.last_h.store(here, h, mask)


def backward(form: Form, cell: Callable[..., None], through: str) -> Callable[[Any], None]:
    """Return the writer of a recurrence's gradient: back through the steps, first the slopes of all units (`cell`),
    then their products with the transposed weights, which are added to what `cell` left in `dh`.

    Args:
        through: the operand that holds, for each step, the gradient of the product of states and weights.
    """

    def write(k: Any) -> None:
        run, lanes = Run(k, form), form.lanes
        _begin(run)
        with k.loop(0, run.steps) as n:
            t = run.steps - 1 - n
            with k.loop(k.lo, k.hi) as row, k.loop(0, run.blocks) as block:
                cell(run, row, t, block * lanes, run.inside(block * lanes))
            gradients = getattr(run, through)
            chunks = (run.blocks + (form.vectors - 1)) // form.vectors
            with k.loop(0, chunks) as chunk:
                packed = run.packed + chunk * (run.width * (form.vectors * lanes))
                tile = run.tile(lambda row: gradients + (row * run.steps + t) * run.width, packed, run.width)
                with tile as (first, stop, room), k.loop(first, stop) as row:
                    for v in range(form.vectors):
                        column = (chunk * form.vectors + v) * lanes
                        mask = k.lane_numbers(lanes) < run.units - column  # vectors past the end are whole zeros
                        here = row * run.units + column
                        more = room.load(((row - first) * form.vectors + v) * lanes, lanes)
                        run.dh.store(here, run.load(run.dh, here, mask) + more, mask)

    return write


def _begin(run: Run) -> None:
    """Set the gradients of the states after the last step, and the part's sums of the bias to zero."""
    k, units = run.k, run.units

    def states(i: Value, mask: Value | None) -> None:
        for out, given in ((run.dh, run.g_h), (run.dc, run.g_c)):
            if out is not None:
                out.store(i, run.zero if given is None else run.load(given, i, mask), mask)

    k.sweep(k.lo * units, k.hi * units, states)
    count = run.width * (1 if run.form.gates == 4 else 2)
    k.sweep(0, count, lambda i, mask: _sums(run).store(i, run.zero, mask))


def _sums(run: Run) -> Pointer:
    """Return where the part adds up the gradient of the bias."""
    return run.sums + run.k.lo // run.grain * (run.width * (1 if run.form.gates == 4 else 2))


def _with(run: Run, value: Value, pointer: Pointer | None, index: Value, mask: Value | None) -> Value:
    """Return a value plus the gradient that is given for it, if one is."""
    return value if pointer is None else value + run.load(pointer, index, mask)


def _split(run: Run, g: Value, at: Value) -> tuple[Value, Value]:
    """Return the part of a gradient that goes through the step, and the part that passes it by."""
    if run.mask is None:
        return g, run.zero
    goes = run.mask.load(at)
    return goes.where(g, run.zero), goes.where(run.zero, g)


def _put(run: Run, to: Pointer, sums: Pointer, at: Value, column: Value, values: list, mask: Value | None) -> None:
    """Store the gradients of the gates, and add them to the part's sums."""
    for g, value in enumerate(values):
        to.store(at * run.width + g * run.units + column, value, mask)
        here = g * run.units + column
        sums.store(here, run.load(sums, here, mask) + value, mask)


def _lstm_cell_back(run: Run, row: Value, t: Value, column: Value, mask: Value | None) -> None:
    units, at, here = run.units, row * run.steps + t, row * run.units + column
    i, f, k, o = (run.load(run.gates, at * run.width + g * units + column, mask) for g in range(4))
    run.states.store(at * units + column, run.load(run.before(run.h, run.hs, row, t), column, mask), mask)
    before = run.load(run.before(run.c, run.cs, row, t), column, mask)
    # A kept sample's state is not what its gates made: it is made again.
    made = tanh(f.fma(before, i * k))
    dh = _with(run, run.load(run.dh, here, mask), run.g_hs, at * units + column, mask)
    dc = _with(run, run.load(run.dc, here, mask), run.g_cs, at * units + column, mask)
    dh, kept_h = _split(run, dh, at)
    dc, kept_c = _split(run, dc, at)
    dc = dc + dh * o * (1.0 - made * made)
    slopes = i * (1.0 - i), f * (1.0 - f), 1.0 - k * k, o * (1.0 - o)
    gz = [_with(run, x, run.g_gates, at * run.width + g * units + column, mask) * slope
          for g, (x, slope) in enumerate(zip((dc * k, dc * before, dc * i, dh * made), slopes, strict=True))]
    _put(run, run.gz, _sums(run), at, column, gz, mask)
    run.dh.store(here, kept_h, mask)
    run.dc.store(here, dc * f + kept_c, mask)


def _gru_cell_back(run: Run, row: Value, t: Value, column: Value, mask: Value | None) -> None:
    units, at, here = run.units, row * run.steps + t, row * run.units + column
    u, r, k = (run.load(run.gates, at * run.width + g * units + column, mask) for g in range(3))
    inner = run.load(run.inner, at * units + column, mask)
    before = run.load(run.before(run.h, run.hs, row, t), column, mask)
    run.states.store(at * units + column, before, mask)
    dh = _with(run, run.load(run.dh, here, mask), run.g_hs, at * units + column, mask)
    dh, kept = _split(run, dh, at)

    def total(x: Value, g: int) -> Value:
        return _with(run, x, run.g_gates, at * run.width + g * units + column, mask)

    gk = total(dh * (1.0 - u), 2) * (1.0 - k * k)
    gu = total(dh * (before - k), 0) * u * (1.0 - u)
    gr = total(gk * inner, 1) * r * (1.0 - r)
    sums = _sums(run)
    _put(run, run.gz, sums, at, column, [gu, gr, gk], mask)
    gi = _with(run, gk * r, run.g_inner, at * units + column, mask)
    _put(run, run.gw, sums + run.width, at, column, [gu, gr, gi], mask)
    run.dh.store(here, dh * u + kept, mask)


# ---- laying out weights ----------------------------------------------------------------------------------------------


def _pack(k: Any) -> None:
    """For each vector of units, each row of the weights: the vectors of all gates. Parts are rows."""
    w, packed = k.pointer(0, "f4"), k.pointer(1, "f4")
    units, gates = k.size(2), k.size(3)
    with k.loop(0, (units + (k.lanes - 1)) // k.lanes) as block, k.loop(k.lo, k.hi) as row, k.loop(0, gates) as g:
        column = block * k.lanes
        mask = k.lane_numbers(k.lanes) < units - column
        place = ((block * units + row) * gates + g) * k.lanes
        packed.store(place, w.load((row * gates + g) * units + column, k.lanes, mask))


def _pack_transposed(k: Any) -> None:
    """For each chunk of vectors of units, each column of the weights: those vectors. Parts are columns."""
    w, packed = k.pointer(0, "f4"), k.pointer(1, "f4")
    units, width, vectors = k.size(2), k.size(3), k.size(4)
    chunks = ((units + (k.lanes - 1)) // k.lanes + (vectors - 1)) // vectors
    with k.loop(0, chunks * vectors) as vector:
        rows = k.lane_numbers(k.lanes) + vector * k.lanes
        mask = rows < units
        with k.loop(k.lo, k.hi) as column:
            place = ((vector // vectors * width + column) * vectors + vector % vectors) * k.lanes
            packed.store(place, w.gather(rows * width + column, mask))


# ---- plans -----------------------------------------------------------------------------------------------------------

# rows and vectors of a tile, by the vectors' length: as many sums as the registers hold beside weights and one state
_BACK_TILE = {16: (8, 2), 8: (4, 2), 4: (4, 2)}
_ROWS = {(16, 4): 4, (16, 3): 8, (8, 4): 2, (8, 3): 3, (4, 4): 2, (4, 3): 3}
_NEAR = 1 << 20  # bytes of weights that stay in a thread's own cache from step to step


def _grain(batch: int, units: int, gates: int) -> int:
    """Return how many samples a part has: the more, the less often weights are read that do not stay in the cache."""
    return min(batch, 8 if 4 * units * units * gates <= _NEAR else 64)


def _serves(arrays: list[Any]) -> bool:
    return all(a.dtype == np.float32 or a.dtype == np.bool_ for a in arrays) and all(a.size for a in arrays)


def _form(gates: int, units: int, rows: int, vectors: int, operands: dict[str, str]) -> Form:
    return Form(gates, engine.lanes(), rows, vectors, bool(units % engine.lanes()), tuple(operands))


def _blocks(units: int, vectors: int = 1) -> int:
    """Return how many vectors hold the units, rounded up to whole chunks."""
    return -(-units // (engine.lanes() * vectors)) * vectors


def _key(name: str, form: Form) -> str:
    return " ".join(map(str, (name, *form[:-1], *form.names)))


def _forward_plan(ins: list[Any], outs: list[Any], gates: int, cell: Any, weights: str,
                  operands: dict[str, str]) -> Plan | None:
    if not _serves([*ins, *outs]):
        return None
    batch, steps, width = ins[0].shape
    units, lanes = width // gates, engine.lanes()
    grain = _grain(batch, units, gates)
    rows = min(_ROWS[lanes, gates], grain)
    form = _form(gates, units, rows, gates, operands)
    return Plan((
        Job(f"recurrent pack {lanes}", _pack, (weights, "s0"), (units, gates), units, split(units, width / 8)),
        Job(_key("recurrent forward", form), forward(form, cell), tuple(operands.values()), (steps, units, grain),
            batch, grain)), (4 * _blocks(units) * lanes * units * gates,))


@lowering("lstm")
def lstm(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    names = dict(packed="s0", z="i0", h="i1", c="i2", b="i4", hs="o0", cs="o1", gates="o2", last_h="o3", last_c="o4")
    return _forward_plan(ins, outs, 4, _lstm_cell, "i3", names | ({"mask": "i5"} if len(ins) > 5 else {}))


@lowering("gru")
def gru(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    names = dict(packed="s0", z="i0", h="i1", b="i3", hs="o0", gates="o1", inner="o2", last_h="o3")
    return _forward_plan(ins, outs, 3, _gru_cell, "i2", names | ({"mask": "i4"} if len(ins) > 4 else {}))


def _backward_plan(ins: list[Any], outs: list[Any], params: dict[str, Any], gates: int, names: dict[str, str],
                   cell: Any, through: str, weights: str) -> Plan | None:
    if not _serves([*ins, *outs]):
        return None
    batch, steps, width = outs[0].shape
    units, lanes = width // gates, engine.lanes()
    fixed = len(ins) - len(params["given"]) - params["masked"]
    operands = names | {f"g_{name}": f"i{fixed + n}" for n, name in enumerate(params["given"])}
    if params["masked"]:
        operands["mask"] = f"i{len(ins) - 1}"
    rows, vectors = _BACK_TILE[lanes]
    grain = _grain(batch, units, gates)
    rows, vectors = min(rows, grain), min(vectors, _blocks(units))
    form, parts = _form(gates, units, rows, vectors, operands), -(-batch // grain)
    last = len(outs) - 1
    sums = width * (1 if gates == 4 else 2)
    scratch = [_blocks(units, vectors) * lanes * width, batch * steps * units, parts * sums]
    if through == "gw":
        scratch.append(batch * steps * width)
    of_weights = long_product("s1", names[through], f"o{last - 1}", f"s{len(scratch)}", kind="f4", m=units, n=width,
                              k=batch * steps, lda=units, ldb=width, turn_a=True)
    if of_weights is None:
        return None
    return Plan((
        Job(f"recurrent pack transposed {lanes}", _pack_transposed, (weights, "s0"), (units, width, vectors), width,
            split(width, units / 2)),
        Job(_key("recurrent backward", form), backward(form, cell, through), tuple(operands.values()),
            (steps, units, grain), batch, grain),
        add_parts("s2", f"o{last}", parts=parts, width=sums), *of_weights.jobs),
        (*(align(4 * n) for n in scratch), *of_weights.scratch))


@lowering("lstm_grad")
def lstm_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    names = dict(packed="s0", states="s1", sums="s2", h="i0", c="i1", hs="i3", cs="i4", gates="i5",
                 gz="o0", dh="o1", dc="o2")
    return _backward_plan(ins, outs, params, 4, names, _lstm_cell_back, "gz", "i2")


@lowering("gru_grad")
def gru_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    names = dict(packed="s0", states="s1", sums="s2", gw="s3", h="i0", hs="i2", gates="i3", inner="i4",
                 gz="o0", dh="o1")
    return _backward_plan(ins, outs, params, 3, names, _gru_cell_back, "gw", "i1")
