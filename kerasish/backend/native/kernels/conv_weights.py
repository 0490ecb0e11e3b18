"""Gradients of convolutions with respect to the weights: sums over all cells, kept in registers.

For a few channels of the input and one or two vectors of channels of the result, at all taps along the last axis, the
sums stay in registers while the cells of some rows go by. Where the filters are too few for all threads, some images
each are summed up by themselves, and their sums are added at the end.
"""

from math import prod
from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering, split
from kerasish.backend.native.kernels.conv import lanes_for, lines_of, served
from kerasish.backend.native.kernels.lines import Line, Tile, tiles

PARTS = 8  # parts that are enough for the threads
NEAR = 24 << 10  # bytes of input and gradient that are gone through again and again
COLUMNS = 8  # columns of a tile


class Shape(NamedTuple):
    """What the machine code of such a gradient depends on.

    Attributes:
        lines: the spatial axes.
        channels: channels of the input.
        filters: channels of the result.
        lanes: numbers in a vector.
        vectors: vectors held at a time, along the filters.
        group: channels of the input held at a time.
    """

    lines: tuple[Line, ...]
    channels: int
    filters: int
    lanes: int
    vectors: int
    group: int

    @property
    def width(self) -> int:
        """Filters held at a time."""
        return self.vectors * self.lanes

    @property
    def blocks(self) -> int:
        """Blocks of so many filters, the last one perhaps not full."""
        return -(-self.filters // self.width)


class Work(NamedTuple):
    """One block of filters, one group of channels, some strips: where they lie and how many they are."""

    x: Any
    g: Any
    sums: Any
    group: int
    masks: list
    strips: tuple[Any, Any]
    strips_of_image: Any
    height: Any


class WeightGrad:
    """The writer of the sums.

    Table: input, gradient, sums of each part; cells read and written along each axis but the last; then strips, strips
    of an image, cells of a strip (along the first axis), strips gone through together, strips of a part. A unit is a
    block of filters of a part.
    """

    def __init__(self, shape: Shape):
        self.shape, self.outer, self.line = shape, shape.lines[:-1], shape.lines[-1]
        self.taps = prod(line.taps for line in shape.lines)

    def __call__(self, k: Any) -> None:
        shape, n = self.shape, 3 + 2 * len(self.outer)
        x, g, out = (k.pointer(i, "f4") for i in range(3))
        sources, cells = ([k.size(3 + 2 * i + side) for i in range(len(self.outer))] for side in range(2))
        axes = list(zip(self.outer, sources, cells, strict=True))
        strips, of_image, height, together, per_part = (k.size(n + i) for i in range(5))
        full, rest = divmod(shape.channels, shape.group)
        with k.loop(k.lo, k.hi) as unit:
            part, first_filter = unit // shape.blocks, unit % shape.blocks * shape.width
            masks = self._masks(k, first_filter)
            sums = out + (part * (self.taps * shape.channels * shape.filters) + first_filter)
            self._clear(k, sums, masks)
            end = (part * per_part + per_part).minimum(strips)
            with k.loop(part * per_part, end, together) as first:
                span = first, (first + together).minimum(end)
                work = Work(x, g + first_filter, sums, shape.group, masks, span, of_image, height)
                with k.loop(0, full) as n_group:
                    c = n_group * shape.group
                    self._window(k, work._replace(x=x + c, sums=sums + c * shape.filters), axes)
                if rest:
                    c = full * shape.group
                    self._window(k, work._replace(x=x + c, sums=sums + c * shape.filters, group=rest), axes)

    def _masks(self, k: Any, first: Any) -> list:
        shape, lanes = self.shape, self.shape.lanes
        if shape.filters % shape.width == 0:
            return [None] * shape.vectors
        left = shape.filters - first
        return [k.lane_numbers(lanes) < (left - v * lanes).splat(lanes) for v in range(shape.vectors)]

    def _clear(self, k: Any, sums: Any, masks: list) -> None:
        shape = self.shape
        with k.loop(0, self.taps * shape.channels) as row:
            for v, mask in enumerate(masks):
                sums.store(row * shape.filters + v * shape.lanes, k.number(0, "f4", shape.lanes), mask)

    def _window(self, k: Any, work: Work, axes: list, chosen: tuple = (), number: Any = 0) -> None:
        """Go through the taps of all axes but the last; `chosen` holds the axes that are done and the tap's place."""
        if axes:
            (axis, source, cells), *left = axes
            with k.loop(0, axis.taps) as tap:
                place = tap * axis.dilation - axis.before
                self._window(k, work, left, (*chosen, (axis, place, source, cells)), tap + number * axis.taps)
            return
        shape, taps = self.shape, self.line.taps
        totals = [[[k.var(k.number(0, "f4", shape.lanes)) for _ in work.masks] for _ in range(work.group)]
                  for _ in range(taps)]
        with k.loop(*work.strips) as strip:
            image = strip // work.strips_of_image
            begin = (strip - image * work.strips_of_image) * work.height
            self._rows(k, work, image, image, list(chosen), (begin, begin + work.height), totals)
        for tap, of_tap in enumerate(totals):
            for c, vectors in enumerate(of_tap):
                sums = work.sums + ((tap + number * taps) * shape.channels + c) * shape.filters
                for v, (total, mask) in enumerate(zip(vectors, work.masks, strict=True)):
                    at = v * shape.lanes
                    sums.store(at, sums.load(at, shape.lanes, mask) + total.get(), mask)

    def _rows(self, k: Any, work: Work, above: Any, here: Any, axes: list, span: tuple, totals: list) -> None:
        """Go through the rows that meet a row of the input; `above` and `here` count rows of input and gradient."""
        shape = self.shape
        if not axes:
            x = work.x + above * (self.line.source * shape.channels)
            g = work.g + here * (self.line.cells * shape.filters)
            for tile in tiles(self.line, COLUMNS) or ():
                with k.loop(0, tile.repeats) as n:
                    self._tile(k, x + (n * tile.step + tile.shift) * shape.channels,
                               g + (n * tile.width + tile.first) * shape.filters, tile, totals, work.masks)
            return
        (axis, place, source, cells), *left = axes
        # From the first cell that meets no padding in front to the last that meets none behind.
        begin = ((-place).maximum(0) + (axis.stride - 1)) // axis.stride
        end = ((source - place + (axis.stride - 1)).maximum(0) // axis.stride).minimum(cells)
        if span:
            begin, end = begin.maximum(span[0]), end.minimum(span[1])
        with k.loop(begin, end) as cell:
            self._rows(k, work, above * source + (cell * axis.stride + place), here * cells + cell, left, (), totals)

    def _tile(self, k: Any, x: Any, g: Any, tile: Tile, totals: list, masks: list) -> None:
        """Add the products of a tile; each number of the input is read once for all taps that meet it."""
        shape, loaded = self.shape, {}
        for place in sorted({place for _, place, _ in tile.meetings}):
            k.fence()  # else the compiler reads ahead more than the registers hold
            meetings = [(j, tap) for j, met, tap in tile.meetings if met == place]
            for j, _ in meetings:
                if j not in loaded:
                    loaded[j] = [g.load(j * shape.filters + v * shape.lanes, shape.lanes, mask)
                                 for v, mask in enumerate(masks)]
            for c in range(len(totals[0])):
                value = x.load(place * shape.channels + c).splat(shape.lanes)
                for j, tap in meetings:
                    for total, vector in zip(totals[tap][c], loaded[j], strict=True):
                        total.set(value.fma(vector, total.get()))


def adding(k: Any) -> None:
    """Add the sums of all parts. Table: sums, result; number of parts, numbers of a part. A unit is a number."""
    sums, out, parts, size = k.pointer(0, "f4"), k.pointer(1, "f4"), k.size(2), k.size(3)

    def add(i: Any, mask: Any) -> None:
        total = k.var(sums.load(i, k.lanes, mask))
        with k.loop(1, parts) as part:
            total.add((sums + part * size).load(i, k.lanes, mask))
        out.store(i, total.get(), mask)

    k.sweep(k.lo, k.hi, add)


@lowering("conv_weight_grad")
def conv_weight_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, g), out = ins, outs[0]
    if not served([x, g, out], params["groups"]):
        return None
    lines = lines_of(out, params, x, g)
    shape = _shape(lines, out.shape[-2], out.shape[-1])
    if shape is None:
        return None
    strips, *sizes = _strips(shape, x.shape[0])
    parts = min(strips, max(1, PARTS // shape.blocks))
    per_part = -(-strips // parts)
    parts = -(-strips // per_part)
    bare = tuple(line._replace(source=0, cells=0) for line in lines[:-1])
    key = f"conv weights {shape._replace(lines=(*bare, lines[-1]))}"
    table = (*(n for line in lines[:-1] for n in (line.source, line.cells)), strips, *sizes, per_part)
    sums = "s0" if parts > 1 else "o0"
    job = Job(key, WeightGrad(shape), ("i0", "i1", sums), table, parts * shape.blocks, -(-shape.blocks // 64))
    if parts == 1:
        return Plan((job,))
    add = Job("conv adding", adding, ("s0", "o0"), (parts, out.size), out.size, split(out.size, 0.1 * parts, 8, 1024))
    return Plan((job, add), (align(4 * parts * out.size),))


def _shape(lines: tuple[Line, ...], channels: int, filters: int) -> Shape | None:
    """Choose what the registers hold."""
    registers = 32 if engine.lanes() == 16 else 16
    lanes, line = lanes_for(filters), lines[-1]
    most = (registers - 2) // line.taps - 1  # vectors of sums of a tap, beside one of the gradient
    few = line.stride >= line.taps - 1  # taps meet a number that was read: it should be used for several vectors
    vectors = min(-(-filters // lanes), max((most + 1) // (channels + 1), 2 if few else 1))
    most = ((registers - 2) // line.taps - vectors) // vectors
    if most < 1:
        return None
    group = -(-channels // -(-channels // most))
    return Shape(lines, channels, filters, lanes, vectors, group)


def _strips(shape: Shape, images: int) -> tuple[int, int, int, int]:
    """Return how many strips of rows there are, and in an image, their height, and how many fit the cache."""
    line, (first, *others) = shape.lines[-1], [line.cells for line in shape.lines[:-1]] or [1]
    near = line.source * min(shape.channels, 16) * min(line.stride, 2) + line.cells * min(shape.filters, shape.width)
    rows = max(1, NEAR // (4 * near * prod(others)))
    height = min(rows, first)
    of_image = -(-first // height)
    return images * of_image, of_image, height, max(1, rows // height) if of_image == 1 else 1
