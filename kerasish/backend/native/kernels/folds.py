"""Sums, means and extremes: of rows (the last axes), of columns (axes before the last), or of one after the other.

In a pass an array counts as (batch, folded, kept). Long sums are cut in blocks of which each is a part of the work;
the sums of the blocks are added in a pass of their own, so no chain of additions is longer than some hundreds.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.language import BYTES, Pointer, Value, kind_of

_NANOSECONDS = 0.1  # an element
_BLOCK = 300_000  # elements of a block of columns, some 30 microseconds
_ROWS = 2048  # rows of a block at most
_ROW_BLOCK = 16_384  # elements of a block of a row
_WIDE = 512  # columns from which on they are gone through in the order of memory


class Extent(NamedTuple):
    """An array as (batch, folded, kept)."""

    batch: int
    folded: int
    kept: int


Run = tuple[int, bool]  # elements along neighbouring axes, and whether they are folded


def runs_of(shape: tuple[int, ...], axis: Any) -> list[Run] | None:
    """Return the axes that are folded and those that are kept, in turn; None if there are no elements."""
    ndim = len(shape)
    axes = range(ndim) if axis is None else [a % ndim for a in ((axis,) if isinstance(axis, int) else axis)]
    runs: list[Run] = []
    for i, n in enumerate(shape):
        if n == 1:
            continue
        if runs and runs[-1][1] == (i in axes):
            n *= runs.pop()[0]
        runs.append((n, i in axes))
    if not any(folded for _, folded in runs):
        runs.append((1, True))
    return None if 0 in shape else runs


def longest(runs: list[Run]) -> int:
    """Return the number of the longest run that is folded."""
    return max((n for n, (_, folded) in enumerate(runs) if folded), key=lambda n: runs[n][0])


def around(runs: list[Run], at: int) -> Extent:
    """Return the extent in which one run is folded."""
    return Extent(math.prod(n for n, _ in runs[:at]), runs[at][0], math.prod(n for n, _ in runs[at + 1 :]))


def extent(shape: tuple[int, ...], axis: Any) -> Extent | None:
    """Return an array's extent; None if the folded axes do not lie side by side, or there are no elements."""
    runs = runs_of(shape, axis)
    if runs is None or sum(folded for _, folded in runs) > 1:
        return None
    return around(runs, longest(runs))


class Fold(NamedTuple):
    """How elements are folded: what to begin with, how two are put together, and all lanes of a vector."""

    start: Any
    join: Callable[[Value, Value], Value]
    finish: Callable[[Value], Value]


def fold_of(name: str, kind: str) -> Fold:
    """Return the fold of "sum", "max" or "min"; of kind "u1" are truth values."""
    if name == "sum":
        return Fold(0, lambda a, b: a + b, lambda v: v.total())
    most = 1 << 8 * BYTES[kind] - 1  # of whole numbers
    lowest, highest = (-math.inf, math.inf) if kind[0] == "f" else (0, 1) if kind == "u1" else (-most, most - 1)
    if name == "max":
        return Fold(lowest, lambda a, b: a.maximum(b), lambda v: v.extreme("max"))
    return Fold(highest, lambda a, b: a.minimum(b), lambda v: v.extreme("min"))


Step = Callable[[Value, Value, int], Value]


def fold_columns(k: Any, x: Pointer, rows: Value, stride: Value, start: list[Value], step: Step,
                 join: Callable[[Value, Value], Value], unroll: int, masks: list[Value | None]) -> list[Value]:
    """Return what rows of a few vectors come to, `unroll` chains side by side.

    Args:
        k: the kernel.
        x: the first row.
        rows, stride: how many rows, and elements from one to the next.
        start: what each vector begins with.
        step: returns (so far, loaded, number of the vector) put together.
        join: puts two chains together.
        unroll: rows at a time.
        masks: valid lanes of each vector.
    """
    lanes = start[0].lanes
    sums = [[k.var(v) for v in start] for _ in range(unroll)]

    def take(row: Value, chain: int) -> None:
        for n, mask in enumerate(masks):
            loaded = x.load(row * stride + n * lanes, lanes, mask)
            sums[chain][n].set(step(sums[chain][n].get(), loaded, n))

    whole = rows // unroll * unroll
    with k.loop(0, whole, unroll) as row:
        for chain in range(unroll):
            take(row + chain, chain)
    with k.loop(whole, rows) as row:
        take(row, 0)
    chains = [[v.get() for v in chain] for chain in sums]
    while len(chains) > 1:
        half = len(chains) // 2
        chains = [[join(a, b) for a, b in zip(*pair, strict=True)]
                  for pair in zip(chains[:half], chains[half:], strict=True)]
    return chains[0]


def fold_row(k: Any, x: Pointer, length: Value, lanes: int, start: Any, step: Callable[[Value, Value], Value],
             join: Callable[[Value, Value], Value]) -> Value:
    """Return what the vectors of a row come to; the lanes are left apart."""
    sums = [k.var(k.number(start, x.kind, lanes)) for _ in range(4)]
    whole = length // (4 * lanes) * (4 * lanes)
    with k.loop(0, whole, 4 * lanes) as i:
        for n, total in enumerate(sums):
            total.set(step(total.get(), x.load(i + n * lanes, lanes)))
    first = sums[0]

    def rest(i: Value, mask: Value | None) -> None:
        so_far = first.get()
        stepped = step(so_far, x.load(i, lanes, mask))
        first.set(stepped if mask is None else mask.where(stepped, so_far))

    k.sweep(whole, length, rest, lanes)
    a, b, c, d = (total.get() for total in sums)
    return join(join(a, b), join(c, d))


class Blocks(NamedTuple):
    """A part's place: the number of its first row, how many rows it has, and where its results go."""

    first: Value
    rows: Value
    out: Value


def block(k: Any, unit: Value, cut: bool, rows: Value, block_rows: Value, blocks: Value, kept: Value) -> Blocks:
    """Return the place of a unit, if each of the batch's `rows` is cut in blocks, or is not."""
    if not cut:
        return Blocks(unit * rows, rows, unit * kept)
    start = unit % blocks * block_rows
    return Blocks(unit // blocks * rows + start, (rows - start).minimum(block_rows), unit * kept)


def shape_of_vectors(kept: int, lanes: int) -> tuple[int, int]:
    """Return how many vectors of columns, and how many rows, are gone through side by side."""
    vectors = min(4, 1 << (-(-kept // lanes) - 1).bit_length())
    return vectors, 8 // vectors


def chunks(k: Any, kept: Value, vectors: int, lanes: int, body: Callable[[Value, list[Value | None]], None]) -> None:
    """Call `body(first column, masks)` for every few vectors of columns."""
    width = vectors * lanes
    whole = kept // width * width
    with k.loop(0, whole, width) as c:
        body(c, [None] * vectors)
    with k.when(whole < kept):
        numbers = k.lane_numbers(lanes)
        body(whole, [numbers + n * lanes < kept - whole for n in range(vectors)])


def columns(kind: str, name: str, vectors: int, unroll: int, cut: bool, mean: bool) -> Callable[[Any], None]:
    """Return the writer of folds of columns. A unit is a block of rows.

    Table: x, out; rows, rows of a block, blocks, columns, the number to divide by.
    """
    fold = fold_of(name, kind)

    def write(k: Any) -> None:
        x, out = k.pointer(0, kind), k.pointer(1, kind)
        rows, block_rows, blocks, kept = (k.size(2 + n) for n in range(4))
        count, lanes = k.size(6).to(kind), k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            place = block(k, unit, cut, rows, block_rows, blocks, kept)
            source, target = x + place.first * kept, out + place.out

            def body(c: Value, masks: list, source=source, target=target, place=place) -> None:
                results = fold_columns(k, source + c, place.rows, kept, [k.number(fold.start, kind, lanes)] * vectors,
                                       lambda a, b, n: fold.join(a, b), fold.join, unroll, masks)
                for n, (result, mask) in enumerate(zip(results, masks, strict=True)):
                    target.store(c + n * lanes, result / count if mean else result, mask)

            chunks(k, kept, vectors, lanes, body)

    return write


def wide_columns(kind: str, name: str, cut: bool, mean: bool) -> Callable[[Any], None]:
    """Return the writer of folds of many columns, eight rows at a time. Unit and table as of `columns`."""
    fold = fold_of(name, kind)

    def write(k: Any) -> None:
        x, out = k.pointer(0, kind), k.pointer(1, kind)
        rows, block_rows, blocks, kept = (k.size(2 + n) for n in range(4))
        count, lanes = k.size(6).to(kind), k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            place = block(k, unit, cut, rows, block_rows, blocks, kept)
            source, target = x + place.first * kept, out + place.out
            start = k.number(fold.start, kind, lanes)
            k.sweep(0, kept, lambda c, mask, t=target: t.store(c, start, mask), lanes)
            whole = place.rows // 8 * 8
            for first, stop, step in ((0, whole, 8), (whole, place.rows, 1)):
                with k.loop(first, stop, step) as row:
                    top = source + row * kept

                    def body(c: Value, mask: Value | None, top=top, target=target, step=step) -> None:
                        values = [top.load(kept * n + c, lanes, mask) for n in range(step)]
                        while len(values) > 1:
                            values = [fold.join(a, b) for a, b in zip(values[::2], values[1::2], strict=True)]
                        target.store(c, fold.join(target.load(c, lanes, mask), values[0]), mask)

                    k.sweep(0, kept, body, lanes)
            if mean:
                k.sweep(0, kept, lambda c, mask, t=target: t.store(c, t.load(c, lanes, mask) / count, mask), lanes)

    return write


def rows_folded(kind: str, name: str, cut: bool, mean: bool) -> Callable[[Any], None]:
    """Return the writer of folds of rows. A unit is a row or a block of one. Table as of `columns`, with one column."""
    fold = fold_of(name, kind)

    def write(k: Any) -> None:
        x, out = k.pointer(0, kind), k.pointer(1, kind)
        length, block_length, blocks, one = (k.size(2 + n) for n in range(4))
        count, lanes = k.size(6).to(kind), k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            place = block(k, unit, cut, length, block_length, blocks, one)
            vector = fold_row(k, x + place.first, place.rows, lanes, fold.start, fold.join, fold.join)
            result = fold.finish(vector)
            out.store(unit, result / count if mean else result)

    return write


def block_rows(folded: int, kept: int) -> int:
    """Return how many rows a block of a fold has; all if they are not worth cutting."""
    most = _ROW_BLOCK if kept == 1 else max(64, min(_ROWS, _BLOCK // kept))
    return folded if folded <= 2 * most else -(-folded // -(-folded // most))


def _job(name: str, kind: str, ends: tuple[str, str], size: Extent, per_block: int, divisor: int | None) -> Job:
    """Return the job of one pass; `divisor` is what the results are divided by, if they are."""
    blocks = -(-size.folded // per_block)
    cut, mean, total = blocks > 1, divisor is not None, size.batch * blocks
    write: Callable[[Any], None]
    if size.kept == 1:
        way, write = "rows", rows_folded(kind, name, cut, mean)
    elif size.kept >= _WIDE:
        way, write = "wide columns", wide_columns(kind, name, cut, mean)
    else:
        vectors, unroll = shape_of_vectors(size.kept, engine.lanes() * 4 // BYTES[kind])
        way, write = f"columns {vectors}", columns(kind, name, vectors, unroll, cut, mean)
    sizes = (size.folded, per_block, blocks, size.kept, divisor or 1)
    return Job(f"fold {way} {name} {kind} {cut} {mean}", write, ends, sizes, total,
               split(total, 5 + _NANOSECONDS * per_block * size.kept))


def fold_plan(name: str, x: Any, axis: Any, mean: bool = False) -> Plan | None:
    """Return the plan of a "sum", "max" or "min", or of a mean; None if no kernel serves."""
    kind = kind_of(x.dtype)
    return _passes(name, x, axis, kind, mean) if kind in (("f4", "f8") if mean else ("f4", "f8", "i4", "i8")) else None


def _passes(name: str, x: Any, axis: Any, kind: str | None, mean: bool = False) -> Plan | None:
    """Pass after pass, the longest run of axes first."""
    runs = runs_of(tuple(x.shape), axis)
    if kind is None or runs is None:
        return None
    passes = []
    while any(folded for _, folded in runs):
        at = longest(runs)
        size, runs = around(runs, at), runs[:at] + runs[at + 1 :]
        per_block = block_rows(size.folded, size.kept)
        passes.append((size, per_block))
        blocks = -(-size.folded // per_block)
        if blocks > 1:
            passes.append((Extent(size.batch, blocks, size.kept), blocks))
    count = math.prod(n for n, folded in runs_of(tuple(x.shape), axis) or () if folded)
    jobs, scratch, source = [], [], "i0"
    for n, (size, per_block) in enumerate(passes):
        last = n == len(passes) - 1
        target = "o0" if last else f"s{n}"
        if not last:
            scratch.append(size.batch * -(-size.folded // per_block) * size.kept * BYTES[kind])
        jobs.append(_job(name, kind, (source, target), size, per_block, count if mean and last else None))
        source = target
    return Plan(tuple(jobs), tuple(scratch))


@lowering("sum")
def sum_(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return fold_plan("sum", ins[0], params.get("axis"))


@lowering("mean")
def mean(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return fold_plan("sum", ins[0], params.get("axis"), mean=True)


@lowering("max")
def max_(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return fold_plan("max", ins[0], params.get("axis"))


@lowering("min")
def min_(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return fold_plan("min", ins[0], params.get("axis"))


@lowering("any")
def any_(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    """The largest of truth values."""
    return _passes("max", ins[0], params.get("axis"), "u1") if ins[0].dtype.kind == "b" else None


@lowering("all")
def all_(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    """The smallest of truth values."""
    return _passes("min", ins[0], params.get("axis"), "u1") if ins[0].dtype.kind == "b" else None
