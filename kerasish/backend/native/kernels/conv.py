"""Convolutions, and their gradients with respect to the input: sums kept in registers.

A tile of the result, some columns of a row times some vectors of channels, stays in registers while all taps and input
channels are added to it. The weights are laid out anew first, in the order in which the tiles read them.
"""

from math import prod
from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering, split
from kerasish.backend.native.kernels.lines import Line, Tile, tiles

UNROLL = 4  # up to so many input channels are written one after the other


class Shape(NamedTuple):
    """What the machine code of a convolution depends on.

    Attributes:
        lines: the spatial axes.
        channels: channels that are summed over.
        filters: channels of the result.
        lanes: numbers in a vector.
        vectors: vectors of a tile, along the filters.
        columns: the most columns of a tile.
        kind: of the numbers.
    """

    lines: tuple[Line, ...]
    channels: int
    filters: int
    lanes: int
    vectors: int
    columns: int
    kind: str

    @property
    def blocks(self) -> int:
        """Blocks of filters, the last one perhaps not full."""
        return -(-self.filters // (self.vectors * self.lanes))

    @property
    def taps(self) -> int:
        """Taps of a window along all axes but the last."""
        return prod(line.taps for line in self.lines[:-1])


def packing(k: Any) -> None:
    """Lay out weights (outer taps, taps, channels, filters) as (blocks, outer taps, channels, taps, a block's filters).

    Table: source, result; taps, channels, filters, filters of a block, outer taps, steps in the source from one
    channel and from one filter to the next. A unit is a line of the result; lanes beyond the filters become zero.
    """
    source, out = k.pointer(0, "f4"), k.pointer(1, "f4")
    taps, channels, filters, width, outer, step_channel, step_filter = (k.size(2 + n) for n in range(7))
    with k.loop(k.lo, k.hi) as unit:
        tap, rest = unit % taps, unit // taps
        channel, rest = rest % channels, rest // channels
        first = rest // outer * width
        row = source + ((rest % outer * taps + tap) * channels * filters + channel * step_channel)

        def copy(i: Any, mask: Any, row: Any = row, first: Any = first, unit: Any = unit) -> None:
            cells = k.lane_numbers(k.lanes) + (first + i)
            every = cells < filters
            out.store(unit * width + i, row.gather(cells * step_filter, every & mask if mask else every), mask)

        k.sweep(0, width, copy)


class Direct:
    """The writer of a convolution.

    Table: input, packed weights, result; cells read and written along each axis but the last. A unit is a row of the
    result.
    """

    def __init__(self, shape: Shape):
        self.shape, self.outer, self.line = shape, shape.lines[:-1], shape.lines[-1]
        self.width = shape.vectors * shape.lanes

    def __call__(self, k: Any) -> None:
        shape = self.shape
        x, weights, out = (k.pointer(n, shape.kind) for n in range(3))
        sources, lengths = ([k.size(3 + 2 * n + side) for n in range(len(self.outer))] for side in range(2))
        with k.loop(k.lo, k.hi) as unit:
            rest, cells = unit, list[Any]()
            for length in reversed(lengths):
                cells.insert(0, rest % length)
                rest = rest // length
            row = out + unit * (self.line.cells * shape.filters)
            with k.loop(0, shape.blocks) as block:
                packed = weights + block * (shape.taps * self.line.taps * shape.channels * self.width)
                for tile in tiles(self.line, shape.columns) or ():
                    with k.loop(0, tile.repeats) as n:
                        sums = [[k.var(k.number(0, shape.kind, shape.lanes)) for _ in range(shape.vectors)]
                                for _ in range(tile.width)]
                        self._window(k, x + (n * tile.step + tile.shift) * shape.channels, packed, rest,
                                     list(zip(self.outer, cells, sources, strict=True)), tile, sums)
                        self._store(k, row + (n * tile.width + tile.first) * shape.filters, block, sums)

    def _window(self, k: Any, x: Any, weights: Any, base: Any, axes: list, tile: Tile, sums: list,
                taps: Any = 0) -> None:
        """Add what all taps of the axes that are left give; `base` counts rows of the input."""
        shape = self.shape
        if not axes:
            size = shape.channels * self.line.taps * self.width
            self._add(k, x + base * (self.line.source * shape.channels), weights + taps * size, tile, sums)
            return
        (axis, cell, source), *left = axes
        with k.loop(0, axis.taps) as tap:
            met, valid = meet(axis, cell, tap, source)
            with k.when(valid):
                self._window(k, x, weights, base * source + met, left, tile, sums, tap + taps * axis.taps)

    def _add(self, k: Any, x: Any, weights: Any, tile: Tile, sums: list) -> None:
        """Add the products of all channels at the taps of the last axis."""
        shape, channels = self.shape, self.shape.channels
        places = sorted({place for _, place, _ in tile.meetings})

        def add(c: Any) -> None:
            loaded: dict = {}
            for place in places:
                value = (x + c).load(place * channels).splat(shape.lanes)
                for j, _, tap in (each for each in tile.meetings if each[1] == place):
                    for v, total in enumerate(sums[j]):
                        if (tap, v) not in loaded:
                            at = c * (self.line.taps * self.width)
                            loaded[tap, v] = (weights + at).load(tap * self.width + v * shape.lanes, shape.lanes)
                        total.set(value.fma(loaded[tap, v], total.get()))

        if channels <= UNROLL:
            for c in range(channels):
                add(k.number(c, "i8"))
        else:
            with k.loop(0, channels) as c:
                add(c)

    def _store(self, k: Any, out: Any, block: Any, sums: list) -> None:
        filters, lanes, full = self.shape.filters, self.shape.lanes, self.shape.filters % self.width == 0
        for v in range(self.shape.vectors):
            first = block * self.width + v * lanes
            mask = None if full else k.lane_numbers(lanes) < (filters - first).splat(lanes)
            for j, column in enumerate(sums):
                out.store(first + j * filters, column[v].get(), mask)


def meet(axis: Line, cell: Any, tap: Any, source: Any) -> tuple[Any, Any]:
    """Return the place that an output cell meets at a tap, and whether it is one of the `source` cells."""
    if not axis.mirrored:
        place = cell * axis.stride + tap * axis.dilation - axis.before
        return place, (place >= 0) & (place < source)
    ahead = cell + axis.before - tap * axis.dilation
    if axis.stride == 1:
        return ahead, (ahead >= 0) & (ahead < source)
    place = ahead // axis.stride
    return place, (ahead >= 0) & (place < source) & (ahead % axis.stride).equals(0)


def lanes_for(filters: int) -> int:
    """Return the length of vectors: half of the machine's, or a quarter, for few filters."""
    lanes = engine.lanes()
    while lanes > 4 and filters <= lanes // 2:
        lanes //= 2
    return lanes


def _tile(filters: int, line: Line, lanes: int) -> tuple[int, int]:
    """Return vectors and columns of a tile that the registers hold."""
    registers = 32 if engine.lanes() == 16 else 16
    vectors = -(-filters // lanes)
    wide = 1 if vectors == 1 else 2
    columns = min((registers - 2) // wide - line.taps, 16)
    return wide, max(columns, 2)


def _plan(lines: tuple[Line, ...], x: Any, channels: int, filters: int, turned: bool) -> Plan | None:
    """Return the jobs: pack the weights `i1`, whose last axes may be turned, and convolve `x`."""
    lanes = lanes_for(filters)
    vectors, columns = _tile(filters, lines[-1], lanes)
    shape = Shape(lines, channels, filters, lanes, vectors, columns, "f4")
    if tiles(lines[-1], columns) is None:
        return None
    width, taps = vectors * lanes, lines[-1].taps
    rows = shape.blocks * shape.taps * channels * taps
    steps = (1, channels) if turned else (filters, 1)
    pack = Job("conv packing", packing, ("i1", "s0"), (taps, channels, filters, width, shape.taps, *steps), rows,
               split(rows, 4.0 * width / 4, 4))
    units = x.shape[0] * prod(line.cells for line in lines[:-1])
    cost = 2 * shape.taps * taps * channels * filters * lines[-1].cells / 100
    sizes = tuple(n for line in lines[:-1] for n in (line.source, line.cells))
    bare = tuple(line._replace(source=0, cells=0) for line in lines[:-1])
    key = f"conv direct {shape._replace(lines=(*bare, lines[-1]))}"
    job = Job(key, Direct(shape), ("i0", "s0", "o0"), sizes, units, split(units, cost))
    return Plan((pack, job), (align(rows * width * 4),))


def lines_of(w: Any, params: dict[str, Any], x: Any, y: Any, mirrored: bool = False) -> tuple[Line, ...]:
    """Return the spatial axes of a convolution that reads `x` and writes `y`."""
    steps = zip(w.shape[:-2], params["strides"], params["dilation"], params["padding"], x.shape[1:-1], y.shape[1:-1],
                strict=True)
    return tuple(Line(k, s, d, pads[0], n, m, mirrored) for k, s, d, pads, n, m in steps)


def served(arrays: list[Any], groups: int) -> bool:
    """Tell whether there are kernels for such arrays."""
    return groups == 1 and all(a.dtype.char == "f" and a.size for a in arrays)


@lowering("conv")
def conv(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, w), out = ins, outs[0]
    if not served([x, w, out], params["groups"]):
        return None
    return _plan(lines_of(w, params, x, out), x, w.shape[-2], w.shape[-1], turned=False)


@lowering("conv_input_grad")
def conv_input_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (g, w), out = ins, outs[0]
    if not served([g, w, out], params["groups"]):
        return None
    return _plan(lines_of(w, params, g, out, mirrored=True), g, w.shape[-1], w.shape[-2], turned=True)
