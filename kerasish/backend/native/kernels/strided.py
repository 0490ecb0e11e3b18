"""Copies from one strided view of memory to another, of which all that only moves elements is made.

A view is a NumPy array of one-byte elements without memory of its own, so that slicing, transposing and broadcasting
it give strides and offsets, counted in elements. It is never read.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, split
from kerasish.backend.native.language import BYTES, Value, Variable

COPIED_AS = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}  # by bytes of an element
_NOTHING = np.empty(1, "i1")
_BASE = _NOTHING.__array_interface__["data"][0]
Dim = tuple[int, int, int]  # length, stride in the source, stride in the target


def view(shape: Sequence[int]) -> np.ndarray:
    """Return the view of a contiguous array of a shape."""
    step = 1
    strides: list[int] = []
    for n in reversed(shape):
        strides.insert(0, step)
        step *= n
    return np.lib.stride_tricks.as_strided(_NOTHING, tuple(shape), strides)


def offset(part: np.ndarray) -> int:
    """Return the number of the first element of a part of a view."""
    return part.__array_interface__["data"][0] - _BASE


def bits(value: Any, dtype: Any) -> int:
    """Return the bits of a number in a dtype, as a whole number."""
    return int.from_bytes(np.asarray(value, dtype).tobytes(), "little", signed=True)


def copy(kind: str, source: str, target: str, origin: np.ndarray, goal: np.ndarray) -> Job | None:
    """Return the job that copies the elements of one view to another of the same shape; None if there are none.

    Args:
        kind: of the elements, unsigned.
        source, target: operands.
        origin, goal: views of them.
    """
    if not goal.size:
        return None
    dims = _merge([*zip(goal.shape, origin.strides, goal.strides, strict=True)])
    start = (offset(origin), offset(goal))
    length, step, _ = dims[-1]
    if step not in (-1, 0, 1):
        crossing = next((n for n, (_, s, _) in enumerate(dims) if s == 1), None)
        if crossing is not None and dims[-1][2] == 1:
            return _turn_job(kind, source, target, dims[:crossing] + dims[crossing + 1 : -1], dims[crossing], dims[-1],
                             start)
    step, write = dims[-1][1:]
    way = {1: "along", 0: "same", -1: "back"}.get(step, "apart") if write == 1 else "apart"
    return _rows_job(kind, way, (source, target), dims, start)


def fill(kind: str, target: str, goal: np.ndarray, value: int) -> Job | None:
    """Return the job that sets the elements of a view to the same bits; None if there are none."""
    if not goal.size:
        return None
    dims = _merge([(n, 0, s) for n, s in zip(goal.shape, goal.strides, strict=True)])
    way = "value" if dims[-1][2] == 1 else "value apart"
    return _rows_job(kind, way, (target, target), dims, (value, offset(goal)))


def _merge(dims: list[Dim]) -> list[Dim]:
    """Take dimensions together that lie one behind the other in both views, and leave out those of length 1."""
    merged: list[Dim] = []
    for n, step, write in dims:
        if n == 1:
            continue
        if merged and merged[-1][1] == n * step and merged[-1][2] == n * write:
            n *= merged.pop()[0]
        merged.append((n, step, write))
    return merged or [(1, 1, 1)]


def _rows_job(kind: str, way: str, operands: tuple[str, str], dims: list[Dim], start: tuple[int, int]) -> Job:
    *outer, (length, step, write) = dims
    total, each = 1, 0.05 if way not in ("apart", "value apart") else 0.7
    for n, _, _ in outer:
        total *= n
    cost = 2 + each * length * BYTES[kind] / 4
    if not outer:
        total, cost = length, each * BYTES[kind] / 4
    return Job(f"rows {way} {kind} {len(outer)}", rows(kind, way, len(outer)), operands,
               (*start, length, step, write, *sum(outer, ())), total, split(total, cost, multiple=1 if outer else 64))


class Odometer:
    """Where source and target stand while a loop goes through outer dimensions, the last one fastest.

    Args:
        k: the kernel.
        first: entry of the table where the dimensions begin.
        rank: how many there are.
        start: where the source and the target begin.
        at: the number of the first place.
    """

    def __init__(self, k: Any, first: int, rank: int, start: tuple[Value, Value], at: Value):
        self.k, self.dims = k, [tuple(k.size(first + 3 * n + i) for i in range(3)) for n in range(rank)]
        self.counts: list[Variable] = []
        source, target = start
        for length, step, write in reversed(self.dims):
            count = at % length
            at = at // length
            source, target = source + count * step, target + count * write
            self.counts.insert(0, k.var(count))
        self.source, self.target = k.var(source), k.var(target)

    def advance(self, rank: int | None = None) -> None:
        """Go on to the next place."""
        rank = len(self.dims) if rank is None else rank
        if not rank:
            return
        (length, step, write), count = self.dims[rank - 1], self.counts[rank - 1]
        count.add(1)
        self.source.add(step)
        self.target.add(write)
        with self.k.when(count.get().equals(length)):
            count.set(0)
            self.source.add(-(length * step))
            self.target.add(-(length * write))
            self.advance(rank - 1)


def rows(kind: str, way: str, rank: int) -> Callable[[Any], None]:
    """Return the writer of copies of rows. A unit is a row, or an element if there is one row.

    Table: source, target; where they begin (for "value" the value itself), elements of a row and their strides, then
    the outer dimensions.
    """

    def write(k: Any) -> None:
        x, out = k.pointer(0, kind), k.pointer(1, kind)
        start, length, step, stride = (k.size(2), k.size(3)), k.size(4), k.size(5), k.size(6)
        value = k.size(2).to(kind)
        if way.startswith("value"):
            start = (k.number(0, "i8"), start[1])
        if not rank:
            _row(k, way, x + start[0], out + start[1], (k.lo, k.hi), step, stride, value)
            return
        places = Odometer(k, 7, rank, start, k.lo)
        with k.loop(k.lo, k.hi):
            _row(k, way, x + places.source.get(), out + places.target.get(), (0, length), step, stride, value)
            places.advance()

    return write


def _row(k: Any, way: str, x: Any, out: Any, span: tuple, step: Value, stride: Value, value: Value) -> None:
    lanes = k.lanes * 4 // BYTES[x.kind] if BYTES[x.kind] >= 4 else k.lanes
    if way == "along":
        k.sweep(*span, lambda i, mask: out.store(i, x.load(i, lanes, mask), mask), lanes)
    elif way in ("same", "value"):
        every = (x.load(0) if way == "same" else value).splat(lanes)
        k.sweep(*span, lambda i, mask: out.store(i, every, mask), lanes)
    elif way == "back":
        first, stop = k.whole(span[0]), k.whole(span[1])
        whole = first + (stop - first) // lanes * lanes
        with k.loop(first, whole, lanes) as i:
            ahead = x.load(1 - lanes - i, lanes)
            out.store(i, ahead.shuffle(ahead, list(range(lanes))[::-1]))
        with k.loop(whole, stop) as i:
            out.store(i, x.load(-i))
    else:
        with k.loop(*span) as i:
            out.store(i * stride, value if way == "value apart" else x.load(i * step))


def _turn_job(kind: str, source: str, target: str, outer: list[Dim], along: Dim, across: Dim, start: tuple) -> Job:
    """Return the job for a source that is contiguous in another dimension than the target."""
    lanes = tile_lanes(engine.lanes(), kind)
    blocks = -(-along[0] // lanes)
    total = blocks
    for n, _, _ in outer:
        total *= n
    cost = 0.15 * lanes * across[0] * BYTES[kind] / 4
    sizes = (*start, along[0], along[2], across[0], across[1], blocks, *sum(outer, ()))
    return Job(f"turn {kind} {len(outer)}", turn(kind, len(outer)), (source, target), sizes, total, split(total, cost))


def tile_lanes(lanes: int, kind: str) -> int:
    """Return the side of the squares that are transposed at a time."""
    return max(2, lanes * 4 // BYTES[kind]) if BYTES[kind] >= 4 else lanes


def turn(kind: str, rank: int) -> Callable[[Any], None]:
    """Return the writer of copies by squares, transposed in registers. A unit is a band of squares.

    Table: source, target; where they begin, the dimension along which the source is contiguous (its length and the
    target's stride), the one along which the target is (its length and the source's stride), the bands, then the outer
    dimensions.
    """

    def write(k: Any) -> None:
        x, out = k.pointer(0, kind), k.pointer(1, kind)
        start = k.size(2), k.size(3)
        width, down, height, across, bands = (k.size(4 + n) for n in range(5))
        lanes = tile_lanes(k.lanes, kind)
        places, band = Odometer(k, 9, rank, start, k.lo // bands), k.var(k.lo % bands)
        with k.loop(k.lo, k.hi):
            left = band.get() * lanes
            source, target = x + (places.source.get() + left), out + (places.target.get() + left * down)
            wide, high = (width - left).minimum(lanes), height // lanes * lanes
            high = wide.equals(lanes).where(high, 0)
            with k.loop(0, high, lanes) as top:
                square(k, source + top * across, target + top, across, down, lanes)
            with k.loop(high, height, lanes) as top:
                square(k, source + top * across, target + top, across, down, lanes, wide, (height - top).minimum(lanes))
            band.add(1)
            with k.when(band.get().equals(bands)):
                band.set(0)
                places.advance()

    return write


def square(k: Any, x: Any, out: Any, across: Value, down: Value, lanes: int, wide: Value | None = None,
           high: Value | None = None) -> None:
    """Copy a square, transposed; only `high` rows of `wide` elements if they are given."""
    numbers = k.lane_numbers(lanes)
    columns, lines = (None, None) if wide is None or high is None else (numbers < wide, numbers < high)
    loaded = []
    for n in range(lanes):
        mask = None if columns is None or high is None else columns & (high > n).splat(lanes)
        loaded.append(x.load(across * n, lanes, mask))
    for n, line in enumerate(transposed(loaded)):
        mask = None if lines is None or wide is None else lines & (wide > n).splat(lanes)
        out.store(down * n, line, mask)


def transposed(vectors: list[Value]) -> list[Value]:
    """Return the columns of a square of vectors (J. O. Eklundh's method: blocks off the diagonal change places)."""
    lanes, distance = len(vectors), 1
    vectors = list(vectors)
    while distance < lanes:
        for n in range(lanes):
            if n & distance:
                continue
            a, b = vectors[n], vectors[n + distance]
            vectors[n] = a.shuffle(b, [i if not i & distance else lanes + i - distance for i in range(lanes)])
            vectors[n + distance] = a.shuffle(b, [i + distance if not i & distance else lanes + i
                                                  for i in range(lanes)])
        distance *= 2
    return vectors
