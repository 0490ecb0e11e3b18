"""Gradients of convolutions with respect to the weights: sums over all cells, kept in registers.

For a few channels of the input and one or two vectors of channels of the result, at all taps along the last axis, the
sums stay in registers while the cells of some rows go by. Where the filters are too few for all threads, some images
each are summed up by themselves, and their sums are added at the end.
"""

from math import prod
from typing import Any, NamedTuple

from kerasish.backend.native.jobs import Job, Plan, align, lowering
from kerasish.backend.native.kernels.conv import (
    LONGEST,
    Channels,
    Shape,
    channels_for,
    key_of,
    kind_for,
    lanes_for,
    lines_for,
    read,
    registers,
)
from kerasish.backend.native.kernels.conv_padding import padding_jobs
from kerasish.backend.native.kernels.lines import Line, Tile, products, tiles
from kerasish.backend.native.kernels.parts import add_parts
from kerasish.backend.native.language import BYTES

PARTS = 8  # parts that are enough for the threads
NEAR = 24 << 10  # bytes of input and gradient that are gone through again and again


class Work(NamedTuple):
    """One block of filters, one group of channels, some strips: where they lie and how many they are."""

    x: Any
    g: Any
    sums: Any
    held: int
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

    def __init__(self, shape: Shape, held: int):
        self.shape, self.held, self.outer, self.line = shape, held, shape.lines[:-1], shape.lines[-1]

    def __call__(self, k: Any) -> None:
        shape, channels, n = self.shape, self.shape.channels, 3 + 2 * len(self.outer)
        x, g, out = (k.pointer(i, shape.kind) for i in range(3))
        sources, cells = ([k.size(3 + 2 * i + side) for i in range(len(self.outer))] for side in range(2))
        axes = list(zip(self.outer, sources, cells, strict=True))
        strips, of_image, height, together, per_part = (k.size(n + i) for i in range(5))
        rows = shape.taps * self.line.taps * channels.read
        with k.loop(k.lo, k.hi) as unit:
            block, part = unit % (channels.groups * shape.blocks), unit // (channels.groups * shape.blocks)
            group, first = block // shape.blocks, block % shape.blocks * shape.width
            masks, filters = shape.masks(k, first), group * channels.filters + first
            sums = out + (part * (rows * channels.cell_written) + filters)
            zero = k.number(0, shape.kind, shape.lanes)
            with k.loop(0, rows) as row:
                for v, mask in enumerate(masks):
                    sums.store(row * channels.cell_written + v * shape.lanes, zero, mask)
            begin, end = part * per_part, (part * per_part + per_part).minimum(strips)
            with k.loop(begin, end, together) as strip:
                work = Work(x + (first if channels.single else group * channels.read), g + filters, sums, self.held,
                            masks, (strip, (strip + together).minimum(end)), of_image, height)
                self._channels(k, work, axes)

    def _channels(self, k: Any, work: Work, axes: list) -> None:
        """Go through the channels of the input."""
        channels = self.shape.channels
        full, rest = divmod(channels.read, self.held)
        with k.loop(0, full) as n:
            c = n * self.held
            self._window(k, work._replace(x=work.x + c, sums=work.sums + c * channels.cell_written), axes)
        if rest:
            c = full * self.held
            self._window(k, work._replace(x=work.x + c, sums=work.sums + c * channels.cell_written, held=rest), axes)

    def _window(self, k: Any, work: Work, axes: list, chosen: tuple = (), number: Any = 0) -> None:
        """Go through the taps of all axes but the last; `chosen` holds the axes that are done and the tap's place."""
        if axes:
            (axis, source, cells), *left = axes
            with k.loop(0, axis.taps) as tap:
                place = tap * axis.dilation - axis.before
                self._window(k, work, left, (*chosen, (axis, place, source, cells)), tap + number * axis.taps)
            return
        shape, channels, taps = self.shape, self.shape.channels, self.line.taps
        totals = [[[k.var(k.number(0, shape.kind, shape.lanes)) for _ in work.masks] for _ in range(work.held)]
                  for _ in range(taps)]
        with k.loop(*work.strips) as strip:
            image = strip // work.strips_of_image
            begin = (strip - image * work.strips_of_image) * work.height
            self._rows(k, work, image, image, list(chosen), (begin, begin + work.height), totals)
        for tap, of_tap in enumerate(totals):
            for c, vectors in enumerate(of_tap):
                sums = work.sums + ((tap + number * taps) * channels.read + c) * channels.cell_written
                for v, (total, mask) in enumerate(zip(vectors, work.masks, strict=True)):
                    at = v * shape.lanes
                    sums.store(at, sums.load(at, shape.lanes, mask) + total.get(), mask)

    def _rows(self, k: Any, work: Work, above: Any, here: Any, axes: list, span: tuple, totals: list) -> None:
        """Go through the rows that meet a row of the input; `above` and `here` count rows of input and gradient."""
        channels = self.shape.channels
        if not axes:
            x = work.x + above * (self.line.source * channels.cell_read)
            g = work.g + here * (self.line.cells * channels.cell_written)
            for tile in tiles(self.line, self.shape.columns):
                with k.loop(0, tile.repeats) as n:
                    self._tile(k, x + (n * tile.step + tile.shift) * channels.cell_read,
                               g + (n * tile.width + tile.first) * channels.cell_written, tile, totals, work.masks)
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
        now = [[[total.get() for total in vectors] for vectors in of_tap] for of_tap in totals]
        for place in sorted({place for _, place, _ in tile.meetings}):
            k.fence()  # else the compiler reads ahead more than the registers hold
            meetings = [(j, tap) for j, met, tap in tile.meetings if met == place]
            for j, _ in meetings:
                if j not in loaded:
                    loaded[j] = [g.load(j * shape.channels.cell_written + v * shape.lanes, shape.lanes, mask)
                                 for v, mask in enumerate(masks)]
            for c in range(len(now[0])):
                values = read(x + (place * shape.channels.cell_read + c), shape, masks)
                for j, tap in meetings:
                    now[tap][c] = [value.fma(vector, total) for value, total, vector in zip(
                        values, now[tap][c], loaded[j], strict=True)]
        for tap in {tap for _, _, tap in tile.meetings}:
            for vectors, values in zip(totals[tap], now[tap], strict=True):
                for total, value in zip(vectors, values, strict=True):
                    total.set(value)


@lowering("conv_weight_grad")
def conv_weight_grad(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    (x, g), out = ins, outs[0]
    kind, channels = kind_for([x, g, out]), channels_for(out, params["groups"])
    if kind is None or channels is None:
        return None
    lines = lines_for(out, params, x, g)
    shape, held = _shape(lines, channels, kind)
    if held < 1 or not 0 < products(lines[-1], shape.columns) * shape.vectors * held <= LONGEST:
        return None
    strips, *sizes = _strips(shape, x.shape[0])
    blocks = channels.groups * shape.blocks
    per_part = -(-strips // min(strips, max(1, PARTS // blocks)))
    parts = -(-strips // per_part)
    table = (*(n for line in lines[:-1] for n in (line.source, line.cells)), strips, *sizes, per_part)
    job = Job(f"{key_of('conv weights', shape)} {held}", WeightGrad(shape, held),
              ("i0", "i1", "s0" if parts > 1 else "o0"), table, parts * blocks, -(-blocks // 64))
    jobs = (job,) if parts == 1 else (job, add_parts("s0", "o0", parts=parts, width=out.size, kind=kind))
    padding = padding_jobs(lines, x.shape[0], out, kind, "s1")
    flags = BYTES[kind] * (out.size // out.shape[-1]) if padding else 0
    return Plan((*jobs, *padding), (align(BYTES[kind] * parts * out.size) if parts > 1 else 0, align(flags)))


def _shape(lines: tuple[Line, ...], channels: Channels, kind: str) -> tuple[Shape, int]:
    """Choose what the registers hold: vectors along the filters, and for how many channels of the input."""
    lanes, line, wide = lanes_for(channels.filters, kind), lines[-1], registers() == 32
    most = (registers() - 1) // line.taps  # vectors for a tap: sums of each channel, and the gradient
    few = line.stride >= line.taps - wide  # taps meet a number that was read: it should be used for several vectors
    vectors = min(-(-channels.filters // lanes), max(most // (channels.read + 1), 2 if few else 1))
    held = most // vectors - 1
    even = [n for n in range(min(held, channels.read), 0, -1) if channels.read % n == 0 and n > 0.6 * held]
    if held > 0:
        held = even[0] if even else -(-channels.read // -(-channels.read // held))
    columns = 2 if line.taps == 1 else 8 if line.cells <= 16 or not wide else 4
    return Shape(lines, channels, kind, lanes, vectors, columns), held


def _strips(shape: Shape, images: int) -> tuple[int, int, int, int]:
    """Return how many strips of rows there are, and in an image, their height, and how many fit the cache."""
    line, (first, *others) = shape.lines[-1], [line.cells for line in shape.lines[:-1]] or [1]
    channels = shape.width if shape.channels.single else min(shape.channels.read, shape.lanes)
    near = line.source * channels * min(line.stride, 2) + line.cells * min(shape.channels.filters, shape.width)
    rows = max(1, NEAR // (BYTES[shape.kind] * near * prod(others)))
    height = min(rows, first)
    of_image = -(-first // height)
    return images * of_image, of_image, height, max(1, rows // height) if of_image == 1 else 1
