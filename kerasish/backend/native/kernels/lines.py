"""Which input cells a window meets along one spatial axis, worked out while a kernel is written.

Borders are cut off here: a tap that would meet padding is not written into the kernel at all.
"""

import functools
from typing import NamedTuple

Meeting = tuple[int, int, int]  # an output cell of a tile, the input cell that it meets, the tap


class Line(NamedTuple):
    """One spatial axis of a convolution, or of the gradient with respect to its input.

    Attributes:
        taps, stride, dilation, before: of the convolution; `before` is the padding in front.
        source: cells read along the axis.
        cells: cells written along the axis.
        mirrored: whether it is the gradient: from the convolution's output back to its input.
    """

    taps: int
    stride: int
    dilation: int
    before: int
    source: int
    cells: int
    mirrored: bool = False

    @property
    def period(self) -> int:
        """After so many output cells the same taps are met again."""
        return self.stride if self.mirrored else 1

    def met(self, cell: int, tap: int) -> int | None:
        """Return the input cell that an output cell meets at a tap, None for padding."""
        if self.mirrored:
            place, rest = divmod(cell + self.before - tap * self.dilation, self.stride)
        else:
            place, rest = cell * self.stride + tap * self.dilation - self.before, 0
        return place if rest == 0 and 0 <= place < self.source else None

    def is_inside(self, first: int, count: int) -> bool:
        """Tell whether no window of some neighbouring output cells meets padding."""
        last, reach = first + count - 1, (self.taps - 1) * self.dilation
        if self.mirrored:
            return first + self.before >= reach and (last + self.before) // self.stride < self.source
        return first * self.stride >= self.before and last * self.stride + reach - self.before < self.source


class Tile(NamedTuple):
    """Neighbouring tiles of output cells that meet input cells in the same way.

    Attributes:
        first: first output cell of the first tile.
        shift: the input cell from which `meetings` of the first tile count.
        repeats: number of tiles.
        width: output cells of a tile.
        step: input cells from one tile to the next.
        meetings: what meets what, cells of the output counted from the tile's first.
    """

    first: int
    shift: int
    repeats: int
    width: int
    step: int
    meetings: tuple[Meeting, ...]


@functools.lru_cache(maxsize=256)
def tiles(line: Line, most: int) -> tuple[Tile, ...]:
    """Cut a line of output cells into tiles of at most `most` cells; none if the stride allows no such tile."""
    period = line.period
    if period > most or not line.cells:
        return ()
    parts = -(-line.cells // (most // period * period))
    width = -(-line.cells // (parts * period)) * period
    step = width // period if line.mirrored else width * line.stride
    found: list[Tile] = []
    inside = False  # whether the last tile is
    for first in range(0, line.cells, width):
        count, before = min(width, line.cells - first), inside
        inside = line.is_inside(first, count)
        shift = first // period if line.mirrored else first * line.stride
        same = before and inside and found[-1].width == count
        meetings = found[-1].meetings if same else tuple(
            (cell, place - shift, tap) for cell in range(count) for tap in range(line.taps)
            if (place := line.met(first + cell, tap)) is not None)
        if found and (found[-1].meetings, found[-1].width) == (meetings, count):
            found[-1] = found[-1]._replace(repeats=found[-1].repeats + 1)
        else:
            found.append(Tile(first, shift, 1, count, step, meetings))
    return tuple(found)


def products(line: Line, most: int) -> int:
    """Return how many products kernels with such tiles spell out."""
    return sum(len(tile.meetings) for tile in tiles(line, most))
