"""Convolution to few channels: cells are gathered along the last spatial axis alone, one product an outer tap.

A *band* holds, for every padded row and every output column, the cells of that row which the window meets there:
`(G, *outer, n, columns, K)`, with K the values of one row of a window in one group. What an outer tap meets is a slice
of it, so that a cell is copied once for each column of the window and not once for each of its taps. The products
of the outer taps are added up while they are in the cache, which pays where the result has few channels; their
sizes are such that the BLAS neither packs nor divides them among threads, which costs more than so narrow a product.
"""

from collections.abc import Iterator
from math import prod
from typing import Any

from kerasish.backend.common import windows
from kerasish.backend.common.windows import Geometry, Padded, spans

FEW = 48  # channels of the result in one group: above, a product is worth whole patches
NARROW = 5  # channels of the input in one group: below, the rows of a band are too short
SMALL = 1_000_000  # multiplications up to which OpenBLAS takes its direct path


def serves(geometry: Geometry, channels: int, results: int) -> bool:
    """Tell whether bands serve a convolution, of so many channels in and out of one group."""
    rows_join = prod(geometry.window[:-1]) > 1 and geometry.strides[-2] == 1
    return rows_join and channels >= NARROW and 0 < results <= FEW


def convolve(xp: Any, x: Any, w: Any, geometry: Geometry, result: Any) -> None:
    """Write to `result` the convolution of x with w."""
    window, groups = geometry.window, geometry.groups
    weights = w.reshape(prod(window[:-1]), -1, groups, w.shape[-1] // groups).transpose(0, 2, 1, 3)
    weights = weights.reshape(len(weights), groups, *(1,) * (len(window) - 1), *weights.shape[-2:])
    seen: Any = None
    for tile, slices in _bands(xp, x, geometry, w.shape[-1] // groups):
        target = _outer_first(result[tile], groups)
        if slices is not seen:
            seen, sums = slices, xp.empty((2, *target.shape), x.dtype)
            total, term = sums
            outs = [s.reshape(*slices[0].shape[:-1], -1) for s in sums]
        xp.matmul(slices[0], weights[0], out=outs[0])
        for part, matrix in zip(slices[1:-1], weights[1:-1], strict=True):
            total += xp.matmul(part, matrix, out=outs[1]).reshape(term.shape)
        xp.matmul(slices[-1], weights[-1], out=outs[1])
        xp.add(total, term, out=target)


def weight_grad(xp: Any, x: Any, g: Any, geometry: Geometry, result: Any) -> None:
    """Add to `result` (contiguous) the gradient of the weights."""
    window, groups = geometry.window, geometry.groups
    total = result.reshape(prod(window[:-1]), -1, groups, result.shape[-1] // groups).transpose(0, 2, 1, 3)
    for tile, slices in _bands(xp, x, geometry, result.shape[-1] // groups):
        sent = xp.ascontiguousarray(_outer_first(g[tile], groups))
        for n, part in enumerate(slices):
            terms = xp.matmul(part.swapaxes(-1, -2), sent.reshape(*part.shape[:-1], -1))
            total[n] += terms.reshape(groups, -1, *terms.shape[-2:]).sum(axis=1)


def _outer_first(tile: Any, groups: int) -> Any:
    """View a tile `(n, *outer, columns, channels)` as `(G, *outer, n, columns, channels / G)`."""
    split = tile.reshape(*tile.shape[:-1], groups, tile.shape[-1] // groups)
    last = split.ndim - 1
    return split.transpose(last - 1, *range(1, last - 2), 0, last - 2, last)


def _bands(xp: Any, x: Any, geometry: Geometry, results: int) -> Iterator[tuple[tuple[slice, slice], list[Any]]]:
    """Yield `(tile, slices)`: an index of output images and rows; what each outer tap meets, cut into products.

    The slices, `(G, ..., cells, K)`, are of a buffer which the next step overwrites; they are the same objects for
    the next tile of the same size.
    """
    window, out, strides, padding, dilation, groups = geometry
    if not (x.shape[0] and prod(out)):
        return
    outer = windows.padded_sizes(x.shape[1:-1], padding)[:-1]
    reach = (window[0] - 1) * dilation[0] + 1
    row = prod(outer[1:]) * out[-1] * window[-1] * x.shape[-1]  # elements
    fitting = windows.tile_bytes(xp) // 2 // max(1, row * x.dtype.itemsize)  # the sums take as much again
    images = min(x.shape[0], max(1, fitting // outer[0]))
    rows = out[0] if images > 1 else max(1, (fitting - reach) // strides[0] + 1)
    plain = not any(map(any, padding)) and x.flags.c_contiguous
    padded = None if plain else Padded(xp, x, padding, images)
    cells = _cells(xp, x if padded is None else padded.buffer, geometry)
    buffer = xp.empty(images * min(outer[0], (rows - 1) * strides[0] + reach) * row, x.dtype)
    made: dict[tuple[int, ...], tuple[Any, list[Any]]] = {}
    for n in spans(x.shape[0], images):
        if padded is not None:
            padded.fill(n)
        chosen = cells[..., n if padded is None else slice(0, n.stop - n.start), :, :, :]
        for r in spans(out[0], rows):
            first, count = r.start * strides[0], r.stop - r.start
            part = chosen[:, first : first + (count - 1) * strides[0] + reach]
            if part.shape not in made:
                band = buffer[: part.size].reshape(part.shape)
                made[part.shape] = band, _slices(band, (count, *out[1:-1]), geometry, results)
            band, slices = made[part.shape]
            band[...] = part
            yield (n, r), slices


def _cells(xp: Any, x: Any, geometry: Geometry) -> Any:
    """View padded images as `(G, *outer, n, columns, taps of the last axis, channels / G)`."""
    columns, taps, groups = geometry.out[-1], geometry.window[-1], geometry.groups
    channels = x.shape[-1] // groups
    step, item = x.strides[-2:]
    shape = (groups, *x.shape[1:-2], x.shape[0], columns, taps, channels)
    strides = (channels * item, *x.strides[1:-2], x.strides[0], geometry.strides[-1] * step,
               geometry.dilation[-1] * step, item)
    return xp.lib.stride_tricks.as_strided(x, shape, strides)


def _joined(rows: int, most: int) -> int:
    """Return a divisor of `rows` not far below `most`, or `rows` itself."""
    return next((b for b in range(min(rows, most), most // 2, -1) if rows % b == 0), rows)


def _slices(band: Any, inner: tuple[int, ...], geometry: Geometry, results: int) -> list[Any]:
    """Return what each outer tap meets of a band, rows of cells joined until their product is no longer small."""
    band = band.reshape(*band.shape[:-2], prod(band.shape[-2:]))
    cells, values = prod(band.shape[-3:-1]), band.shape[-1]
    joined = _joined(inner[-1], SMALL // (cells * values * results))
    shape = (len(band), *inner[:-1], inner[-1] // joined, joined * cells, values)
    found = windows.taps(geometry.window[:-1], inner, geometry.strides[:-1], geometry.dilation[:-1])
    return [band[index].reshape(shape) for _, index in found]
