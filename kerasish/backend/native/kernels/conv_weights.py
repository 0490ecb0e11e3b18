"""Gradients of convolutions with respect to the weights: sums over all cells, kept in registers.

For a few channels of the input and a few vectors of channels of the result, at all taps along the last axis, the sums
stay in registers while the cells of some rows go by. Parts sum up some images each; their sums are added at the end.
"""

from math import prod
from typing import Any, NamedTuple

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, align, lowering
from kerasish.backend.native.kernels.conv import lanes_for, lines_of, served
from kerasish.backend.native.kernels.lines import Line, Tile, tiles

PARTS = 8
ORDER=0;BYP=0
POINT = Tile(0, 0, 1, 1, 0, ((0, 0, 0),))
NEAR = 24 << 10  # bytes of input and gradient that are gone through again and again


class Shape(NamedTuple):
    """What the machine code of such a gradient depends on.

    Attributes:
        lines: the spatial axes.
        channels: channels of the input.
        filters: channels of the result.
        lanes: numbers in a vector.
        vectors: vectors held at a time, along the filters.
        group: channels of the input held at a time.
        columns: columns written one after the other.
        unrolled: whether the sums of all taps along the last axis are held together.
    """

    lines: tuple[Line, ...]
    channels: int
    filters: int
    lanes: int
    vectors: int
    group: int
    columns: int
    unrolled: bool


class WeightGrad:
    """The writer of the sums.

    Table: input, gradient, sums of each part; cells read and written along each axis but the last; then images, strips
    of an image, cells of a strip (along the first axis), strips gone through together, strips of a part. A unit is a
    strip.
    """

    def __init__(self, shape: Shape):
        self.shape, self.outer, self.line = shape, shape.lines[:-1], shape.lines[-1]
        self.taps = self.line.taps if shape.unrolled else 1
        self.width = shape.vectors * shape.lanes
        self.size = prod(line.taps for line in shape.lines) * shape.channels * shape.filters

    def __call__(self, k: Any) -> None:
        shape, n = self.shape, 3 + 2 * len(self.outer)
        x, g, sums = (k.pointer(i, "f4") for i in range(3))
        sources, cells = ([k.size(3 + 2 * i + side) for i in range(len(self.outer))] for side in range(2))
        strips, height, together, part = (k.size(n + i) for i in range(4))
        sums = sums + k.lo // part * self.size
        k.sweep(0, self.size, lambda i, mask: sums.store(i, k.number(0, "f4", k.lanes), mask))
        blocks = -(-shape.filters // self.width)
        full, rest = divmod(shape.channels, shape.group)
        with k.loop(k.lo, k.hi, together) as first:
            last = (first + together).minimum(k.hi)
            with k.loop(0, blocks) as block:
                with k.loop(0, full) as c:
                    self._taps(k, x, g, sums, (block, c * shape.group, shape.group), (first, last, strips, height),
                               list(zip(self.outer, sources, cells, strict=True)))
                if rest:
                    self._taps(k, x, g, sums, (block, k.number(full * shape.group, "i8"), rest),
                               (first, last, strips, height), list(zip(self.outer, sources, cells, strict=True)))

    def _taps(self, k: Any, x: Any, g: Any, sums: Any, which: tuple, strips: tuple, axes: list, done: tuple = (),
              tap_number: Any = 0) -> None:
        """Go through the taps of all axes but the last; `done` holds the axes with the tap that was chosen."""
        if not axes and not self.shape.unrolled and len(done) == len(self.outer):
            axes = [(self.line, k.number(self.line.source, "i8"), k.number(self.line.cells, "i8"))]
        if axes:
            (axis, source, cells), *left = axes
            with k.loop(0, axis.taps) as tap:
                offset = tap * axis.dilation - axis.before
                self._taps(k, x, g, sums, which, strips, left, (*done, (axis, offset, source, cells)),
                           tap + tap_number * axis.taps)
            return
        shape, (block, channel, group) = self.shape, which
        totals = [[[k.var(k.number(0, "f4", shape.lanes)) for _ in range(shape.vectors)] for _ in range(group)]
                  for _ in range(self.taps)]
        masks = self._masks(k, block)
        first, last, count, height = strips
        with k.loop(first, last) as strip:
            image = strip // count
            begin = (strip - image * count) * height
            self._rows(k, x + channel, g + block * self.width, image, image, list(done), (begin, begin + height),
                       totals, masks)
        for tap, of_tap in enumerate(totals):
            for c, vectors in enumerate(of_tap):
                place = sums + ((tap_number * self.taps + tap) * shape.channels + channel + c) * shape.filters
                for v, total in enumerate(vectors):
                    at = block * self.width + v * shape.lanes
                    place.store(at, place.load(at, shape.lanes, masks[v]) + total.get(), masks[v])

    def _masks(self, k: Any, block: Any) -> list:
        shape, lanes = self.shape, self.shape.lanes
        if shape.filters % self.width == 0:
            return [None] * shape.vectors
        left = shape.filters - block * self.width
        return [k.lane_numbers(lanes) < (left - v * lanes).splat(lanes) for v in range(shape.vectors)]

    def _rows(self, k: Any, x: Any, g: Any, above: Any, here: Any, axes: list, span: tuple | None, totals: list,
              masks: list) -> None:
        """Go through the rows that meet a row of the input; `above` and `here` count rows of input and gradient."""
        if not axes and not self.shape.unrolled:
            self._tile(x + above * self.shape.channels, g + here * self.shape.filters, POINT, totals, masks)
            return
        if not axes:
            self._row(k, x + above * (self.line.source * self.shape.channels),
                      g + here * (self.line.cells * self.shape.filters), totals, masks)
            return
        (axis, offset, source, cells), *left = axes
        # Cells from the first that meets no padding in front to the last that meets none behind.
        begin = ((-offset).maximum(0) + (axis.stride - 1)) // axis.stride
        end = ((source - offset + (axis.stride - 1)).maximum(0) // axis.stride).minimum(cells)
        if span is not None:
            begin, end = begin.maximum(span[0]), end.minimum(span[1])
        with k.loop(begin, end) as cell:
            self._rows(k, x, g, above * source + (cell * axis.stride + offset), here * cells + cell, left, None, totals,
                       masks)

    def _row(self, k: Any, x: Any, g: Any, totals: list, masks: list) -> None:
        for tile in tiles(self.line, self.shape.columns) or ():
            with k.loop(0, tile.repeats) as n:
                self._tile(x + (n * tile.step + tile.shift) * self.shape.channels,
                           g + (n * tile.width + tile.first) * self.shape.filters, tile, totals, masks)

    def _tile(self, x: Any, g: Any, tile: Tile, totals: list, masks: list) -> None:
        """Add the products of a tile; a number is read once for each vector, or once for all taps that meet it."""
        shape, loaded = self.shape, {}
        by_place = BYP
        met: dict[tuple[int, ...], list[tuple[int, int, int]]] = {}
        for j, place, tap in sorted(tile.meetings, key=lambda m: m[1::-1] if by_place else m):
            met.setdefault((place,) if by_place else (place, j), []).append((j, place, tap))
        fence = ORDER
        last = None
        for (place, *cell), meetings in met.items():
            if fence and (cell != last if fence == 1 else True):
                last = cell
                from llvmlite import ir
                b = totals[0][0][0].get().kernel.builder
                b.call(ir.InlineAsm(ir.FunctionType(ir.VoidType(), []), "", "~{memory}", side_effect=True), [])
            for j, _, _ in meetings:
                if j not in loaded:
                    loaded[j] = [g.load(j * shape.filters + v * shape.lanes, shape.lanes, masks[v])
                                 for v in range(shape.vectors)]
            for c in range(len(totals[0])):
                value = x.load(meetings[0][1] * shape.channels + c).splat(shape.lanes)
                for j, _, tap in meetings:
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
    line, channels, filters = lines[-1], out.shape[-2], out.shape[-1]
    shape = _shape(lines, channels, filters)
    if shape is None:
        return None
    row_bytes = 4 * (line.source * min(channels, 16) * min(line.stride, 2) + line.cells * min(filters, 32))
    rows = max(1, NEAR // row_bytes)
    images, outer = x.shape[0], [each.cells for each in lines[:-1]]
    height = min(rows // prod(outer[1:]) or 1, outer[0]) if outer else 1
    strips = -(-outer[0] // height) if outer else 1
    together = max(1, rows // (height * prod(outer[1:]))) if strips == 1 else 1
    units = images * strips
    grain = -(-units // PARTS)
    together = min(together, grain)
    parts = -(-units // grain)
    bare = tuple(each._replace(source=0, cells=0) for each in lines[:-1])
    key = f"conv weights {shape._replace(lines=(*bare, line))}"
    sizes = (*(n for each in lines[:-1] for n in (each.source, each.cells)), strips, height, together, grain)
    target = "s0" if parts > 1 else "o0"
    jobs = [Job(key, WeightGrad(shape), ("i0", "i1", target), sizes, units, grain)]
    if parts > 1:
        jobs.append(Job("conv adding", adding, ("s0", "o0"), (parts, out.size), out.size, 1 << 14))
    return Plan(tuple(jobs), (align(4 * parts * out.size),) if parts > 1 else ())


def _shape(lines: tuple[Line, ...], channels: int, filters: int) -> Shape | None:
    """Choose what the registers hold."""
    registers = 32 if engine.lanes() == 16 else 16
    lanes, taps = lanes_for(filters), lines[-1].taps
    vectors = 2 if filters > lanes and 4 * taps + 3 <= registers else 1
    most = (registers - 2 - taps * vectors) // (taps * vectors)
    if most < 1:
        return None
    group = -(-channels // -(-channels // most))
    return Shape(lines, channels, filters, lanes, vectors, group, 4, True)
