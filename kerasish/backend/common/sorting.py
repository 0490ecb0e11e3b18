"""Kernels that sort, search and count. All sorts are stable, so that ties come out alike everywhere."""

from kerasish.backend.common.halves import through_float32, widen
from kerasish.backend.common.indexing import add_at
from kerasish.backend.registry import kernel


@kernel("sort")
@through_float32
def sort(xp, x, *, axis):
    return xp.sort(x, axis=axis)


@kernel("argsort")
def argsort(xp, x, *, axis):
    return xp.argsort(widen(x), axis=axis, kind="stable").astype("int32")


@kernel("argpartition")
def argpartition(xp, x, *, kth, axis):
    return xp.argpartition(widen(x), kth, axis=axis).astype("int32")


@kernel("top_k")
def top_k(xp, x, *, k):
    """The k largest of the last axis, descending, and their int32 indices; the first of equals goes first."""
    n = x.shape[-1]
    # Sorting the reversed axis and reversing again puts equals in their own order, largest first.
    order = n - 1 - xp.argsort(widen(x[..., ::-1]), axis=-1, kind="stable")[..., ::-1][..., :k]
    return xp.take_along_axis(x, order, -1), order.astype("int32")


@kernel("searchsorted")
def searchsorted(xp, sequence, values, *, side):
    return xp.searchsorted(widen(sequence), widen(values), side=side).astype("int32")


@kernel("digitize")
def digitize(xp, x, bins):
    return xp.digitize(widen(x), widen(bins)).astype("int32")


@kernel("unique")
def unique(xp, x, *, axis):
    """The sorted distinct entries, for each its first place and count, and what takes them back to `x`."""
    values, first, inverse, counts = xp.unique(widen(x), True, True, True, axis=axis, equal_nan=False)
    inverse = inverse.reshape(x.shape if axis is None else (-1,))
    return values.astype(x.dtype), first.astype("int32"), inverse.astype("int32"), counts.astype("int32")


@kernel("bincount")
def bincount(xp, x, *weights, length):
    """How often, or with what total weight, each of 0..length-1 occurs in the last axis of `x`."""
    rows = x.reshape(-1, x.shape[-1]).astype("int64")
    dtype = widen(weights[0]).dtype if weights else "int32"
    out = xp.zeros((len(rows), length), dtype)
    kept = (rows >= 0) & (rows < length)
    at = (rows + length * xp.arange(len(rows))[:, None])[kept]
    amounts = widen(weights[0]).reshape(rows.shape)[kept] if weights else xp.ones(at.shape, dtype)
    add_at(xp, out.reshape(-1), amounts, at)
    return out.reshape(*x.shape[:-1], length).astype(weights[0].dtype if weights else dtype, copy=False)


@kernel("histogram")
def histogram(xp, x, *, bins, range, dtype):
    counts, edges = xp.histogram(widen(x), bins=bins, range=range)
    return counts.astype(dtype), edges.astype(dtype)


@kernel("isin")
def isin(xp, x, values, *, assume_unique, invert):
    return xp.isin(widen(x), widen(values), assume_unique=assume_unique, invert=invert)
