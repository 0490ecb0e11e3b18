"""Pooling over windows of channels-last arrays, of one to three spatial axes, and its gradients.

Vectors run over channels. A window's cells are gone through in the order of the array kernels, so ties, NaN and the
rounding of sums come out alike. A cell of the padding stands at the nearest cell inside, which every window must have.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import Any, NamedTuple

from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.language import BYTES, Pointer, Value, kind_of

_MOST_TAPS = 32


class Cell(NamedTuple):
    """One tap of a window: the number of its first channel in the input; whether it is there (None: it always is)."""

    at: Value
    inside: Value | None


class Grid:
    """Windows over an input, while a kernel is written.

    Args:
        k: the kernel.
        first: entry of the table where the sizes begin: channels, then of each axis the input's length, the number
            of windows, the stride and the padding before.
        window: the window's sizes.
        padded: whether there is padding.
    """

    def __init__(self, k: Any, first: int, window: tuple[int, ...], padded: bool, kind: str):
        self.k, self.window, self.padded = k, window, padded
        self.channels = k.size(first)
        sizes = [[k.size(first + 1 + 4 * axis + n) for n in range(4)] for axis in range(len(window))]
        self.lengths, self.counts, self.strides, self.before = (list(column) for column in zip(*sizes, strict=True))
        self.lanes = k.lanes * 4 // BYTES[kind]

    def row(self, unit: Value) -> list[Value]:
        """Return the image and the window numbers along all axes but the last of a row of windows."""
        numbers: list[Value] = []
        for count in self.counts[-2::-1]:
            numbers.insert(0, unit % count)
            unit = unit // count
        return [unit, *numbers]

    def cells(self, place: list[Value]) -> list[Cell]:
        """Return the cells of the window at a place (image, then a number an axis)."""
        image, *numbers = place
        axes = []
        for n, size, length, stride, before in zip(
                numbers, self.window, self.lengths, self.strides, self.before, strict=True):
            start = n * stride
            if not self.padded:
                axes.append([(start + t, None) for t in range(size)])
                continue
            positions = [start - before + t for t in range(size)]
            axes.append([(p.maximum(0).minimum(length - 1), (p >= 0) & (p < length)) for p in positions])
        return [self._cell(image, steps) for steps in product(*axes)]

    def _cell(self, at: Value, steps: tuple) -> Cell:
        inside = None
        for (position, there), length in zip(steps, self.lengths, strict=True):
            at = at * length + position
            inside = there if inside is None else inside & there
        return Cell(at * self.channels, inside)

    def count(self, place: list[Value], kind: str) -> Value:
        """Return how many cells of a window are inside."""
        if not self.padded:
            return self.k.number(math.prod(self.window), kind)
        total = self.k.number(1, "i8")
        for n, size, length, stride, before in zip(
                place[1:], self.window, self.lengths, self.strides, self.before, strict=True):
            start = n * stride - before
            total = total * ((start + size).minimum(length) - start.maximum(0))
        return total.to(kind)

    @contextmanager
    def backwards(self, image: Value) -> Iterator[list[Value]]:
        """Go through an image's windows from the last to the first: each cell then meets its taps in their order."""
        windows = self.k.number(1, "i8")
        for count in self.counts:
            windows = windows * count
        with self.k.loop(0, windows) as n:
            numbers: list[Value] = []
            left = windows - 1 - n
            for count in self.counts[:0:-1]:
                numbers.insert(0, left % count)
                left = left // count
            yield [image, left, *numbers]

    def number(self, place: list[Value]) -> Value:
        """Return where a window's channels begin in the output."""
        at, *numbers = place
        for n, count in zip(numbers, self.counts, strict=True):
            at = at * count + n
        return at * self.channels


def _load(x: Pointer, cell: Cell, c: Value, lanes: int, mask: Value | None, absent: float) -> Value:
    value = x.load(cell.at + c, lanes, mask)
    return value if cell.inside is None else cell.inside.where(value, x.kernel.number(absent, x.kind, lanes))


def _largest(values: list[Value]) -> Value:
    first, *others = values
    for other in others:
        first = first.maximum(other)
    return first


def _sum(values: list[Value], window: tuple[int, ...]) -> Value:
    """Add up the cells, one axis after the other."""
    for size in window:
        rest = len(values) // size
        sums = values[:rest]
        for t in range(1, size):
            sums = [a + b for a, b in zip(sums, values[t * rest : (t + 1) * rest], strict=True)]
        values = sums
    return values[0]


def forward(kind: str, window: tuple[int, ...], padded: bool, largest: bool) -> Callable[[Any], None]:
    """Return the writer of pooling. Table: x, out; then the grid. A unit is a row of windows."""

    def write(k: Any) -> None:
        x, out, grid = k.pointer(0, kind), k.pointer(1, kind), Grid(k, 2, window, padded, kind)
        with k.loop(k.lo, k.hi) as unit:
            row = grid.row(unit)
            with k.loop(0, grid.counts[-1]) as last:
                place = [*row, last]
                at, cells, count = grid.number(place), grid.cells(place), grid.count(place, kind)

                def body(c: Value, mask: Value | None, at=at, cells=cells, count=count) -> None:
                    values = [_load(x, cell, c, grid.lanes, mask, -math.inf if largest else 0.0) for cell in cells]
                    out.store(at + c, _largest(values) if largest else _sum(values, window) / count, mask)

                k.sweep(0, grid.channels, body, grid.lanes)

    return write


Shares = Callable[[Value, Value | None, list[Cell], Value, Value], list[Value]]


def _shares(k: Any, kind: str, grid: Grid, largest: bool) -> Shares:
    """Return a function that gives what a window's cells get: of (channel, mask, cells, place in g, cells inside)."""
    g, lanes = k.pointer(0, kind), grid.lanes
    if not largest:
        return lambda c, mask, cells, at, count: [g.load(at + c, lanes, mask) / count] * len(cells)
    x, y = k.pointer(1, kind), k.pointer(2, kind)

    def shares(c: Value, mask: Value | None, cells: list[Cell], at: Value, count: Value) -> list[Value]:
        value, zero = g.load(at + c, lanes, mask), k.number(0.0, kind, lanes)
        best, waiting, got = y.load(at + c, lanes, mask), k.number(1, "b", lanes), []
        for cell in cells[:-1]:
            won = _load(x, cell, c, lanes, mask, -math.inf).equals(best) & waiting
            waiting = waiting ^ won
            got.append(won.where(value, zero))
        return [*got, waiting.where(value, zero)]  # the last cell also where all are NaN

    return shares


def apart(kind: str, window: tuple[int, ...], largest: bool) -> Callable[[Any], None]:
    """Return the writer of a gradient where windows of one or two axes tile the input, but for a rim.

    Table: g, (x, y,) out; then the grid. A unit is a row of windows and the cells under it.
    """

    def write(k: Any) -> None:
        first = 3 if largest else 1
        out, grid = k.pointer(first, kind), Grid(k, first + 1, window, False, kind)
        shares = _shares(k, kind, grid, largest)
        width, covered = grid.lengths[-1] * grid.channels, grid.counts[-1] * window[-1] * grid.channels
        with k.loop(k.lo, k.hi) as unit:
            row = grid.row(unit)
            with k.loop(0, grid.counts[-1]) as last:
                place = [*row, last]
                at, cells, count = grid.number(place), grid.cells(place), grid.count(place, kind)

                def body(c: Value, mask: Value | None, at=at, cells=cells, count=count) -> None:
                    for cell, share in zip(cells, shares(c, mask, cells, at, count), strict=True):
                        out.store(cell.at + c, share, mask)

                k.sweep(0, grid.channels, body, grid.lanes)
            for cell in grid.cells([*row, k.number(0, "i8")])[:: window[-1]]:
                _zero(k, out, cell.at + covered, cell.at + width, grid.lanes)
            if len(window) == 2:
                image, n = row
                with k.when((n + 1).equals(grid.counts[0])):
                    top = image * grid.lengths[0]
                    _zero(k, out, (top + grid.counts[0] * window[0]) * width, (top + grid.lengths[0]) * width,
                          grid.lanes)

    return write


def scattered(kind: str, window: tuple[int, ...], padded: bool, largest: bool) -> Callable[[Any], None]:
    """Return the writer of a gradient for any windows. Table: g, (x, y,) out; then the grid. A unit is an image."""

    def write(k: Any) -> None:
        first = 3 if largest else 1
        out, grid = k.pointer(first, kind), Grid(k, first + 1, window, padded, kind)
        shares = _shares(k, kind, grid, largest)
        size = grid.channels
        for length in grid.lengths:
            size = size * length
        with k.loop(k.lo, k.hi) as image:
            _zero(k, out, image * size, (image + 1) * size, grid.lanes)
            with grid.backwards(image) as place:
                at, cells, count = grid.number(place), grid.cells(place), grid.count(place, kind)

                def body(c: Value, mask: Value | None, at=at, cells=cells, count=count) -> None:
                    for cell, share in zip(cells, shares(c, mask, cells, at, count), strict=True):
                        if cell.inside is not None:
                            share = cell.inside.where(share, k.number(0.0, kind, grid.lanes))
                        out.store(cell.at + c, out.load(cell.at + c, grid.lanes, mask) + share, mask)

                k.sweep(0, grid.channels, body, grid.lanes)

    return write


def _zero(k: Any, out: Pointer, start: Value, stop: Value, lanes: int) -> None:
    k.sweep(start, stop, lambda i, mask: out.store(i, k.number(0.0, out.kind, lanes), mask), lanes)


def are_apart(params: dict[str, Any]) -> bool:
    """Tell whether windows tile the input: then the gradient may be written over it, a window at a time."""
    window, strides, padding = (tuple(params[name]) for name in ("window", "strides", "padding"))
    return len(window) < 3 and window == strides and not any(map(any, padding))


class _Case(NamedTuple):
    """What a lowering knows of its windows."""

    kind: str
    window: tuple[int, ...]
    padded: bool
    tiles: bool
    sizes: tuple[int, ...]
    images: int
    rows: int
    nanoseconds: float  # of an image


def _case(wide: Any, narrow: Any, params: dict[str, Any]) -> _Case | None:
    """Look at windows over an array of the shape of `wide` that give one of the shape of `narrow`."""
    window, strides, padding = (tuple(params[n]) for n in ("window", "strides", "padding"))
    kind, taps = kind_of(wide.dtype), math.prod(window)
    if kind not in ("f4", "f8") or len(window) > 3 or taps > _MOST_TAPS or not narrow.size or not wide.size:
        return None
    lengths, counts = wide.shape[1:-1], narrow.shape[1:-1]
    sizes = [wide.shape[-1]]
    for n, k, s, (lo, hi), o in zip(lengths, window, strides, padding, counts, strict=True):
        if lo < 0 or hi < 0 or lo >= k or (o - 1) * s - lo >= n:
            return None
        sizes += [n, o, s, lo]
    padded, tiles = any(map(any, padding)), are_apart(params)
    work = 0.1 * (taps + 2) * narrow.size / narrow.shape[0]
    return _Case(kind, window, padded, tiles, tuple(map(int, sizes)), narrow.shape[0], math.prod(counts[:-1]), work)


def _forward(name: str, ins: list[Any], outs: list[Any], params: dict[str, Any], largest: bool) -> Plan | None:
    case = _case(ins[0], outs[0], params)
    if case is None:
        return None
    key = f"{name} {case.kind} {case.window} {case.padded}"
    return Plan((Job(key, forward(case.kind, case.window, case.padded, largest), ("i0", "o0"), case.sizes,
                     case.images * case.rows, split(case.images * case.rows, case.nanoseconds / case.rows)),))


def _backward(name: str, ins: list[Any], outs: list[Any], params: dict[str, Any], largest: bool) -> Plan | None:
    case = _case(outs[0], ins[0], params)
    if case is None or any(kind_of(x.dtype) != case.kind for x in ins):
        return None
    operands = (*(f"i{n}" for n in range(3 if largest else 1)), "o0")
    if case.tiles:
        total = case.images * case.rows
        return Plan((Job(f"{name} tiles {case.kind} {case.window}", apart(case.kind, case.window, largest), operands,
                         case.sizes, total, split(total, 2 * case.nanoseconds / case.rows)),))
    key = f"{name} {case.kind} {case.window} {case.padded}"
    return Plan((Job(key, scattered(case.kind, case.window, case.padded, largest), operands, case.sizes, case.images,
                     split(case.images, 4 * case.nanoseconds)),))


@lowering("max_pool")
def max_pool(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _forward("max_pool", ins, outs, params, True)


@lowering("avg_pool")
def avg_pool(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _forward("avg_pool", ins, outs, params, False)


@lowering("max_pool_grad")
def max_pool_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _backward("max_pool_grad", ins, outs, params, True)


@lowering("avg_pool_grad")
def avg_pool_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    return _backward("avg_pool_grad", ins, outs, params, False)
