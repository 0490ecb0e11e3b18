"""Convolution of any rank, channels last, and its two gradients.

The three ops are closed under differentiation: each is linear in both its arguments, and the gradients of any
one are the other two. Patches are copied in tiles that fit the cache, then multiplied with the weights
(im2col); depthwise convolution multiplies the windows directly, for its matrices would be too narrow.

Shapes: x `(batch, *spatial, in)`, w `(*kernel, in / groups, out)`, g and results `(batch, *out_spatial, out)`.
In the names below, G is the number of groups, M of output cells in a tile, K of values in a patch of one group.
"""

from collections.abc import Iterator
from itertools import product
from math import gcd, prod
from typing import Any, NamedTuple

from kerasish.backend.common import conv_bands, windows
from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import Geometry, Padded, Sizes, deliver, fresh, spans, taps, zeros
from kerasish.backend.registry import kernel

# Below so many channels a patch is copied tap by tap: along the channels its contiguous runs are too short.
NARROW = 5


@kernel("conv")
@through_float32
def conv(xp, x, w, *, strides, padding, dilation, groups, out=None):
    """Correlate: out[n, p, o] = sum over taps t and channels c of x[n, p s + t d, c] w[t, c, o]."""
    sizes = windows.out_sizes(x.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    geometry = Geometry(w.shape[:-2], sizes, strides, padding, dilation, groups)
    result = fresh(xp, (x.shape[0], *sizes, w.shape[-1]), x.dtype, out)
    if _is_depthwise(w, groups):
        _depthwise_conv(xp, x, w, geometry, result)
    elif conv_bands.serves(geometry, w.shape[-2], w.shape[-1] // groups):
        conv_bands.convolve(xp, x, w, geometry, result)
    elif _is_plain(x, geometry):
        xp.matmul(x.reshape(-1, x.shape[-1]), w.reshape(w.shape[-2:]), out=result.reshape(-1, w.shape[-1]))
    else:
        weights = _by_group(w, groups)
        for tile, patches in _patches(xp, x, geometry):
            xp.matmul(patches, weights, out=_cells(result[tile], groups))
    return deliver(result, out)


@kernel("conv_input_grad")
@through_float32
def conv_input_grad(xp, g, w, *, input_shape, strides, padding, dilation, groups, out=None):
    """Return the gradient with respect to the input of `conv`; it is also the transposed convolution."""
    result = fresh(xp, tuple(input_shape), g.dtype, out)
    geometry = Geometry(w.shape[:-2], g.shape[1:-1], strides, padding, dilation, groups)
    if not g.size:
        result[...] = 0
    elif _is_scattered(w, input_shape, geometry) or not _may_meet_zeros(xp, w):
        result[...] = 0
        _scatter(xp, g, w, geometry, result)
    else:
        _gather(xp, g, w, geometry, result)
    return deliver(result, out)


def _may_meet_zeros(xp: Any, w: Any) -> bool:
    """Whether zeros beyond the border stay zeros if they are gathered too. (On a GPU to ask would be to wait.)"""
    return xp.__name__ != "numpy" or bool(xp.isfinite(w).all())


@kernel("conv_weight_grad")
@through_float32
def conv_weight_grad(xp, x, g, *, weight_shape, strides, padding, dilation, groups, out=None):
    """Return the gradient with respect to the weights of `conv`."""
    geometry = Geometry(tuple(weight_shape[:-2]), g.shape[1:-1], strides, padding, dilation, groups)
    result = zeros(xp, tuple(weight_shape), x.dtype, out)
    if _is_depthwise(result, groups):
        _depthwise_weight_grad(xp, x, g, geometry, result)
    elif conv_bands.serves(geometry, result.shape[-2], result.shape[-1] // groups):
        conv_bands.weight_grad(xp, x, g, geometry, result)
    elif _is_plain(x, geometry):
        rows = x.reshape(-1, x.shape[-1])
        xp.matmul(rows.T, g.reshape(len(rows), g.shape[-1]), out=result.reshape(result.shape[-2:]))
    else:
        total = _by_group(result, groups)
        for tile, patches in _patches(xp, x, geometry):
            total += xp.matmul(patches.swapaxes(1, 2), _cells(g[tile], groups))
    return deliver(result, out)


def _is_depthwise(w: Any, groups: int) -> bool:
    return groups > 1 and w.shape[-2] == 1


def _is_plain(x: Any, geometry: Geometry) -> bool:
    """Tell whether a convolution is one product of matrices."""
    window, out, _, padding, _, groups = geometry
    alike = out == x.shape[1:-1] and not any(map(any, padding))
    return prod(window) == groups == 1 and alike and x.flags.c_contiguous and x.size > 0


def _by_group(w: Any, groups: int) -> Any:
    """View weights `(*kernel, in / G, out)` as `(G, K, out / G)`; contiguous `w` only, so that it is a view."""
    return w.reshape(prod(w.shape[:-1]), groups, w.shape[-1] // groups).transpose(1, 0, 2)


def _cells(tile: Any, groups: int) -> Any:
    """View a tile `(n, *spatial, channels)` as `(G, M, channels / G)`."""
    return tile.reshape(prod(tile.shape[:-1]), groups, tile.shape[-1] // groups).transpose(1, 0, 2)


def _patches(xp: Any, x: Any, geometry: Geometry) -> Iterator[tuple[tuple[slice, slice], Any]]:
    """Yield `(tile, patches)`: an index of output images and rows, and its patches `(G, M, K)`.

    The patches are a buffer which the next step overwrites.
    """
    window, out, strides, padding, dilation, groups = geometry
    channels, rank = x.shape[-1] // groups, len(window)
    if not (x.shape[0] and prod(out)):
        return
    row_bytes = prod(out[1:]) * prod(window) * x.shape[-1] * x.dtype.itemsize
    rows = max(1, windows.tile_bytes(xp) // max(1, row_bytes))
    images = max(1, rows // out[0])
    plain = not any(map(any, padding)) and x.flags.c_contiguous
    pointwise = prod(window) == 1 and groups == 1
    padded = None if plain else Padded(xp, x, padding, images)
    tap_by_tap = channels < NARROW
    cells_of_tile = min(images, x.shape[0]) * min(rows, out[0]) * prod(out[1:])
    buffer = xp.empty(0 if pointwise else cells_of_tile * prod(window) * x.shape[-1], x.dtype)
    for n in spans(x.shape[0], images):
        chunk = x[n] if padded is None else padded.fill(n)
        view = _windows(xp, chunk, geometry)
        for r in spans(out[0], rows):
            part = view[:, :, r]
            cells = part.shape[1] * prod(part.shape[2 : 2 + rank])
            if pointwise:
                yield (n, r), part.reshape(1, cells, channels)
                continue
            if tap_by_tap:
                part = part.transpose(0, *range(2 + rank, part.ndim), *range(1, 2 + rank))
            copy = buffer[: part.size].reshape(part.shape)
            copy[...] = part
            rows_of = copy.reshape(groups, -1, cells).swapaxes(1, 2) if tap_by_tap else copy.reshape(groups, cells, -1)
            yield (n, r), rows_of


def _windows(xp: Any, x: Any, geometry: Geometry) -> Any:
    """View a padded chunk as `(G, n, *out, *window, channels / G)` without a copy."""
    window, out, strides, _, dilation, groups = geometry
    spatial = x.strides[1:-1]
    per_group = x.shape[-1] // groups
    shape = (groups, x.shape[0], *out, *window, per_group)
    steps = (
        per_group * x.strides[-1],
        x.strides[0],
        *(s * b for s, b in zip(strides, spatial, strict=True)),
        *(d * b for d, b in zip(dilation, spatial, strict=True)),
        x.strides[-1],
    )
    return xp.lib.stride_tricks.as_strided(x, shape, steps)


class _Class(NamedTuple):
    """The cells of one axis of the input that lie alike to the strides: the same taps meet them.

    Attributes:
        cells: which cells.
        taps: the taps that meet them, last first; None if there are none.
        padding: of the result's gradient, to convolve it with these taps.
        dilation: the step, in the result, between one of these taps and the next.
    """

    cells: slice
    taps: slice | None
    padding: tuple[int, int]
    dilation: int


def _classes(cells: int, out: int, taps: int, stride: int, padding: tuple[int, int], dilation: int) -> list[_Class]:
    """Return the classes of an axis: cell p of the input meets tap t of cell (p + lo - t d) / s of the result."""
    step = stride // gcd(stride, dilation)
    classes = []
    for first in range(min(stride, cells)):
        last = next((t for t in range(taps - 1, -1, -1) if (first + padding[0] - t * dilation) % stride == 0), None)
        if last is None:
            classes.append(_Class(slice(first, cells, stride), None, (0, 0), 1))
            continue
        lo = (last * dilation - first - padding[0]) // stride
        apart = dilation * step // stride
        count = -(-(cells - first) // stride)
        hi = count - out + last // step * apart - lo
        classes.append(_Class(slice(first, cells, stride), slice(last, None, -step), (lo, hi), apart))
    return classes


def _gather(xp, g, w, geometry: Geometry, result) -> None:
    """Write the gradient of the input class by class."""
    window, out, strides, padding, dilation, groups = geometry
    classes = [_classes(*a) for a in zip(result.shape[1:-1], out, window, strides, padding, dilation, strict=True)]
    if any(a.taps is None for axis in classes for a in axis):
        result[...] = 0
    for axes in product(*classes):
        if all(a.taps is not None for a in axes):
            _send(xp, g, w[tuple(a.taps for a in axes)], axes, groups, result)


def _is_scattered(w: Any, input_shape: Sizes, geometry: Geometry) -> bool:
    """Tell whether gradients are better sent to the inputs than gathered by them.

    They are where the windows meet far fewer cells than there are, or the products of gathering had hardly a column.
    """
    if _is_depthwise(w, geometry.groups) or w.shape[-1] <= input_shape[-1]:
        return False
    fewer = 4 * prod(input_shape[1:-1]) > 5 * prod(geometry.out)
    return w.shape[-2] < 3 or (fewer and all(s == 1 for s in geometry.strides))


def _send(xp, g, w, axes: tuple[_Class, ...], groups: int, result) -> None:
    """Write the gradient of a class of cells: g convolved with its taps, whose inputs and outputs are exchanged."""
    *window, into, outs = w.shape
    per_group = outs // groups
    back = xp.ascontiguousarray(w.reshape(*window, into, groups, per_group).swapaxes(-3, -1))
    steps = {"strides": (1,) * len(window), "padding": tuple(a.padding for a in axes),
             "dilation": tuple(a.dilation for a in axes), "groups": groups}
    cells = result[(slice(None), *(a.cells for a in axes))]
    if groups > 1 and into == 1:  # depthwise: one filter of a channel after the other
        conv(xp, g[..., ::per_group], back[..., :1, :, 0], out=cells, **steps)
        for n in range(1, per_group):
            cells += conv(xp, g[..., n::per_group], back[..., n : n + 1, :, 0], **steps)
    else:
        conv(xp, g, back.reshape(*window, per_group, groups * into), out=cells, **steps)


def _scatter(xp, g, w, geometry: Geometry, result) -> None:
    """Add, tap by tap, what each output cell sends back to the input cells that its window meets."""
    window, out, strides, padding, dilation, groups = geometry
    channels = result.shape[-1]
    weights = w.reshape(*window, -1, groups, w.shape[-1] // groups)
    back = xp.ascontiguousarray(xp.moveaxis(weights, (-2, -1, -3), (-3, -2, -1)))  # (*window, G, out / G, in / G)
    padded = any(map(any, padding))
    source, target = windows.kept(result.shape[1:-1], padding)
    sizes = windows.padded_sizes(result.shape[1:-1], padding)
    image_bytes = prod(out) * max(channels, g.shape[-1]) * g.dtype.itemsize
    for n in spans(g.shape[0], windows.tile_bytes(xp) // max(1, image_bytes)):
        chunk = g[n]
        count = chunk.shape[0]
        sums = xp.zeros((count, *sizes, channels), g.dtype) if padded else result[n]
        sent = xp.empty((count, *out, channels), g.dtype)
        for tap, index in taps(window, out, strides, dilation):
            xp.matmul(_cells(chunk, groups), back[tap], out=_cells(sent, groups))
            sums[index] += sent
        if padded:
            result[n][source] = sums[target]


def _depthwise_conv(xp, x, w, geometry: Geometry, result) -> None:
    window, out, _, padding, _, groups = geometry
    weights = w.reshape(*window, groups, w.shape[-1] // groups)
    cells, offsets, (c, m) = _axes(len(window))
    for n in spans(x.shape[0], _image_tile(xp, geometry, x)):
        view = _windows(xp, windows.pad(xp, x[n], padding), geometry)[..., 0]
        sums = xp.einsum(view, [c, *cells, *offsets], weights, [*offsets, c, m], [*cells, c, m])
        result[n] = sums.reshape(result[n].shape)


def _depthwise_weight_grad(xp, x, g, geometry: Geometry, result) -> None:
    window, out, _, padding, _, groups = geometry
    total = result.reshape(*window, groups, g.shape[-1] // groups)
    cells, offsets, (c, m) = _axes(len(window))
    for n in spans(x.shape[0] if prod(out) else 0, _image_tile(xp, geometry, x)):
        view = _windows(xp, windows.pad(xp, x[n], padding), geometry)[..., 0]
        per_channel = g[n].reshape(*g[n].shape[:-1], *total.shape[-2:])
        total += xp.einsum(view, [c, *cells, *offsets], per_channel, [*cells, c, m], [*offsets, c, m])


def _axes(rank: int) -> tuple[list[int], list[int], tuple[int, int]]:
    """Label the axes for einsum: batch and output cells, taps, channel and multiplier."""
    return list(range(rank + 1)), list(range(rank + 1, 2 * rank + 1)), (2 * rank + 1, 2 * rank + 2)


def _image_tile(xp, geometry: Geometry, x) -> int:
    patch_bytes = prod(geometry.out) * prod(geometry.window) * x.shape[-1] * x.dtype.itemsize
    return windows.tile_bytes(xp) // max(1, patch_bytes)
