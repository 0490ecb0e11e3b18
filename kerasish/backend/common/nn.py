"""Kernels of softmax, of cross-entropy with integer targets, of moments: each row read while it is in the cache."""

from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import deliver, fresh, spans, tile_bytes
from kerasish.backend.registry import kernel


@kernel("softmax")
@through_float32
def softmax(xp, x, *, axis, out=None):
    """exp(x - max) / sum(exp(x - max)) along an axis."""
    result = fresh(xp, x.shape, x.dtype, out)
    for rows, target, along in _row_tiles(xp, x, result, axis):
        xp.subtract(rows, xp.max(rows, axis=along, keepdims=True), out=target)
        xp.exp(target, out=target)
        target /= xp.sum(target, axis=along, keepdims=True)
    return deliver(result, out)


@kernel("softmax_grad")
@through_float32
def softmax_grad(xp, g, p, *, axis, out=None):
    """p (g - sum(g p)) along an axis."""
    result = fresh(xp, g.shape, g.dtype, out)
    for rows, target, others, along in _row_tiles(xp, g, result, axis, p):
        xp.multiply(rows, others, out=target)
        total = xp.sum(target, axis=along, keepdims=True)
        xp.subtract(rows, total, out=target)
        target *= others
    return deliver(result, out)


@kernel("log_softmax")
@through_float32
def log_softmax(xp, x, *, axis, out=None):
    """x - max - log(sum(exp(x - max))) along an axis."""
    result = fresh(xp, x.shape, x.dtype, out)
    for rows, target, along in _row_tiles(xp, x, result, axis):
        xp.subtract(rows, xp.max(rows, axis=along, keepdims=True), out=target)
        target -= xp.log(xp.sum(xp.exp(target), axis=along, keepdims=True))
    return deliver(result, out)


@kernel("sparse_softmax_crossentropy")
@through_float32
def sparse_softmax_crossentropy(xp, x, target, *, out=None):
    """log(sum(exp(x))) - x[target] along the last axis; zero where the target names no class."""
    result = fresh(xp, target.shape, x.dtype, out)
    rows, picked, losses = x.reshape(target.size, x.shape[-1]), target.reshape(-1), result.reshape(-1)
    for part in _spans_of_rows(xp, rows):
        chunk, (known, at) = rows[part], _classes(xp, picked[part], x.shape[-1])
        top = xp.max(chunk, axis=-1, keepdims=True)
        total = xp.log(xp.sum(xp.exp(chunk - top), axis=-1))
        chosen = xp.take_along_axis(chunk, at, axis=-1)
        losses[part] = xp.where(known, total + (top - chosen)[:, 0], x.dtype.type(0))
    return deliver(result, out)


@kernel("sparse_softmax_crossentropy_grad")
@through_float32
def sparse_softmax_crossentropy_grad(xp, g, x, target, _loss, *, out=None):
    """g (softmax(x) - one_hot(target)); zero where the target names no class. The loss is for those who need it."""
    result = fresh(xp, x.shape, x.dtype, out)
    rows, grads = x.reshape(target.size, x.shape[-1]), result.reshape(target.size, x.shape[-1])
    weights, picked = g.reshape(-1), target.reshape(-1)
    for part in _spans_of_rows(xp, rows):
        grad, (known, at) = grads[part], _classes(xp, picked[part], x.shape[-1])
        weight = xp.where(known, weights[part], x.dtype.type(0))[:, None]
        xp.subtract(rows[part], xp.max(rows[part], axis=-1, keepdims=True), out=grad)
        xp.exp(grad, out=grad)
        grad *= weight / xp.sum(grad, axis=-1, keepdims=True)
        grad[xp.arange(len(grad)), at[:, 0]] -= weight[:, 0]
    return deliver(result, out)


@kernel("moments")
@through_float32
def moments(xp, x, *, axis):
    """Mean and mean squared distance from it; the axes stay, with length 1."""
    mean = xp.mean(x, axis=axis, keepdims=True, dtype=x.dtype)
    return mean, xp.mean(xp.square(x - mean), axis=axis, keepdims=True, dtype=x.dtype)


def _classes(xp, target, count):
    """Return which targets name a class, and an index (rows, 1) that is valid for all."""
    return (target >= 0) & (target < count), xp.clip(target, 0, max(0, count - 1))[:, None]


def _row_tiles(xp, x, result, axis, *others):
    """Yield pieces of input, result and others that hold whole rows, and the axis of the rows in them."""
    arrays = (x, result, *others)
    if not x.size:
        return
    if axis not in (-1, x.ndim - 1):
        yield *arrays, axis
        return
    arrays = [a.reshape(-1, x.shape[-1]) for a in arrays]
    for part in _spans_of_rows(xp, arrays[0]):
        yield *(a[part] for a in arrays), -1


def _spans_of_rows(xp, rows):
    return spans(rows.shape[0], tile_bytes(xp) // max(1, 4 * rows.shape[1] * rows.dtype.itemsize))
