"""Kernels of softmax, of cross-entropy with integer targets, of moments: each row read while it is in the cache."""

from kerasish.backend.common.halves import is_half, through_float32
from kerasish.backend.common.windows import deliver, fresh, spans, tile_bytes
from kerasish.backend.registry import kernel

# With a loss below this the logarithm of the sum is known from it; above, too few digits may be left.
_NEAR = 40.0


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
    room = xp.empty_like(rows[: _rows_at_once(xp, rows)])
    for part in _spans_of_rows(xp, rows):
        chunk, (known, at) = rows[part], _classes(xp, picked[part], x.shape[-1])
        top, total = _top_and_total(xp, chunk, room[: len(chunk)])
        chosen = xp.take_along_axis(chunk, at, axis=-1)
        losses[part] = xp.where(known, xp.log(total) + (top - chosen), x.dtype.type(0))[:, 0]
    return deliver(result, out)


@kernel("sparse_softmax_crossentropy_grad")
def sparse_softmax_crossentropy_grad(xp, g, x, target, loss, *, out=None):
    """g (softmax(x) - one_hot(target)); zero where the target names no class."""
    if is_half(loss.dtype):  # which says too little of the sum of the exponentials
        loss = xp.full(loss.shape, xp.inf, loss.dtype)
    return _crossentropy_grad(xp, g, x, target, loss, out=out)


@through_float32
def _crossentropy_grad(xp, g, x, target, loss, *, out=None):
    result = fresh(xp, x.shape, x.dtype, out)
    rows, grads = x.reshape(target.size, x.shape[-1]), result.reshape(target.size, x.shape[-1])
    weights, picked, losses = g.reshape(-1, 1), target.reshape(-1), loss.reshape(-1, 1)
    for part in _spans_of_rows(xp, rows):
        chunk, grad, (known, at) = rows[part], grads[part], _classes(xp, picked[part], x.shape[-1])
        weight = xp.where(known, weights[part], x.dtype.type(0))
        shift, scale = xp.take_along_axis(chunk, at, axis=-1) + losses[part], weight
        far = ~(losses[part] < _NEAR)
        if far.any():
            top, total = _top_and_total(xp, chunk, grad)
            shift, scale = xp.where(far, top, shift), xp.where(far, weight / total, weight)
        xp.subtract(chunk, xp.where(known, shift, xp.inf).astype(x.dtype, copy=False), out=grad)
        xp.exp(grad, out=grad)
        grad *= scale
        grad[xp.arange(len(grad)), at[:, 0]] -= weight[:, 0]
    return deliver(result, out)


def _top_and_total(xp, rows, room):
    """Return, of each row, the maximum and the sum of exp(x - maximum); `room` takes the exponentials."""
    top = xp.max(rows, axis=-1, keepdims=True)
    xp.exp(xp.subtract(rows, top, out=room), out=room)
    return top, xp.sum(room, axis=-1, keepdims=True)


@kernel("moments")
@through_float32
def moments(xp, x, *, axis):
    """Mean and mean squared distance from it; the axes stay, with length 1."""
    mean = xp.mean(x, axis=axis, keepdims=True, dtype=x.dtype)
    return mean, xp.mean(xp.square(x - mean), axis=axis, keepdims=True, dtype=x.dtype)


def _classes(xp, target, count):
    """Return which targets name a class, and an index that is valid for all; both (rows, 1)."""
    target = target[:, None]
    return (target >= 0) & (target < count), xp.clip(target, 0, max(0, count - 1))


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
    return spans(rows.shape[0], _rows_at_once(xp, rows))


def _rows_at_once(xp, rows):
    return max(1, tile_bytes(xp) // max(1, 4 * rows.shape[1] * rows.dtype.itemsize))
