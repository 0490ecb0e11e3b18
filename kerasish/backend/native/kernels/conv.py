"""Convolutions, and their gradients with respect to the input: sums kept in registers.

A tile of the result, some columns of a row times some vectors of channels, stays in registers while all taps and input
channels are added to it. The weights are laid out anew first, in the order in which the tiles read them.
"""

import platform
from math import prod
from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering, split
from kerasish.backend.native.kernels.lines import Line, Tile, products, tiles
from kerasish.backend.native.language import BYTES

LONGEST = 2000  # products that a kernel may spell out; with more, the array kernels are called


class Channels(NamedTuple):
    """The channels of a convolution.

    Attributes:
        read: channels of a group that are summed over.
        filters: channels of a group that are written.
        groups: groups of channels that have nothing to do with each other.
        single: whether each filter reads one channel, that of its own number (then `read` and `groups` are 1).
    """

    read: int
    filters: int
    groups: int
    single: bool

    @property
    def cell_read(self) -> int:
        """Numbers of a cell of the input."""
        return self.filters if self.single else self.read * self.groups

    @property
    def cell_written(self) -> int:
        """Numbers of a cell of the result."""
        return self.filters * self.groups


class Shape(NamedTuple):
    """What the machine code of a convolution depends on.

    Attributes:
        lines: the spatial axes.
        channels: the channels.
        kind: of the numbers.
        lanes: numbers in a vector.
        vectors: vectors of a tile, along the filters.
        columns: the most columns of a tile.
        images: images whose rows make a tile together, where rows are short.
        padded: whether windows meet padding, of which a weight that is not finite makes NaN.
    """

    lines: tuple[Line, ...]
    channels: Channels
    kind: str
    lanes: int
    vectors: int
    columns: int
    images: int = 1
    padded: bool = False

    @property
    def width(self) -> int:
        """Filters of a tile."""
        return self.vectors * self.lanes

    @property
    def blocks(self) -> int:
        """Tiles that a group's filters take, the last one perhaps not full."""
        return -(-self.channels.filters // self.width)

    @property
    def taps(self) -> int:
        """Taps of a window along all axes but the last."""
        return prod(line.taps for line in self.lines[:-1])

    @property
    def block_size(self) -> int:
        """Packed weights of a block."""
        return self.taps * self.lines[-1].taps * self.channels.read * self.width

    def masks(self, k: Any, first: Any) -> list:
        """Return which lanes of the vectors from a group's filter `first` on are filters; None where all are."""
        filters, lanes = self.channels.filters, self.lanes
        if filters % self.width == 0:
            return [None] * self.vectors
        return [k.lane_numbers(lanes) < (filters - first - v * lanes).splat(lanes) for v in range(self.vectors)]


def packing(kind: str) -> Any:
    """Return the writer of a job that lays out weights (outer taps, taps, read, written) for `Direct`.

    They become (groups, blocks, outer taps, read, taps, filters of a block); lanes beyond the filters are zero. A unit
    is a row of the result. Table: source, result, for each row 0, or NaN if it holds what is not finite; read,
    filters, taps, outer taps, blocks of a group, filters of a block; numbers of a tap in the source; steps in the
    source from one group, filter and channel to the next; the place of the first tap in the source and the step to the
    next.
    """

    def write(k: Any) -> None:
        source, out, flags = (k.pointer(n, kind) for n in range(3))
        (read, filters, taps, outer, blocks, width, size, step_group, step_filter, step_channel, first_tap,
         step_tap) = (k.size(3 + n) for n in range(12))
        with k.loop(k.lo, k.hi) as unit:
            tap, rest = unit % taps, unit // taps
            channel, rest = rest % read, rest // read
            place, rest = first_tap + (rest % outer * taps + tap) * step_tap, rest // outer
            first, row = rest % blocks * width, source + (place * size + channel * step_channel)
            row = row + (rest // blocks * step_group + first * step_filter)
            lanes = k.lanes // (BYTES[kind] // 4)
            flag = k.var(k.number(0.0, kind, lanes))
            with k.loop(0, width, lanes) as i:  # a multiple of 4
                valid = k.lane_numbers(lanes) < (width - i).minimum(filters - first - i).splat(lanes)
                values = row.gather((k.lane_numbers(lanes) + i) * step_filter, valid)
                out.store(unit * width + i, values, k.lane_numbers(lanes) < (width - i).splat(lanes))
                flag.add(values * 0.0)
            flags.store(unit, flag.get().total())

    return write


class Direct:
    """The writer of a convolution.

    Table: input, packed weights, their flags, result; cells read and written along each axis but the last. A unit is a
    row of the result, of `images` images.
    """

    def __init__(self, shape: Shape):
        self.shape, self.outer, self.line = shape, shape.lines[:-1], shape.lines[-1]
        # Numbers of an image, for kernels of several images only: others do not depend on all lengths.
        self.image_read = prod(line.source for line in shape.lines) * shape.channels.cell_read
        self.image_written = prod(line.cells for line in shape.lines) * shape.channels.cell_written

    def __call__(self, k: Any) -> None:
        shape, channels = self.shape, self.shape.channels
        x, weights, flags, out = (k.pointer(n, shape.kind) for n in range(4))
        sources, lengths = ([k.size(4 + 2 * n + side) for n in range(len(self.outer))] for side in range(2))
        blocks, units = (0, channels.groups * shape.blocks), (k.lo, k.hi)
        # One block after the other, that its weights stay in the cache; where they are few, the rows are to stay there.
        order = (units, blocks) if channels.single else (blocks, units)
        with k.loop(*order[0]) as slow, k.loop(*order[1]) as fast:
            block, unit = (fast, slow) if channels.single else (slow, fast)
            group, first = block // shape.blocks, block % shape.blocks * shape.width
            masks = shape.masks(k, first)
            cells, image, row = self._row(unit, lengths)
            axes = list(zip(self.outer, cells, sources, strict=True))
            begin = x + (first if channels.single else group * channels.read)
            place = out + ((unit + row) * (self.line.cells * channels.cell_written) + group * channels.filters + first)
            for tile in tiles(self.line, shape.columns):
                with k.loop(0, tile.repeats) as n:
                    sums = [[[k.var(k.number(0, shape.kind, shape.lanes)) for _ in masks] for _ in range(tile.width)]
                            for _ in range(shape.images)]
                    self._window(k, begin + (n * tile.step + tile.shift) * channels.cell_read,
                                 weights + block * shape.block_size, image, axes, tile, sums, masks)
                    self._store(place + (n * tile.width + tile.first) * channels.cell_written, sums, masks)
        if shape.padded:
            self._mend(k, weights, flags, out, sources, lengths)

    def _row(self, unit: Any, lengths: list) -> tuple[list, Any, Any]:
        """Return a unit's cells along the axes but the last, its first image, and the rows of others before it."""
        rest, cells = unit, list[Any]()
        for length in reversed(lengths):
            cells.insert(0, rest % length)
            rest = rest // length
        row = rest * (self.shape.images - 1)
        for length in lengths:
            row = row * length
        return cells, rest * self.shape.images, row

    def _mend(self, k: Any, weights: Any, flags: Any, out: Any, sources: list, lengths: list) -> None:
        """Add what the weights give with the zeros of the padding, where some are not finite."""
        shape, channels, line = self.shape, self.shape.channels, self.line
        bad, blocks = k.var(k.number(0.0, shape.kind, shape.lanes)), channels.groups * shape.blocks
        k.sweep(0, shape.block_size // shape.width * blocks,
                lambda i, mask: bad.add(flags.load(i, shape.lanes, mask)), shape.lanes)
        flag = bad.get().total()
        with k.when(flag.differs(flag)), k.loop(k.lo, k.hi) as unit, k.loop(0, blocks) as block:
            first = block % shape.blocks * shape.width
            cells, _, row = self._row(unit, lengths)
            place = (unit + row) * (line.cells * channels.cell_written) + first
            place = out + (place + block // shape.blocks * channels.filters)
            masks = shape.masks(k, first)
            with k.loop(0, line.cells) as cell:
                axes = [*zip(self.outer, cells, sources, strict=True), (line, cell, k.number(line.source, "i8"))]
                sums = [k.var(k.number(0, shape.kind, shape.lanes)) for _ in masks]
                self._missed(k, weights + block * shape.block_size, axes, sums)
                with k.loop(0, shape.images) as image:
                    column = place + (image * self.image_written + cell * channels.cell_written)
                    for v, (total, mask) in enumerate(zip(sums, masks, strict=True)):
                        at = v * shape.lanes
                        column.store(at, column.load(at, shape.lanes, mask) + total.get(), mask)

    def _missed(self, k: Any, weights: Any, axes: list, sums: list, taps: Any = 0, inside: Any = None) -> None:
        """Add 0 times the weights of all taps that meet padding along some axis."""
        shape = self.shape
        (axis, cell, source), *left = axes
        with k.loop(0, axis.taps) as tap:
            valid = meet(axis, cell, tap, source)[1]
            valid = valid if inside is None else valid & inside
            if left:
                self._missed(k, weights, left, sums, tap + taps * axis.taps, valid)
                return
            with k.when(~valid), k.loop(0, shape.channels.read) as c:
                row = weights + ((taps * shape.channels.read + c) * axis.taps + tap) * shape.width
                for v, total in enumerate(sums):
                    total.add(row.load(v * shape.lanes, shape.lanes) * 0.0)

    def _store(self, out: Any, sums: list, masks: list) -> None:
        for i, image in enumerate(sums):
            for j, column in enumerate(image):
                for v, (total, mask) in enumerate(zip(column, masks, strict=True)):
                    at = i * self.image_written + j * self.shape.channels.cell_written + v * self.shape.lanes
                    out.store(at, total.get(), mask)

    def _window(self, k: Any, x: Any, weights: Any, base: Any, axes: list, tile: Tile, sums: list, masks: list,
                taps: Any = 0) -> None:
        """Add what all taps of the axes that are left give; `base` counts rows of the input."""
        shape = self.shape
        if not axes:
            size = shape.channels.read * self.line.taps * shape.width
            row = x + base * (self.line.source * shape.channels.cell_read)
            with k.loop(0, shape.channels.read) as c:
                self._add(row + c, weights + taps * size + c * (self.line.taps * shape.width), tile, sums, masks)
            return
        (axis, cell, source), *left = axes
        with k.loop(0, axis.taps) as tap:
            met, valid = meet(axis, cell, tap, source)
            with k.when(valid):
                self._window(k, x, weights, base * source + met, left, tile, sums, masks, tap + taps * axis.taps)

    def _add(self, x: Any, weights: Any, tile: Tile, sums: list, masks: list) -> None:
        """Add the products of one channel, or one vector of channels, at the taps of the last axis."""
        shape, loaded = self.shape, {}
        for i, image in enumerate(sums):
            now = [[total.get() for total in column] for column in image]
            for place in sorted({place for _, place, _ in tile.meetings}):
                values = read(x + (i * self.image_read + place * shape.channels.cell_read), shape, masks)
                for j, tap in ((j, tap) for j, met, tap in tile.meetings if met == place):
                    if tap not in loaded:
                        loaded[tap] = [weights.load(tap * shape.width + v * shape.lanes, shape.lanes)
                                       for v in range(shape.vectors)]
                    now[j] = [value.fma(weight, total) for value, weight, total in zip(
                        values, loaded[tap], now[j], strict=True)]
            for column, values in zip(image, now, strict=True):
                for total, value in zip(column, values, strict=True):
                    total.set(value)


def read(x: Any, shape: Shape, masks: list) -> list:
    """Return what the vectors of a tile are to be multiplied with: the number at `x`, or a number for each lane."""
    if shape.channels.single:
        return [x.load(v * shape.lanes, shape.lanes, mask) for v, mask in enumerate(masks)]
    return [x.load(0).splat(shape.lanes)] * shape.vectors


def meet(axis: Line, cell: Any, tap: Any, source: Any) -> tuple[Any, Any]:
    """Return the place that an output cell meets at a tap, and whether it is one of the `source` cells."""
    if not axis.mirrored:
        place = cell * axis.stride + tap * axis.dilation - axis.before
        return place, (place >= 0) & (place < source)
    ahead = cell + axis.before - tap * axis.dilation
    place = ahead // axis.stride
    return place, (ahead >= 0) & (place < source) & (ahead % axis.stride).equals(0)


def registers() -> int:
    """Return how many vectors the processor holds."""
    return 32 if engine.lanes() == 16 or platform.machine().lower() in ("arm64", "aarch64") else 16


def lanes_for(filters: int, kind: str) -> int:
    """Return the length of vectors: half of the machine's, or a quarter, for few filters."""
    lanes = engine.lanes() // (BYTES[kind] // 4)
    while lanes > 4 and filters <= lanes // 2:
        lanes //= 2
    return lanes


def kind_for(arrays: list[Any]) -> str | None:
    """Return the kind of numbers of such arrays, None if there are no kernels for them."""
    kinds = {{"f": "f4", "d": "f8"}.get(a.dtype.char) if a.size else None for a in arrays}
    return kinds.pop() if len(kinds) == 1 else None


def channels_for(w: Any, groups: int, mirrored: bool = False) -> Channels | None:
    """Return the channels of a convolution, or of the gradient; None if there are no kernels for it."""
    read, filters = w.shape[-2], w.shape[-1] // groups
    if groups > 1 and read == 1:
        return Channels(1, groups, 1, True) if filters == 1 else None
    return Channels(filters, read, groups, False) if mirrored else Channels(read, filters, groups, False)


def lines_for(w: Any, params: dict[str, Any], x: Any, y: Any, mirrored: bool = False) -> tuple[Line, ...]:
    """Return the spatial axes of a convolution that reads `x` and writes `y`."""
    steps = zip(w.shape[:-2], params["strides"], params["dilation"], params["padding"], x.shape[1:-1], y.shape[1:-1],
                strict=True)
    return tuple(Line(k, s, d, pads[0], n, m, mirrored) for k, s, d, pads, n, m in steps)


def key_of(name: str, shape: Any) -> str:
    """Return the name of a kernel that works for any lengths of the axes but the last."""
    *outer, last = shape.lines
    if shape.images > 1:
        return f"{name} {shape}"
    return f"{name} {shape._replace(lines=(*(line._replace(source=0, cells=0) for line in outer), last))}"


@lowering("conv", "conv_input_grad")
def conv(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, w), out = ins, outs[0]
    back = "input_shape" in params
    kind, channels = kind_for([x, w, out]), channels_for(w, params["groups"], back)
    if kind is None or channels is None:
        return None
    lines = lines_for(w, params, x, out, back)
    flipped = back and all(line.stride == 1 for line in lines)
    if flipped:  # a convolution with the taps in the other order
        lines = tuple(line._replace(before=(line.taps - 1) * line.dilation - line.before, mirrored=False)
                      for line in lines)
    shape = _shape(lines, channels, kind, x.shape[0])
    shape = shape._replace(padded=not back and not all(line.is_inside(0, line.cells) for line in lines))
    spelled = products(lines[-1], shape.columns) * shape.vectors * shape.images
    if not 0 < spelled <= LONGEST:
        return None
    units = x.shape[0] // shape.images * prod(line.cells for line in lines[:-1])
    rows = min(lines[-2].cells if len(lines) > 1 else 1, -(-units // 8))  # that share the weights of a block
    cost = shape.images * lines[-1].cells * shape.taps * lines[-1].taps * channels.read * channels.cell_written / 50
    grain = split(units, cost, multiple=rows if shape.blocks > 1 and not channels.single else 1)
    sizes = tuple(n for line in lines[:-1] for n in (line.source, line.cells))
    job = Job(key_of("conv", shape), Direct(shape), ("i0", "s0", "s1", "o0"), sizes, units, grain,
              in_rows=shape.images == 1)
    size = BYTES[kind] * shape.block_size * shape.blocks * channels.groups
    return Plan((_pack(shape, w, back, flipped), job), (align(size), align(size // shape.width)))


def _pack(shape: Shape, w: Any, turned: bool, flipped: bool) -> Job:
    """Return the job that packs the weights; `turned` exchanges channels and filters, `flipped` reverses the taps."""
    read, filters, groups, single = shape.channels
    taps, all_taps = shape.lines[-1].taps, shape.taps * shape.lines[-1].taps
    steps = (read, w.shape[-1], 1) if turned and not single else (filters, 1, w.shape[-1])
    order = (all_taps - 1, -1) if flipped else (0, 1)
    sizes = (read, filters, taps, shape.taps, shape.blocks, shape.width, w.shape[-2] * w.shape[-1], *steps, *order)
    rows = groups * shape.blocks * all_taps * read
    return Job(f"conv packing {shape.kind}", packing(shape.kind), ("i1", "s0", "s1"), sizes, rows,
               split(rows, shape.width))


def _shape(lines: tuple[Line, ...], channels: Channels, kind: str, images: int) -> Shape:
    """Choose the vectors and columns of a tile that the registers hold."""
    lanes, cells, taps = lanes_for(channels.filters, kind), lines[-1].cells, lines[-1].taps
    vectors = min(-(-channels.filters // lanes), 4 if channels.single and 8 * taps < registers() else 2)
    held = (registers() - 2) // vectors  # sums, and weights from the first cell that meets them to the last
    columns = max(min(held - taps, 16), held // 2)
    together = max(n for n in range(1, max(columns // cells, 1) + 1) if images % n == 0)
    return Shape(lines, channels, kind, lanes, vectors, columns, together)
