"""Convolution of any rank, channels last, and its two gradients.

The three ops are closed under differentiation: each is linear in both its arguments, and the gradients of any
one are the other two. Patches are copied in tiles that fit the cache, then multiplied with the weights
(im2col); depthwise convolution multiplies the windows directly, for its matrices would be too narrow.

Shapes: x `(batch, *spatial, in)`, w `(*kernel, in / groups, out)`, g and results `(batch, *out_spatial, out)`.
In the names below, G is the number of groups, M of output cells in a tile, K of values in a patch of one group.
"""

from collections.abc import Iterator
from math import prod
from typing import Any, NamedTuple

from kerasish.backend.common import windows
from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import Pairs, Sizes, deliver, fresh, spans, taps
from kerasish.backend.registry import kernel

# Below so many channels a patch is copied tap by tap: along the channels its contiguous runs are too short.
NARROW = 5


class Geometry(NamedTuple):
    """What stays fixed of one convolution: the sizes of the window and of the output, and the steps."""

    window: Sizes
    out: Sizes
    strides: Sizes
    padding: Pairs
    dilation: Sizes
    groups: int


@kernel("conv")
@through_float32
def conv(xp, x, w, *, strides, padding, dilation, groups, out=None):
    """Correlate: out[n, p, o] = sum over taps t and channels c of x[n, p s + t d, c] w[t, c, o]."""
    sizes = windows.out_sizes(x.shape[1:-1], w.shape[:-2], strides, padding, dilation)
    geometry = Geometry(w.shape[:-2], sizes, strides, padding, dilation, groups)
    result = fresh(xp, (x.shape[0], *sizes, w.shape[-1]), x.dtype, out)
    if _is_depthwise(w, groups):
        _depthwise_conv(xp, x, w, geometry, result)
    else:
        weights = _by_group(w, groups)
        for tile, patches in _patches(xp, x, geometry):
            xp.matmul(patches, weights, out=_cells(result[tile], groups))
    return deliver(result, out)


@kernel("conv_input_grad")
@through_float32
def conv_input_grad(xp, g, w, *, input_shape, strides, padding, dilation, groups, out=None):
    """Return the gradient with respect to the input of `conv`; it is also the transposed convolution."""
    geometry = Geometry(w.shape[:-2], g.shape[1:-1], strides, padding, dilation, groups)
    narrowing = w.shape[-1] > input_shape[-1]
    # Written as a convolution, whose padding multiplies with zeros: weights that are not finite would make more NaN.
    if all(s == 1 for s in strides) and not narrowing and g.size and xp.isfinite(w).all():
        return _input_grad_as_conv(xp, g, w, input_shape, geometry, out)
    result = fresh(xp, tuple(input_shape), g.dtype, out)
    result[...] = 0
    if g.size:
        _scatter(xp, g, w, geometry, result)
    return deliver(result, out)


@kernel("conv_weight_grad")
@through_float32
def conv_weight_grad(xp, x, g, *, weight_shape, strides, padding, dilation, groups, out=None):
    """Return the gradient with respect to the weights of `conv`."""
    geometry = Geometry(tuple(weight_shape[:-2]), g.shape[1:-1], strides, padding, dilation, groups)
    result = fresh(xp, tuple(weight_shape), x.dtype, out)
    result[...] = 0
    if _is_depthwise(result, groups):
        _depthwise_weight_grad(xp, x, g, geometry, result)
    else:
        total = _by_group(result, groups)
        for tile, patches in _patches(xp, x, geometry):
            total += xp.matmul(patches.swapaxes(1, 2), _cells(g[tile], groups))
    return deliver(result, out)


def _is_depthwise(w: Any, groups: int) -> bool:
    return groups > 1 and w.shape[-2] == 1


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
    padded = None if plain else _Padded(xp, x, padding, images)
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


class _Padded:
    """A buffer for a few padded images; its border is written once, its inside for every chunk."""

    def __init__(self, xp: Any, x: Any, padding: Pairs, images: int):
        spatial = windows.padded_sizes(x.shape[1:-1], padding)
        self.x = x
        self.buffer = xp.zeros((min(images, x.shape[0]), *spatial, x.shape[-1]), x.dtype)
        self.source, self.target = windows.kept(x.shape[1:-1], padding)

    def fill(self, images: slice) -> Any:
        """Return the images, padded."""
        chunk = self.buffer[: images.stop - images.start]
        chunk[self.target] = self.x[images][self.source]
        return chunk


def _input_grad_as_conv(xp, g, w, input_shape, geometry: Geometry, out):
    """Convolve g, padded, with the mirrored kernel whose inputs and outputs are exchanged (stride one only)."""
    window, _, strides, padding, dilation, groups = geometry
    reach = [(k - 1) * d for k, d in zip(window, dilation, strict=True)]
    inverse = tuple((r - lo, r - hi) for r, (lo, hi) in zip(reach, padding, strict=True))
    per_group = w.shape[-1] // groups
    mirrored = w[(slice(None, None, -1),) * len(window)].reshape(*window, -1, groups, per_group)
    mirrored = xp.ascontiguousarray(mirrored.swapaxes(-3, -1)).reshape(*window, per_group, input_shape[-1])
    return conv(xp, g, mirrored, strides=strides, padding=inverse, dilation=dilation, groups=groups, out=out)


def _scatter(xp, g, w, geometry: Geometry, result) -> None:
    """Add, tap by tap, what each output cell sends back to the input cells that its window meets."""
    window, out, strides, padding, dilation, groups = geometry
    depthwise = _is_depthwise(w, groups)
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
            if depthwise:
                _send_depthwise(xp, chunk, back[tap], sent)
            else:
                xp.matmul(_cells(chunk, groups), back[tap], out=_cells(sent, groups))
            sums[index] += sent
        if padded:
            result[n][source] = sums[target]


def _send_depthwise(xp, g, w, sent) -> None:
    """Write to `sent` (n, *spatial, C) the sum over the multiplier m of g (n, *spatial, C m) times w (C, m, 1)."""
    per_channel = g.reshape(*g.shape[:-1], sent.shape[-1], -1)
    if per_channel.shape[-1] == 1:
        xp.multiply(g, w.reshape(-1), out=sent)
    else:
        xp.sum(per_channel * w[..., 0], axis=-1, out=sent)


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
