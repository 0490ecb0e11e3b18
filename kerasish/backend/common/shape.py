"""Kernels that move elements without computing: views where the array module gives views, else copies."""

from math import copysign
from typing import Any

from kerasish.backend.registry import kernel


@kernel("reshape")
def reshape(xp, x, *, shape):
    return x.reshape(shape)


@kernel("stop_gradient")
def stop_gradient(xp, x):
    return x


@kernel("transpose")
def transpose(xp, x, *, axes):
    return x.transpose(axes)


@kernel("broadcast_to")
def broadcast_to(xp, x, *, shape):
    return xp.broadcast_to(x, shape)


@kernel("concatenate")
def concatenate(xp, *xs, axis, out=None):
    return xp.concatenate(xs, axis=axis, out=out)


@kernel("split")
def split(xp, x, *, points, axis):
    edges = (0, *points, x.shape[axis])
    lead = (slice(None),) * axis
    return tuple([x[(*lead, slice(a, b))] for a, b in zip(edges, edges[1:], strict=False)])


@kernel("tile")
def tile(xp, x, *, repeats):
    return xp.tile(x, repeats)


@kernel("repeat")
def repeat(xp, x, *, repeats, axis):
    return xp.repeat(x, repeats, axis=axis)


@kernel("roll")
def roll(xp, x, *, shift, axis):
    return xp.roll(x, shift, axis=axis)


@kernel("flip")
def flip(xp, x, *, axis):
    return xp.flip(x, axis)


@kernel("pad")
def pad(xp, x, *, pad_width, value, out=None):
    if out is None:
        out = xp.empty([n + b + a for n, (b, a) in zip(x.shape, pad_width, strict=True)], x.dtype)
    for axis, (before, after) in enumerate(pad_width):
        # Only the rim is filled: each side of this axis, within what earlier axes have left.
        inner = tuple(slice(b, b + n) for n, (b, _) in zip(x.shape[:axis], pad_width, strict=False))
        out[(*inner, slice(0, before))] = value
        out[(*inner, slice(out.shape[axis] - after, None))] = value
    out[tuple(slice(b, b + n) for n, (b, _) in zip(x.shape, pad_width, strict=True))] = x
    return out


@kernel("tril")
def tril(xp, x, *, k):
    return xp.tril(x, k)


@kernel("triu")
def triu(xp, x, *, k):
    return xp.triu(x, k)


@kernel("diagonal")
def diagonal(xp, x, *, offset, axis1, axis2):
    return xp.diagonal(x, offset, axis1, axis2)


@kernel("put_diagonal")
def put_diagonal(xp, x, *, shape, offset, axis1, axis2):
    """Zeros of the shape, with `x` on a diagonal: the transpose of `diagonal`."""
    out = xp.zeros(shape, x.dtype)
    planes = xp.moveaxis(out, (axis1, axis2), (-2, -1))
    rows = xp.arange(x.shape[-1]) + max(0, -offset)
    planes[..., rows, rows + offset] = x
    return out


@kernel("copy")
def copy(xp, x):
    return x.copy()


@kernel("view")
def view(xp, x: Any, *, dtype):
    return xp.ascontiguousarray(x).view(dtype) if x.ndim else x.copy().view(dtype)


@kernel("full")
def full(xp, *, shape, value, dtype):
    if isinstance(value, bool | int | float) and value == 0 and copysign(1, value) > 0:
        return xp.zeros(shape, dtype)  # memory that the system has cleared already
    return xp.full(shape, value, dtype)


@kernel("arange")
def arange(xp, *, start, step, count, dtype):
    """start + step * i: computed in double precision, whatever the dtype."""
    if isinstance(start, int) and isinstance(step, int):
        return xp.arange(start, start + step * count, step).astype(dtype)
    return (start + step * xp.arange(count)).astype(dtype)


@kernel("eye")
def eye(xp, *, rows, columns, k, dtype):
    return xp.eye(rows, columns, k).astype(dtype)


@kernel("tri")
def tri(xp, *, rows, columns, k, dtype):
    return xp.tri(rows, columns, k).astype(dtype)
