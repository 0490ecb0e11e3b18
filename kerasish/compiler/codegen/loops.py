"""The kernel of a fused instruction: one pass over its shape, row by row where rows are folded.

Units of work are elements where everything is one loop, else rows. Within a row, what depends on a reduction of the row
comes in a later *phase*, another loop over the same row, which is in the nearest cache by then.
"""

import functools
from typing import Any

from kerasish.backend.native.jobs import Job, Plan, align, split
from kerasish.backend.native.kernels.parts import add_parts
from kerasish.backend.native.language import BYTES, Kernel, Pointer, Value
from kerasish.compiler.codegen.expressions import COSTLY, kind_of, nanoseconds, writer
from kerasish.compiler.codegen.fused import COLUMN, FULL, ROW, Fused, Loops, collapse

# Reductions, with the number from which each begins.
_NEUTRAL = {"sum": 0.0, "mean": 0.0, "max": float("-inf"), "min": float("inf"), "take_along_axis": 0.0,
            "position": float(1 << 31)}
_ADDING = ("sum", "mean", "take_along_axis")
_MOST_PARTS = 64


class Shape:
    """A fused instruction with all that its kernel's text depends on, and nothing else: sizes are not in it.

    Attributes:
        loops: its loops (lengths are used only by the plan).
        kinds: of each value.
        key: names the text.
    """

    def __init__(self, card: Fused):
        self.card = card
        self.kinds = [kind_of(s) or "f4" for s in card.specs]
        self.columns = [v for v in card.results if card.scopes[v] == COLUMN]
        summed = self._summed()
        kept = card.folded or (None if summed in (None, len(card.shape)) else len(card.shape) - (summed or 0))
        loops = collapse(card.shape, list(card.masks), kept) if card.shape else Loops((), tuple(() for _ in card.masks))
        assert loops is not None  # the fuser has seen to it
        self.loops = loops
        self.whole = summed == len(card.shape)  # column sums fold all there is
        self.maker = {card.first + n: i for n, i in enumerate(card.body)}
        self.phase = self._phases()
        steps = tuple([(i.card.name, i.inputs, i.params.get("dtype")) for i in card.body])
        self.key = repr(("fused", steps, self.kinds, card.results, card.folded > 0, self.whole, len(loops.dims),
                         loops.masks, sorted(card.constants.items()), sorted(card.scopes.items())))

    def _summed(self) -> int | None:
        for n, i in enumerate(self.card.body, self.card.first):
            if self.card.scopes[n] == COLUMN:
                return len(i.params["axis"])
        return None

    def _phases(self) -> dict[int, int]:
        """In which loop over a row a value is known: after a reduction, one loop later than what it folds."""
        phase: dict[int, int] = dict.fromkeys(range(len(self.card.specs)), 0)
        if self.card.folded:
            for v, i in self.maker.items():
                folds = self.card.scopes[v] == ROW and self.is_fold(v)
                phase[v] = max([phase[x] for x in i.inputs], default=0) + (1 if folds else 0)
        return phase

    def is_fold(self, v: int) -> bool:
        """Whether a value is a reduction of something that lies in every place."""
        return self.maker[v].card.name in _NEUTRAL

    def nanoseconds(self) -> float:
        """What an element costs, roughly."""
        return nanoseconds(self.card.body) + 0.12 * (self.card.inputs + len(self.card.results))


def plan(card: Fused, forced: int | None = None) -> Plan:
    """Return the jobs of a fused instruction; `forced` is the grain of the first, where it is not free."""
    shape = Shape(card)
    operands = [*(f"i{n}" for n in range(card.inputs))]
    if not card.shape:
        return Plan((Job(shape.key, lambda k: _scalar(k, shape), (*operands, *_outputs(card))),))
    dims = shape.loops.dims
    inner = dims[-1]
    rows = 1
    for n in dims[:-1]:
        rows *= n
    cost = shape.nanoseconds()
    if len(dims) == 1:
        total, grain = inner, split(inner, cost, _MOST_PARTS, 64)
    else:
        total, grain = rows, split(rows, cost * inner + 3, _MOST_PARTS)
    grain = forced or grain
    parts = -(-total // grain)
    scratch: list[int] = []
    combine: list[Job] = []
    targets: list[str] = []
    for n, v in enumerate(card.results):
        if card.scopes[v] != COLUMN:
            targets.append(f"o{n}")
            continue
        width = 1 if shape.whole else inner
        kind, fold = shape.kinds[v], shape.maker[v].card.name
        targets.append(f"s{len(scratch)}")
        count = total * (1 if len(dims) == 1 else inner) // width if fold == "mean" else None
        combine.append(add_parts(f"s{len(scratch)}", f"o{n}", parts=parts, width=width, kind=kind, count=count))
        scratch.append(align(parts * width * BYTES[kind]))
    stash = _stashed(shape)
    for v in stash:
        targets.append(f"s{len(scratch)}")
        scratch.append(align(parts * inner * BYTES[shape.kinds[v]]))
    job = Job(shape.key, lambda k: _Rows(k, shape, stash).write(), (*operands, *targets), (grain, *dims), total, grain)
    return Plan((job, *combine), tuple(scratch))


def _outputs(card: Fused) -> list[str]:
    return [f"o{n}" for n in range(len(card.results))]


def _scalar(k: Kernel, shape: Shape) -> None:
    """Single numbers: everything once."""
    card = shape.card
    values: dict[int, Value] = {n: k.pointer(n, shape.kinds[n]).load(0) for n in range(card.inputs)}
    values.update({v: k.number(c, shape.kinds[v]) for v, c in card.constants.items()})
    for v, i in shape.maker.items():
        values[v] = _apply(shape, v, [values[x] for x in i.inputs])
    for n, v in enumerate(card.results):
        k.pointer(card.inputs + n, shape.kinds[v]).store(0, values[v])


def _apply(shape: Shape, v: int, inputs: list[Value]) -> Value:
    i = shape.maker[v]
    if i.card.name in ("reshape", "broadcast_to"):
        return inputs[0]
    specs = shape.card.specs
    write = writer(i.card.name, [specs[x] for x in i.inputs], specs[v])
    assert write is not None
    return write(*inputs)


def _stashed(shape: Shape) -> list[int]:
    """Values in every place that a later phase needs and that are dear to compute again: kept for the row."""
    out: dict[int, None] = {}
    for v, i in shape.maker.items() if shape.card.folded else ():
        for x in i.inputs:
            if (x in shape.maker and shape.card.scopes[x] == FULL and shape.phase[x] < shape.phase[v]
                    and not (shape.is_fold(v) and shape.phase[v] == shape.phase[x] + 1)
                    and shape.maker[x].card.name in COSTLY and x not in shape.card.results):
                out[x] = None
    return list(out)


class _Rows:
    """Writes the kernel of a shape that has loops."""

    def __init__(self, k: Kernel, shape: Shape, stash: list[int]):
        self.k, self.shape, self.card = k, shape, shape.card
        self.loops: Loops = shape.loops
        card, kinds = shape.card, shape.kinds
        targets = [*card.results, *stash]
        self.inputs = [k.pointer(n, kinds[n]) for n in range(card.inputs)]
        self.targets = {v: k.pointer(card.inputs + n, kinds[v]) for n, v in enumerate(targets)}
        sizes = card.inputs + len(targets)
        self.part = k.lo // k.size(sizes)
        self.dims = [k.size(sizes + 1 + d) for d in range(len(self.loops.dims))]
        self.inner = self.dims[-1]
        for v in stash:
            self.targets[v] = self.targets[v] + self.part * self.inner
        self.stash = set(stash)
        self.known: dict[int, Value] = {v: k.number(c, kinds[v]) for v, c in card.constants.items()}
        for n, mask in enumerate(self.loops.masks):
            if not any(mask):
                self.known[n] = self.inputs[n].load(0)
        self.phases = max(shape.phase.values(), default=0) + 1

    # ---- the loops -------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the kernel."""
        k = self.k
        self._begin_columns()
        if len(self.loops.dims) == 1:
            self.offsets = {n: k.number(0, "i8") for n in range(self.card.inputs)}
            self.base = k.number(0, "i8")
            self.row_values: dict[int, Value] = {}
            k.sweep(k.lo, k.hi, lambda j, mask: self._inner(0, {}, j, mask))
        else:
            with k.loop(k.lo, k.hi) as row:
                self._row(row)
        self._end_columns()

    def _row(self, row: Value) -> None:
        k = self.k
        self.offsets = self._row_offsets(row)
        self.row, self.base = row, row * self.inner
        self.row_values = {n: self.inputs[n].load(self.offsets[n]) for n, mask in enumerate(self.loops.masks)
                           if any(mask) and not mask[-1]}
        for phase in range(self.phases):
            self._row_scalars(phase)
            folds = {v: k.var(k.number(_NEUTRAL[self.shape.maker[v].card.name], self._fold_kind(v), k.lanes))
                     for v in self._folds_after(phase)}
            if folds or self._stores_in(phase):
                k.sweep(0, self.inner, functools.partial(self._inner, phase, folds))
            for v, total in folds.items():
                self._finish_fold(v, total.get())

    def _row_offsets(self, row: Value) -> dict[int, Value]:
        """Where the row of each input begins."""
        outer = len(self.loops.dims) - 1
        indices: list[Value] = []
        rest = row
        for d in reversed(range(outer)):
            indices.insert(0, rest % self.dims[d] if d else rest)
            rest = rest // self.dims[d] if d else rest
        known: dict[tuple, Value] = {}
        out = {}
        for n, mask in enumerate(self.loops.masks):
            if mask not in known:
                known[mask] = self._offset(mask, row, indices)
            out[n] = known[mask]
        return out

    def _offset(self, mask: tuple[bool, ...], row: Value, indices: list[Value]) -> Value:
        inner = self.inner if mask[-1] else self.k.number(1, "i8")
        if all(mask[:-1]):
            return row * inner
        total, stride = self.k.number(0, "i8"), inner
        for d in reversed(range(len(indices))):
            if mask[d]:
                total, stride = total + indices[d] * stride, stride * self.dims[d]
        return total

    # ---- what is done once a row -------------------------------------------------------------------

    def _row_scalars(self, phase: int) -> None:
        for v, i in self.shape.maker.items():
            if self.card.scopes[v] != ROW or self.shape.phase[v] != phase or v in self.row_values:
                continue
            self.row_values[v] = _apply(self.shape, v, [self._row_value(x) for x in i.inputs])
            if v in self.targets:
                self.targets[v].store(self.row, self.row_values[v])

    def _row_value(self, v: int) -> Value:
        return self.known[v] if v in self.known else self.row_values[v]

    def _finish_fold(self, v: int, lanes: Value) -> None:
        name = self.shape.maker[v].card.name
        if name in _ADDING:
            total = lanes.total()
            total = total / self.inner.to(total.kind) if name == "mean" else total
        else:
            total = lanes.extreme("max" if name == "max" else "min").to(self.shape.kinds[v])
        self.row_values[v] = total
        if v in self.targets:
            self.targets[v].store(self.row, total)

    def _fold_kind(self, v: int) -> str:
        return "i8" if self.shape.maker[v].card.name == "position" else self.shape.kinds[v]

    def _folds_after(self, phase: int) -> list[int]:
        return [v for v in self.shape.maker if self.card.scopes[v] == ROW and self.shape.is_fold(v)
                and self.shape.phase[v] == phase + 1]

    # ---- what is done at every place -----------------------------------------------------------------

    def _stores_in(self, phase: int) -> list[int]:
        """Values that a phase writes: results in every place, stashed ones, and what column sums add."""
        scopes = self.card.scopes
        return [v for v in self.shape.maker if self.shape.phase[v] == phase
                and ((v in self.targets and scopes[v] == FULL) or scopes[v] == COLUMN)]

    def place(self, v: int, j: Value) -> Value:
        """Where a value of this row lies in its target."""
        return j if v in self.stash else self.base + j

    def _inner(self, phase: int, folds: dict[int, Any], j: Value, mask: Value | None) -> None:
        here = _Place(self, phase, j, mask)
        # Everything is read before anything is written: a result may lie where an input lies.
        stored = [(v, here.value(self.shape.maker[v].inputs[0] if self.card.scopes[v] == COLUMN else v))
                  for v in self._stores_in(phase)]
        folded = [(v, self._term(v, here, j)) for v in folds]
        for v, value in stored:
            if self.card.scopes[v] == COLUMN:
                self._add_column(v, value, j, mask)
            else:
                self.targets[v].store(self.place(v, j), value.splat(self.k.lanes), mask)
        for v, value in folded:
            self._fold(self.shape.maker[v].card.name, folds[v], value.splat(self.k.lanes), mask)

    def _fold(self, name: str, total: Any, value: Value, mask: Value | None) -> None:
        """Take a vector into account in a reduction of the row."""
        if mask is not None:
            value = mask.where(value, _NEUTRAL[name])
        old = total.get()
        total.set(old + value if name in _ADDING else old.maximum(value) if name == "max" else old.minimum(value))

    def _term(self, v: int, here: "_Place", j: Value) -> Value:
        """What a fold adds up, or compares, at a vector of places."""
        i = self.shape.maker[v]
        value = here.value(i.inputs[0])
        if i.card.name == "take_along_axis":
            return self.is_at(self._row_value(i.inputs[1]), j).where(value, 0)
        if i.card.name == "position":
            top = self._row_value(i.inputs[1])
            return (value.equals(top) | value.differs(value)).where(self.columns(j), 1 << 31)
        return value

    def columns(self, j: Value) -> Value:
        """The numbers of the places of a vector."""
        return self.k.lane_numbers(self.k.lanes) + j

    def is_at(self, index: Value, j: Value) -> Value:
        """Whether places are the one that an index names, counted from the end if it is negative."""
        index = index.to("i8")
        return self.columns(j).equals((index < 0).where(index + self.inner, index))

    # ---- sums over rows ------------------------------------------------------------------------------

    def _begin_columns(self) -> None:
        k = self.k
        self.totals: dict[int, Any] = {}
        for v in self.shape.columns:
            kind, target = self.shape.kinds[v], self.targets[v]
            if self.shape.whole:
                self.totals[v] = k.var(k.number(0.0, kind, k.lanes))
                continue
            self.targets[v] = target = target + self.part * self.inner
            zeros = k.number(0.0, kind, k.lanes)
            k.sweep(0, self.inner, functools.partial(_store, target, zeros))

    def _add_column(self, v: int, value: Value, j: Value, mask: Value | None) -> None:
        value = value.splat(self.k.lanes)
        if self.shape.whole:
            self.totals[v].add(value if mask is None else mask.where(value, 0.0))
        else:
            self.targets[v].store(j, self.targets[v].load(j, self.k.lanes, mask) + value, mask)

    def _end_columns(self) -> None:
        for v, total in self.totals.items():
            self.targets[v].store(self.part, total.get().total())


def _store(target: Pointer, value: Value, j: Value, mask: Value | None) -> None:
    target.store(j, value, mask)


class _Place:
    """The values at one vector of places of a row."""

    def __init__(self, rows: _Rows, phase: int, j: Value, mask: Value | None):
        self.rows, self.phase, self.j, self.mask = rows, phase, j, mask
        self.values: dict[int, Value] = {}

    def value(self, v: int) -> Value:
        found = self.values.get(v)
        if found is None:
            found = self.values[v] = self._compute(v)
        return found

    def _compute(self, v: int) -> Value:
        rows = self.rows
        if v in rows.known:
            return rows.known[v]
        if v in rows.row_values:
            return rows.row_values[v]
        if v < rows.card.inputs:
            return self._load(rows.inputs[v], rows.offsets[v] + self.j)
        if rows.shape.phase[v] < self.phase and v in rows.targets:
            return self._load(rows.targets[v], rows.place(v, self.j))
        i = rows.shape.maker[v]
        if i.card.name == "add_along_axis":
            value, index = (rows._row_value(x) for x in i.inputs)
            return rows.is_at(index, self.j).where(value, 0)
        if i.card.name == "take":
            table, number = i.inputs
            return self._load(rows.inputs[table], rows.row_values[number].to("i8") * rows.inner + self.j)
        return _apply(rows.shape, v, [self.value(x) for x in i.inputs])

    def _load(self, pointer: Pointer, offset: Value) -> Value:
        return pointer.load(offset, self.rows.k.lanes, self.mask)
