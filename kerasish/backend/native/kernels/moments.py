"""Mean and variance over neighbouring axes, as normalizations ask for them.

Every block of rows is read twice while it is in the cache: for its mean, then for the squared distances from it. Blocks
are put together by their means and sums of squares (Chan, Golub and LeVeque 1983), in double precision.
"""

from collections.abc import Callable
from typing import Any

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.kernels.folds import (
    Extent,
    block,
    chunks,
    extent,
    fold_columns,
    fold_row,
    shape_of_vectors,
)
from kerasish.backend.native.language import BYTES, Value, kind_of

_BLOCK = 1 << 16  # bytes that stay in the cache between two readings
_NANOSECONDS = 0.15  # an element


def _plus(a: Value, b: Value) -> Value:
    return a + b


def columns(kind: str, vectors: int, unroll: int, cut: bool) -> Callable[[Any], None]:
    """Return the writer of moments of columns. A unit is a block of rows.

    Table: x, mean, squares; rows, rows of a block, blocks, columns. Squares are divided by the number of rows if there
    is one block.
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
                    squares.store(place.out + c + n * lanes, s if cut else s / count, mask)

            chunks(k, kept, vectors, lanes, body)

    return write


def rows(kind: str, cut: bool) -> Callable[[Any], None]:
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
            squares.store(unit, total if cut else total / count)

    return write


def together(kind: str) -> Callable[[Any], None]:
    """Return the writer that puts blocks together. A unit is an item of the batch.

    Table: means and squares of blocks (batch, blocks, columns), mean, variance; rows, rows of a block, blocks, columns.
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
                variances.store(unit * kept + c, squares.get() / total, mask)

            k.sweep(0, kept, body, lanes)

    return write


def _plan(x: Any, axis: Any, mean: str, variance: str) -> Plan | None:
    kind, size = kind_of(x.dtype), extent(tuple(x.shape), axis)
    if kind not in ("f4", "f8") or size is None:
        return None
    per_block = _block_rows(size, BYTES[kind])
    blocks = -(-size.folded // per_block)
    cut, total = blocks > 1, size.batch * blocks
    sizes = (size.folded, per_block, blocks, size.kept)
    write: Callable[[Any], None]
    if size.kept == 1:
        way, write = "rows", rows(kind, cut)
    else:
        vectors, unroll = shape_of_vectors(size.kept, engine.lanes() * 4 // BYTES[kind])
        way, write = f"columns {vectors}", columns(kind, vectors, unroll, cut)
    scratch = [BYTES[kind] * total * size.kept] * (2 if cut else 0)
    free = len(scratch)
    if mean == "":  # asked for by nobody
        mean = f"s{free}"
        scratch.append(BYTES[kind] * size.batch * size.kept)
    ends = ("s0", "s1") if cut else (mean, variance)
    jobs = [Job(f"moments {way} {kind} {cut}", write, ("i0", *ends), sizes, total,
                split(total, 10 + _NANOSECONDS * per_block * size.kept))]
    if cut:
        jobs.append(Job(f"moments together {kind}", together(kind), ("s0", "s1", mean, variance), sizes, size.batch,
                        split(size.batch, 0.5 * blocks * size.kept)))
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
