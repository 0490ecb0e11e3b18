"""Pooling of any rank, channels last, and the linear maps of which its gradients are made.

A maximum (and a sum) over a window is taken axis by axis: the number of passes is then the sum of the window's
sizes, not their product. The gradient of `max_pool` goes through the number of the tap that won, the first
where several tie: `max_pool_scatter` sends a value back to the winner, `max_pool_gather` takes the winner's
value, and each is the other's gradient. `avg_pool` and `avg_pool_grad` stand in the same relation.

Shapes: x `(batch, *spatial, channels)`, results and g `(batch, *out_spatial, channels)`.
"""

from math import prod
from typing import Any

from kerasish.backend.common import windows
from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import Pairs, Sizes, deliver, fresh, spans, taps, zeros
from kerasish.backend.registry import kernel


@kernel("max_pool")
def max_pool(xp, x, *, window, strides, padding, out=None):
    """Return the maximum of each window; cells of the padding never win."""
    sizes = _out_sizes(x.shape, window, strides, padding)
    result = fresh(xp, (x.shape[0], *sizes, x.shape[-1]), x.dtype, out)
    for n in _image_spans(xp, x):
        chunk = windows.pad(xp, x[n], padding, _lowest(xp, x.dtype))
        _reduce_by_axis(xp, xp.maximum, chunk, window, strides, sizes, result[n])
    return deliver(result, out)


@kernel("max_pool_grad")
def max_pool_grad(xp, g, x, y, *, window, strides, padding, out=None):
    """Add each value of g to the first cell of its window at which x equals the maximum y."""

    def winners(n):
        chunk, waiting = windows.pad(xp, x[n], padding, _lowest(xp, x.dtype)), xp.ones(y[n].shape, bool)
        *cuts, last = _cuts(window, y.shape, strides)
        for cut in cuts:
            won = (chunk[cut] == y[n]) & waiting
            waiting ^= won
            yield cut, won
        yield last, waiting  # also where all are NaN

    return _scatter(xp, g, x.shape, winners, window, strides, padding, out)


@kernel("max_pool_index")
def max_pool_index(xp, x, y, *, window, strides, padding):
    """Return the number of the first tap at which x equals the maximum y: uint8, or int32 for large windows."""
    index = xp.zeros(y.shape, "uint8" if prod(window) <= 256 else "int32")
    for n in _image_spans(xp, x):
        chunk = windows.pad(xp, x[n], padding, _lowest(xp, x.dtype))
        missing = xp.ones(index[n].shape, bool)
        # The last tap needs no look: it is the answer where no other was (NaN equals none, and gets it too).
        for cut in _cuts(window, y.shape, strides)[:-1]:
            missing &= chunk[cut] != y[n]
            index[n] += missing
    return index


@kernel("max_pool_scatter")
def max_pool_scatter(xp, g, index, *, input_shape, window, strides, padding, out=None):
    """Add each value of g to the input cell that its window's winning tap meets."""

    def winners(n):
        return ((cut, index[n] == t) for t, cut in enumerate(_cuts(window, g.shape, strides)))

    return _scatter(xp, g, tuple(input_shape), winners, window, strides, padding, out)


def _scatter(xp, g, shape, winners, window, strides, padding, out):
    """Add g where taps won; `winners(images)` gives for each tap the cells that it meets, and where it won."""
    result = zeros(xp, shape, g.dtype, out)
    source, target = windows.kept(shape[1:-1], padding)
    sizes = windows.padded_sizes(shape[1:-1], padding)
    padded = any(map(any, padding))
    apart = all(s >= k for s, k in zip(strides, window, strict=True))
    for n in _image_spans(xp, result):
        chunk = g[n]
        sums = xp.zeros((chunk.shape[0], *sizes, chunk.shape[-1]), g.dtype) if padded else result[n]
        for cut, won in winners(n):
            if apart:
                sums[cut] = _where(won, chunk)
            else:
                sums[cut] += _where(won, chunk)
        if padded:
            result[n][source] = sums[target]
    return deliver(result, out)


@kernel("max_pool_gather")
def max_pool_gather(xp, x, index, *, window, strides, padding, out=None):
    """Take from each window of x the value at the tap that the index names."""
    result = zeros(xp, index.shape, x.dtype, out)
    for n in _image_spans(xp, x):
        chunk = windows.pad(xp, x[n], padding)
        for t, cut in enumerate(_cuts(window, index.shape, strides)):
            _bits(result[n])[...] |= _bits(_where(index[n] == t, chunk[cut]))
    return deliver(result, out)


@kernel("avg_pool")
@through_float32
def avg_pool(xp, x, *, window, strides, padding, out=None):
    """Return the mean of each window; cells of the padding are not counted."""
    sizes = _out_sizes(x.shape, window, strides, padding)
    result = fresh(xp, (x.shape[0], *sizes, x.shape[-1]), x.dtype, out)
    counts = _counts(xp, x, window, strides, padding, sizes)
    for n in _image_spans(xp, x):
        _reduce_by_axis(xp, xp.add, windows.pad(xp, x[n], padding), window, strides, sizes, result[n])
        result[n] /= counts
    return deliver(result, out)


@kernel("avg_pool_grad")
@through_float32
def avg_pool_grad(xp, g, *, input_shape, window, strides, padding, out=None):
    """Share each value of g evenly among the input cells of its window."""
    result = fresh(xp, tuple(input_shape), g.dtype, out)
    sizes, target_sizes = g.shape[1:-1], windows.padded_sizes(input_shape[1:-1], padding)
    _, target = windows.kept(input_shape[1:-1], padding)
    counts = _counts(xp, result, window, strides, padding, sizes)
    for n in _image_spans(xp, result):
        share = g[n] / counts
        for axis in reversed(range(len(window))):
            wider = xp.zeros((*share.shape[: axis + 1], target_sizes[axis], *share.shape[axis + 2 :]), g.dtype)
            for cut in _axis_cuts(axis, window, strides, sizes):
                wider[cut] += share
            share = wider
        result[n] = share[target]
    return deliver(result, out)


def _out_sizes(shape: Sizes, window: Sizes, strides: Sizes, padding: Pairs) -> Sizes:
    return windows.out_sizes(shape[1:-1], window, strides, padding, (1,) * len(window))


def _cuts(window: Sizes, out_shape: Sizes, strides: Sizes) -> list[tuple]:
    """Return for each tap the index of the cells that it meets."""
    return [cut for _, cut in taps(window, out_shape[1:-1], strides, (1,) * len(window))]


def _image_spans(xp: Any, x: Any):
    """Cut the batch so that a few images at a time stay in the cache."""
    image_bytes = prod(x.shape[1:]) * x.dtype.itemsize
    return spans(x.shape[0] if image_bytes else 0, windows.tile_bytes(xp) // max(1, 2 * image_bytes))


def _axis_cuts(axis: int, window: Sizes, strides: Sizes, sizes: Sizes):
    """Yield, for each tap along one spatial axis, the index of the cells that it meets."""
    before = (slice(None),) * (axis + 1)
    for t in range(window[axis]):
        yield (*before, slice(t, t + (sizes[axis] - 1) * strides[axis] + 1, strides[axis]))


def _reduce_by_axis(xp, combine, x, window, strides, sizes, result) -> None:
    """Combine the cells of each window with a binary ufunc, one spatial axis after the other, into `result`."""
    if not result.size:
        return
    for axis in range(len(window)):
        first, *others = (x[cut] for cut in _axis_cuts(axis, window, strides, sizes))
        last_axis = axis == len(window) - 1
        total = result if last_axis else xp.empty(first.shape, x.dtype)
        if others:
            combine(first, others[0], out=total)
        else:
            total[...] = first
        for other in others[1:]:
            combine(total, other, out=total)
        x = total


def _counts(xp, x, window, strides, padding, sizes) -> Any:
    """Return how many input cells each window holds: a number, or an array `(*out_spatial, 1)`."""
    if not any(map(any, padding)):
        return x.dtype.type(prod(window))
    counts = xp.ones((1,) * (len(window) + 1), x.dtype)
    for axis, (n, k, s, (lo, _), out) in enumerate(zip(x.shape[1:-1], window, strides, padding, sizes, strict=True)):
        starts = xp.arange(out) * s - lo
        inside = xp.minimum(starts + k, n) - xp.maximum(starts, 0)
        shape = [1] * (len(window) + 1)
        shape[axis] = out
        counts = counts * xp.maximum(inside, 1).astype(x.dtype).reshape(shape)
    return counts


def _bits(x: Any) -> Any:
    return x.view(f"i{x.dtype.itemsize}")


def _where(mask: Any, x: Any) -> Any:
    """Return x where the mask holds, else zero: ten times as fast as `where`, and unlike a product safe for NaN."""
    bits = _bits(x)
    return (mask.astype(bits.dtype) * bits).view(x.dtype)


def _lowest(xp: Any, dtype: Any) -> Any:
    """Return the value that loses against every other."""
    return xp.iinfo(dtype).min if dtype.kind in "iu" else -xp.inf
