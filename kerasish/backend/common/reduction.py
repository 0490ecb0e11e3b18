"""Kernels that fold axes: sums, extremes, tests, running sums. Half precision is summed in float32.

`axis` is an int, a tuple of ints or None for all axes. Positions and counts are int32.
"""

from math import prod as prod_of

from kerasish.backend.common.domain import only_real
from kerasish.backend.common.halves import is_half, through_float32, widen
from kerasish.backend.registry import kernel, ufunc_kernel

ufunc_kernel("any", "all")


def _fold(function, x, *, axis, keepdims, out):
    """Call a summing function so that it accumulates wide enough and keeps the dtype of `x`."""
    if is_half(x.dtype):
        total = function(x, axis=axis, dtype="float32", keepdims=keepdims).astype(x.dtype)
        if out is None:
            return total
        out[...] = total
        return out
    return function(x, axis=axis, dtype=x.dtype, keepdims=keepdims, out=out)


@kernel("sum")
def sum_(xp, x, *, axis=None, keepdims=False, out=None):
    return _fold(xp.sum, x, axis=axis, keepdims=keepdims, out=out)


@kernel("prod")
def prod(xp, x, *, axis=None, keepdims=False, out=None):
    return _fold(xp.prod, x, axis=axis, keepdims=keepdims, out=out)


@kernel("mean")
@through_float32
def mean(xp, x, *, axis=None, keepdims=False, out=None):
    total = xp.sum(x, axis=axis, keepdims=keepdims, out=out)
    return xp.divide(total, _length(x, axis), out=out)


@kernel("var")
@through_float32
def var(xp, x, *, axis=None, keepdims=False):
    """Mean squared distance from the mean, in two passes."""
    n = _length(x, axis)
    away = x - xp.sum(x, axis=axis, keepdims=True) / n
    square = away * away.conj() if away.dtype.kind == "c" else away * away
    return xp.sum(square, axis=axis, keepdims=keepdims) / n


def _length(x, axis):
    if axis is None:
        return x.size
    return prod_of(x.shape[a] for a in ((axis,) if isinstance(axis, int) else axis))


def _extreme(xp, function, x, dtype, **params):
    """Call a function that has no value for nothing; CuPy's refuse empty arrays also where the result is empty."""
    if not x.size and _length(x, params["axis"]):
        return xp.any(x, axis=params["axis"], keepdims=params["keepdims"]).astype(dtype)
    return function(x, **params).astype(dtype, copy=False)


@kernel("max")
def max_(xp, x, *, axis=None, keepdims=False, out=None):
    return _extreme(xp, xp.max, x, x.dtype, axis=axis, keepdims=keepdims, out=out)


@kernel("min")
def min_(xp, x, *, axis=None, keepdims=False, out=None):
    return _extreme(xp, xp.min, x, x.dtype, axis=axis, keepdims=keepdims, out=out)


@kernel("argmax")
def argmax(xp, x, *, axis=None, keepdims=False):
    only_real(x)
    return _extreme(xp, xp.argmax, widen(x), "int32", axis=axis, keepdims=keepdims)


@kernel("argmin")
def argmin(xp, x, *, axis=None, keepdims=False):
    only_real(x)
    return _extreme(xp, xp.argmin, widen(x), "int32", axis=axis, keepdims=keepdims)


@kernel("count_nonzero")
def count_nonzero(xp, x, *, axis=None):
    return xp.asarray(xp.count_nonzero(x, axis=axis)).astype("int32")


@kernel("logsumexp")
@through_float32
def logsumexp(xp, x, *, axis=None, keepdims=False):
    """log(sum(exp(x))), shifted by the maximum unless that is infinite."""
    # The sum stands in for a maximum of nothing, which has no value.
    top = (xp.max if x.size else xp.sum)(x, axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, xp.zeros_like(top))
    total = xp.log(xp.sum(xp.exp(x - top), axis=axis, keepdims=True)) + top
    return total if keepdims else xp.squeeze(total, axis=axis)


@kernel("cumsum")
@through_float32
def cumsum(xp, x, *, axis, reverse=False, out=None):
    return _run(xp, xp.cumsum, x, axis, reverse, out)


@kernel("cumprod")
@through_float32
def cumprod(xp, x, *, axis, reverse=False, out=None):
    return _run(xp, xp.cumprod, x, axis, reverse, out)


def _run(xp, function, x, axis, reverse, out):
    if not reverse:
        return function(x, axis=axis, dtype=x.dtype, out=out)
    into = None if out is None else xp.flip(out, axis)
    done = function(xp.flip(x, axis), axis=axis, dtype=x.dtype, out=into)
    return xp.flip(done, axis) if out is None else out


@kernel("linear_recurrence")
def linear_recurrence(xp, a, b, *, axis, reverse=False):
    """h[i] = a[i] h[i-1] + b[i] along an axis, h = 0 before the first; backwards if `reverse`."""
    wide_a, wide_b = (xp.moveaxis(widen(v), axis, 0) for v in (a, b))
    h = xp.empty_like(wide_b)
    last, order = 0, range(len(h))
    for i in reversed(order) if reverse else order:
        last = h[i] = wide_a[i] * last + wide_b[i]
    return xp.moveaxis(h, 0, axis).astype(b.dtype, copy=False)
