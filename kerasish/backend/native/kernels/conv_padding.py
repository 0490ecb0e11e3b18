"""What the zeros of a convolution's padding add to the gradient with respect to its weights: NaN, or nothing.

A gradient that is not finite, times zero, is NaN. As a cell's window meets more than padding, such a gradient has left
its trace in the sums already: only where some of them are not finite is the border looked at.
"""

from math import prod
from typing import Any

from kerasish.backend.native.jobs import Job, split
from kerasish.backend.native.kernels.lines import Line
from kerasish.backend.native.language import BYTES


def padding_jobs(lines: tuple[Line, ...], images: int, out: Any, kind: str, flags: str) -> tuple[Job, ...]:
    """Return the jobs that add it to the gradient in `o0`, none where no window meets padding.

    Args:
        lines: the spatial axes.
        images: how many there are.
        out: the gradient with respect to the weights.
        kind: of the numbers.
        flags: operand with room for a number for each tap and channel.
    """
    if all(line.is_inside(0, line.cells) for line in lines):
        return ()
    read, filters = out.shape[-2:]
    taps = prod(line.taps for line in lines)
    sizes = tuple(n for a in lines for n in (a.taps, a.stride, a.dilation, a.before, a.source, a.cells))
    look = Job(f"conv weights flags {kind}", _flags(kind), ("o0", flags), (filters,), taps * read,
               split(taps * read, 3 + 0.05 * filters))
    mend = Job(f"conv weights padding {kind} {len(lines)}", _mend(kind, len(lines)), ("i1", flags, "o0"),
               (images, read, filters, taps, *sizes), taps, split(taps, 3 + 0.05 * taps * read))
    return look, mend


def _flags(kind: str) -> Any:
    """Return the writer that finds rows of what is not finite: 0, or NaN for such a row. Table: x, flags; a row."""

    def write(k: Any) -> None:
        x, flags, width, lanes = k.pointer(0, kind), k.pointer(1, kind), k.size(2), k.lanes * 4 // BYTES[kind]
        with k.loop(k.lo, k.hi) as row:
            total, start = k.var(k.number(0.0, kind, lanes)), x + row * width
            k.sweep(0, width, lambda i, mask: total.add(start.load(i, lanes, mask) * 0.0), lanes)
            flags.store(row, total.get().total())

    return write


def _mend(kind: str, rank: int) -> Any:
    """Return the writer that adds 0 times the gradient of the cells whose windows meet padding at a tap.

    A unit is a tap. Table: gradient, flags, result; images, channels read, filters, taps; then of each axis its taps,
    stride, dilation, padding in front, cells read and written.
    """

    def write(k: Any) -> None:
        g, flags, out = (k.pointer(n, kind) for n in range(3))
        images, read, filters, taps = (k.size(3 + n) for n in range(4))
        axes = [[k.size(7 + 6 * a + n) for n in range(6)] for a in range(rank)]
        lanes = k.lanes * 4 // BYTES[kind]
        bad = k.var(k.number(0.0, kind, lanes))
        k.sweep(0, taps * read, lambda i, mask: bad.add(flags.load(i, lanes, mask)), lanes)
        flag = bad.get().total()
        cells = images
        for axis in axes:
            cells = cells * axis[5]
        with k.when(flag.differs(flag)), k.loop(k.lo, k.hi) as tap, k.loop(0, cells) as cell:
            missed = ~_is_inside(k, axes, tap, cell)
            with k.when(missed), k.loop(0, read) as c:
                row, source = out + (tap * read + c) * filters, g + cell * filters
                k.sweep(0, filters, lambda i, mask: row.store(
                    i, row.load(i, lanes, mask) + source.load(i, lanes, mask) * 0.0, mask), lanes)

    return write


def _is_inside(k: Any, axes: list, tap: Any, cell: Any) -> Any:
    """Whether a cell's window meets no padding at a tap; both are counted over all axes."""
    inside = k.number(1, "b")
    for count, stride, dilation, before, source, length in reversed(axes):
        place = cell % length * stride + tap % count * dilation - before
        inside = inside & (place >= 0) & (place < source)
        tap, cell = tap // count, cell // length
    return inside
