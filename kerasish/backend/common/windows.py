"""Sliding windows over the spatial axes of channels-last arrays: sizes, padding, taps and tiles.

A *tap* is one position inside a window; the cells that one tap meets, over all windows, form a strided slice
of the padded input. Convolution and pooling are sums, maxima and scatters over taps.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

Sizes = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


class Geometry(NamedTuple):
    """What stays fixed of one convolution: the sizes of the window and of the output, and the steps."""

    window: Sizes
    out: Sizes
    strides: Sizes
    padding: Pairs
    dilation: Sizes
    groups: int


def out_sizes(spatial: Sizes, window: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes) -> Sizes:
    """Return how many windows fit along each spatial axis."""
    return tuple(
        max(0, (n + lo + hi - (k - 1) * d - 1) // s + 1)
        for n, k, s, (lo, hi), d in zip(spatial, window, strides, padding, dilation, strict=True)
    )


def taps(window: Sizes, out: Sizes, strides: Sizes, dilation: Sizes, first_row: int = 0) -> Iterator[tuple]:
    """Yield `(tap, index)`: the index takes from `(batch, *spatial, channels)` what the tap meets.

    `first_row` is the output row, along the first spatial axis, at which `out` begins.
    """
    rows = (first_row,) + (0,) * (len(window) - 1)
    for tap in product(*map(range, window)):
        starts = (r * s + t * d for r, s, t, d in zip(rows, strides, tap, dilation, strict=True))
        cut = tuple(slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, out, strides, strict=True))
        yield tap, (slice(None), *cut)


def kept(spatial: Sizes, padding: Pairs) -> tuple[tuple, tuple]:
    """Return the index, in an array and in the padded array, of the cells both have (negative padding crops)."""
    source = tuple(_inner(n, lo, hi) for n, (lo, hi) in zip(spatial, padding, strict=True))
    starts = (max(0, lo) for lo, _ in padding)
    target = tuple(slice(a, a + cut.stop - cut.start) for a, cut in zip(starts, source, strict=True))
    return (slice(None), *source), (slice(None), *target)


def _inner(n: int, lo: int, hi: int) -> slice:
    start = min(n, max(0, -lo))
    return slice(start, max(start, n - max(0, -hi)))


def padded_sizes(spatial: Sizes, padding: Pairs) -> Sizes:
    """Return the spatial sizes after padding."""
    return tuple(n + lo + hi for n, (lo, hi) in zip(spatial, padding, strict=True))


def pad(xp: Any, x: Any, padding: Pairs, value: Any = 0) -> Any:
    """Return `x` with its spatial axes padded by a value; `x` itself where there is nothing to pad."""
    if not any(map(any, padding)):
        return x
    source, target = kept(x.shape[1:-1], padding)
    result = xp.full((x.shape[0], *padded_sizes(x.shape[1:-1], padding), x.shape[-1]), value, x.dtype)
    result[target] = x[source]
    return result


class Padded:
    """A buffer for a few padded images; its border is written once, its inside for every chunk."""

    def __init__(self, xp: Any, x: Any, padding: Pairs, images: int):
        spatial = padded_sizes(x.shape[1:-1], padding)
        self.x = x
        self.buffer = xp.zeros((min(images, x.shape[0]), *spatial, x.shape[-1]), x.dtype)
        self.source, self.target = kept(x.shape[1:-1], padding)

    def fill(self, images: slice) -> Any:
        """Return the images, padded."""
        chunk = self.buffer[: images.stop - images.start]
        chunk[self.target] = self.x[images][self.source]
        return chunk


def tile_bytes(xp: Any) -> int:
    """Return how large a temporary may grow: what a CPU core's cache holds, or what keeps a GPU busy."""
    return 1 << 20 if xp.__name__ == "numpy" else 1 << 27


def spans(total: int, step: int) -> Iterator[slice]:
    """Cut `range(total)` into slices of at most `step` (at least one) each."""
    step = max(1, step)
    for start in range(0, total, step):
        yield slice(start, min(total, start + step))


def fresh(xp: Any, shape: Sizes, dtype: Any, out: Any) -> Any:
    """Return a contiguous array to compute into: `out` where it serves, else a new one."""
    return out if _serves(out, shape, dtype) else xp.empty(shape, dtype)


def zeros(xp: Any, shape: Sizes, dtype: Any, out: Any) -> Any:
    """Return a contiguous array of zeros to compute into: `out` where it serves, else a new one, of untouched pages."""
    if not _serves(out, shape, dtype):
        return xp.zeros(shape, dtype)
    out[...] = 0
    return out


def _serves(out: Any, shape: Sizes, dtype: Any) -> bool:
    return out is not None and out.shape == shape and out.dtype == dtype and out.flags.c_contiguous


def deliver(result: Any, out: Any) -> Any:
    """Return the result in `out`, if one was given."""
    if out is None or result is out:
        return result
    out[...] = result
    return out
