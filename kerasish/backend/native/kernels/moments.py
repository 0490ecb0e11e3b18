"""Mean and variance, as normalizations ask for them.

Every block of rows is read twice while it is in the cache: for its mean, then for the squared distances from it. Blocks
are put together by their means and sums of squares (Chan, Golub and LeVeque 1983), in double precision.
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.folds import (
    Extent,
    around,
    block,
    chunks,
    fold_columns,
    fold_row,
    longest,
    runs_of,
    shape_of_vectors,
)
from kerasish.backend.native.language import BYTES, Value, kind_of

_BLOCK = 1 << 16  # bytes that stay in the cache between two readings
_NANOSECONDS = 0.15  # an element


def _plus(a: Value, b: Value) -> Value:
    return a + b


def columns(kind: str, vectors: int, unroll: int, cut: bool, divided: bool) -> Callable[[Any], None]:
    """Return the writer of moments of columns. A unit is a block of rows.

    Table: x, mean, squares; rows, rows of a block, blocks, columns.

    Args:
        kind: of the numbers.
        vectors, unroll: columns and rows that are gone through side by side.
        cut: whether there are several blocks.
        divided: whether the sums of squares are divided by the number of rows.
    """

    def write(k: Any) -> None:
        x, means, squares = (k.pointer(n, kind) for n in range(3))
        rows, block_rows, blocks, kept = (k.size(3 + n) for n in range(4))
        lanes = k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            place = block(k, unit, cut, rows, block_rows, blocks, kept)
            source, count = x + place.first * kept, place.rows.to(kind)

            def body(c: Value, masks: list, source=source, place=place, count=count) -> None:
                zeros = [k.number(0, kind, lanes)] * vectors
                totals = fold_columns(k, source + c, place.rows, kept, zeros, lambda a, b, n: a + b, _plus, unroll,
                                      masks)
                middle = [t / count for t in totals]

                def add_square(total: Value, value: Value, n: int) -> Value:
                    away = value - middle[n]
                    return away.fma(away, total)

                sums = fold_columns(k, source + c, place.rows, kept, zeros, add_square, _plus, unroll, masks)
                for n, (m, s, mask) in enumerate(zip(middle, sums, masks, strict=True)):
                    means.store(place.out + c + n * lanes, m, mask)
                    squares.store(place.out + c + n * lanes, s / count if divided else s, mask)

            chunks(k, kept, vectors, lanes, body)

    return write


def rows(kind: str, cut: bool, divided: bool) -> Callable[[Any], None]:
    """Return the writer of moments of rows. A unit is a row or a block of one. Table as of `columns`, one column."""

    def write(k: Any) -> None:
        x, means, squares = (k.pointer(n, kind) for n in range(3))
        length, block_length, blocks, one = (k.size(3 + n) for n in range(4))
        lanes = k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as unit:
            place = block(k, unit, cut, length, block_length, blocks, one)
            source, count = x + place.first, place.rows.to(kind)
            middle = fold_row(k, source, place.rows, lanes, 0, _plus, _plus).total() / count

            def add_square(total: Value, value: Value, middle=middle) -> Value:
                away = value - middle
                return away.fma(away, total)

            total = fold_row(k, source, place.rows, lanes, 0, add_square, _plus).total()
            means.store(unit, middle)
            squares.store(unit, total / count if divided else total)

    return write


def together(kind: str, divided: bool) -> Callable[[Any], None]:
    """Return the writer that puts blocks together. A unit is an item of the batch.

    Table: means and squares of blocks (batch, blocks, columns), mean, variance (or squares); rows, rows of a block,
    blocks, columns.
    """

    def write(k: Any) -> None:
        block_means, block_squares, means, variances = (k.pointer(n, kind) for n in range(4))
        rows, block_rows, blocks, kept = (k.size(4 + n) for n in range(4))
        lanes, total = k.lanes // 2, rows.to("f8")

        def size(n: Value) -> Value:
            return (rows - n * block_rows).minimum(block_rows).to("f8")

        with k.loop(k.lo, k.hi) as unit:
            first = unit * blocks * kept

            def body(c: Value, mask: Value | None, unit=unit, first=first) -> None:
                zero = k.number(0, "f8", lanes)
                mean, squares = k.var(zero), k.var(zero)
                with k.loop(0, blocks) as n:
                    mean.add(block_means.load(first + n * kept + c, lanes, mask).to("f8") * size(n))
                middle = mean.get() / total
                with k.loop(0, blocks) as n:
                    at = first + n * kept + c
                    away = block_means.load(at, lanes, mask).to("f8") - middle
                    squares.add(block_squares.load(at, lanes, mask).to("f8") + away * away * size(n))
                means.store(unit * kept + c, middle, mask)
                variances.store(unit * kept + c, squares.get() / total if divided else squares.get(), mask)

            k.sweep(0, kept, body, lanes)

    return write


def _blocks_job(kind: str, ends: tuple[str, str], size: Extent, per_block: int, divided: bool) -> Job:
    """Return the job of the moments of all blocks."""
    blocks = -(-size.folded // per_block)
    cut, total = blocks > 1, size.batch * blocks
    write: Callable[[Any], None]
    if size.kept == 1:
        way, write = "rows", rows(kind, cut, divided)
    else:
        vectors, unroll = shape_of_vectors(size.kept, engine.lanes() * 4 // BYTES[kind])
        way, write = f"columns {vectors}", columns(kind, vectors, unroll, cut, divided)
    return Job(f"moments {way} {kind} {cut} {divided}", write, ("i0", *ends),
               (size.folded, per_block, blocks, size.kept), total,
               split(total, 10 + _NANOSECONDS * per_block * size.kept))


def _plan(x: Any, axis: Any, mean: str, variance: str) -> Plan | None:
    """Return the plan of moments; "" stands for a result that nobody asks for."""
    kind, runs = kind_of(x.dtype), runs_of(tuple(x.shape), axis)
    if kind not in ("f4", "f8") or runs is None or sum(folded for _, folded in runs) > 2:
        return None
    at = longest(runs)
    size, others = around(runs, at), runs[:at] + runs[at + 1 :]
    per_block = _block_rows(size, BYTES[kind])
    joins = []  # what puts blocks together: extents and the rows of a block
    if per_block < size.folded:
        joins.append((Extent(size.batch, -(-size.folded // per_block), size.kept), size.folded, per_block))
    if any(folded for _, folded in others):
        outer = around(others, longest(others))
        joins.append((outer, outer.folded * size.folded, size.folded))
    scratch: list[int] = []

    def ends(count: int, last: bool) -> tuple[str, str]:
        names = []
        for name in (mean, variance) if last else ("", ""):
            if not name:
                name = f"s{len(scratch)}"
                scratch.append(BYTES[kind] * count)
            names.append(name)
        return names[0], names[1]

    made = ends(size.batch * -(-size.folded // per_block) * size.kept, not joins)
    jobs = [_blocks_job(kind, made, size, per_block, not joins)]
    for n, (blocks, folded, each) in enumerate(joins):
        last = n == len(joins) - 1
        target = ends(blocks.batch * blocks.kept, last)
        jobs.append(Job(f"moments together {kind} {last}", together(kind, last), (*made, *target),
                        (folded, each, blocks.folded, blocks.kept), blocks.batch,
                        split(blocks.batch, 0.5 * blocks.folded * blocks.kept)))
        made = target
    return Plan(tuple(jobs), tuple(scratch))


def _block_rows(size: Extent, nbytes: int) -> int:
    most = max(8, _BLOCK // (nbytes * size.kept))
    return size.folded if size.folded <= 2 * most else -(-size.folded // -(-size.folded // most))


@lowering("moments")
def moments(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _plan(ins[0], params["axis"], "o0", "o1")


@lowering("var")
def var(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _plan(ins[0], params.get("axis"), "", "o0")
