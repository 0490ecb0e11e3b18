"""Ops that arrange elements anew: shapes, order of axes, repeating, moving, padding."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference, is_unknown, unknown_length
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import STAND_INS, Spec, broadcast_shapes, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axes, canonical_axis

__all__ = [
    "broadcast_to", "diff", "expand_dims", "flip", "fliplr", "flipud", "moveaxis", "pad", "ravel", "repeat", "reshape",
    "roll", "rot90", "squeeze", "swapaxes", "tile", "transpose",
]

# ---- shape and order of axes ----


def _reshape_spec(x, *, shape):
    if math.prod(shape) != math.prod(x.shape) and _unknowns(shape) == _unknowns(x.shape):
        raise ValueError(f"cannot reshape a tensor of shape {tuple(x.shape)} ({math.prod(x.shape)} elements) "
                         f"to {shape} ({math.prod(shape)} elements)")
    return Spec(shape, x.dtype)


def _unknowns(shape: Any) -> int:
    return sum(n in STAND_INS for n in shape)


_reshape: Card = Card("reshape", ("x",), spec=_reshape_spec, vjp=(lambda g, x_spec: _reshape(g, shape=x_spec.shape),))
_transpose: Card = Card("transpose", ("x",), spec=lambda x, *, axes: Spec([x.shape[a] for a in axes], x.dtype),
                  vjp=(lambda g, axes: _transpose(g, axes=tuple(sorted(range(len(axes)), key=axes.__getitem__))),))


def as_shape(shape: Any) -> tuple[int, ...]:
    """Return a shape given as an int, or as a sequence of ints or integer scalars, as a tuple of ints."""
    if isinstance(shape, int | np.integer):
        return (int(shape),)
    return tuple([n if type(n) is int else -1 if n is None else int(n) for n in shape])


@public
def reshape(x: Any, newshape: Any) -> Tensor:
    """Give a tensor another shape, its elements in row-major order unchanged.

    Args:
        x: tensor.
        newshape: lengths of the axes; one of them may be -1, which takes what is left. None stands for it too, or,
            beside it or another None (as in `(ops.shape(x)[0], -1)` of a symbolic tensor), for the length of the
            same axis of `x`.

    Raises:
        ValueError: the number of elements differs.
    """
    x = to_tensor(x)
    if in_shape_inference() and (open_shape := _open_shape(newshape)) is not None:
        return Tensor(Spec(open_shape, x.dtype.name))
    shape = as_shape(newshape)
    if any(n < -1 for n in shape):
        raise ValueError(f"lengths are non-negative integers, or -1 for what is left: newshape={shape}")
    if shape.count(-1) > 1:
        shape = tuple([x.shape[i] if newshape[i] is None and i < x.ndim else n for i, n in enumerate(shape)])
    if -1 in shape:
        known = math.prod(n for n in shape if n != -1)
        if shape.count(-1) > 1 or (math.prod(x.shape) % known if known else x.size):
            raise ValueError(f"cannot reshape a tensor of shape {x.shape} to newshape={shape}: one length at most may "
                             "be -1, and takes what the others leave")
        shape = tuple([math.prod(x.shape) // max(known, 1) if n == -1 else n for n in shape])
    return x if shape == x.shape else _reshape(x, shape=shape)


def _open_shape(newshape: Any) -> list[int] | None:
    """A shape of which tensors without values tell lengths, with unknown ones in their place; None if none does."""
    if isinstance(newshape, Tensor):
        return None if newshape.is_concrete else [unknown_length()] * newshape.shape[0]
    if isinstance(newshape, int | np.integer) or not any(isinstance(n, Tensor) and not n.is_concrete for n in newshape):
        return None
    return [unknown_length() if n is None or isinstance(n, Tensor) or n == -1 else int(n) for n in newshape]


@public
def ravel(x: Any) -> Tensor:
    """Flatten a tensor to one axis, in row-major order."""
    return reshape(x, (-1,))


@public
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """Put the axes of a tensor into another order, by default reversed.

    Raises:
        ValueError: `axes` is no permutation of the axes.
    """
    x = to_tensor(x)
    if axes is None:
        return _transpose(x, axes=tuple(range(x.ndim))[::-1])
    order = tuple([canonical_axis(a, x.ndim) for a in axes])
    if len(order) != x.ndim or len(set(order)) != x.ndim:
        raise ValueError(f"no valid permutation of the axes of shape {x.shape}: axes={axes}")
    return _transpose(x, axes=order)


@public
def moveaxis(x: Any, source: Any, destination: Any) -> Tensor:
    """Move axes to other positions, the rest in their order."""
    x = to_tensor(x)
    source, destination = ([canonical_axis(a, x.ndim) for a in ([v] if isinstance(v, int) else v)]
                           for v in (source, destination))
    if len(source) != len(destination) or len(set(source)) != len(source) or len(set(destination)) != len(source):
        raise ValueError(f"arguments `source` {source} and `destination` {destination} must name as many distinct axes")
    order = [a for a in range(x.ndim) if a not in source]
    for to, a in sorted(zip(destination, source, strict=True)):
        order.insert(to, a)
    return _transpose(x, axes=tuple(order))


@public
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Exchange two axes."""
    x = to_tensor(x)
    order = list(range(x.ndim))
    first, second = canonical_axis(axis1, x.ndim), canonical_axis(axis2, x.ndim)
    order[first], order[second] = second, first
    return _transpose(x, axes=tuple(order))


def matrix_transpose(x: Any) -> Tensor:
    """Exchange the last two axes."""
    return swapaxes(x, -1, -2)


@public
def expand_dims(x: Any, axis: Any) -> Tensor:
    """Insert axes of length 1.

    Args:
        x: tensor.
        axis: an int or several; where the new axes stand in the result.
    """
    x = to_tensor(x)
    count = len(axis) if isinstance(axis, list | tuple) else 1
    axes = canonical_axes(axis, x.ndim + count)
    lengths = iter(x.shape)
    return _reshape(x, shape=tuple([1 if i in axes else next(lengths) for i in range(x.ndim + count)]))


@public
def squeeze(x: Any, axis: Any = None) -> Tensor:
    """Remove axes of length 1.

    Args:
        x: tensor.
        axis: an int, several, or None for all axes of length 1.

    Raises:
        ValueError: a named axis has another length.
    """
    x = to_tensor(x)
    axes = [i for i, n in enumerate(x.shape) if n == 1] if axis is None else canonical_axes(axis, x.ndim)
    for a in axes:
        if x.shape[a] != 1:
            raise ValueError(f"cannot squeeze axis {a} of shape {x.shape}: its length is not 1")
    return _reshape(x, shape=tuple([n for i, n in enumerate(x.shape) if i not in axes]))


def _broadcast_spec(x, *, shape):
    if broadcast_shapes(x.shape, shape) != shape:
        raise ValueError(f"cannot broadcast shape {tuple(x.shape)} to {shape}")
    return Spec(shape, x.dtype)


_broadcast = Card("broadcast_to", ("x",), spec=_broadcast_spec, vjp=(lambda g: g,), broadcasts=True)


@public
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """Repeat a tensor along axes of length 1, and along new leading axes, to a shape."""
    x = to_tensor(x)
    shape = as_shape(shape)
    if -1 in shape:  # "as it is", as None is in Keras
        own = (1,) * (len(shape) - x.ndim) + x.shape
        shape = tuple([m if n == -1 else n for n, m in zip(shape, own, strict=True)])
    return x if shape == x.shape else _broadcast(x, shape=shape)


# ---- repeating and moving ----


def _tile_vjp(g, x_spec, repeats):
    shape = (1,) * (len(repeats) - len(x_spec.shape)) + tuple(x_spec.shape)
    pairs = _reshape(g, shape=tuple([n for pair in zip(repeats, shape, strict=True) for n in pair]))
    return _reshape(OPS["sum"](pairs, axis=tuple(range(0, 2 * len(shape), 2))), shape=x_spec.shape)


def _repeat_vjp(g, x_spec, repeats, axis):
    shape = x_spec.shape
    return OPS["sum"](_reshape(g, shape=(*shape[: axis + 1], repeats, *shape[axis + 1 :])), axis=axis + 1)


_tile = Card("tile", ("x",), vjp=(_tile_vjp,),
             spec=lambda x, *, repeats: Spec([r * n for r, n in zip(
                 repeats, (1,) * (len(repeats) - len(x.shape)) + tuple(x.shape), strict=True)], x.dtype))
_repeat = Card("repeat", ("x",), vjp=(_repeat_vjp,), spec=lambda x, *, repeats, axis: Spec(
    [n * repeats if i == axis else n for i, n in enumerate(x.shape)], x.dtype))
_roll: Card = Card("roll", ("x",), spec=like(0),
                   vjp=(lambda g, shift, axis: _roll(g, shift=tuple([-s for s in shift]), axis=axis),))
_flip: Card = Card("flip", ("x",), spec=like(0), vjp=(lambda g, axis: _flip(g, axis=axis),))


@public
def tile(x: Any, repeats: Any) -> Tensor:
    """Repeat a tensor as a whole along its axes.

    Args:
        x: tensor.
        repeats: how often, one count an axis, aligned with the last axes.
    """
    x, counts = to_tensor(x), as_shape(repeats)
    return _tile(x, repeats=(1,) * (x.ndim - len(counts)) + counts)


@public
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Repeat each element along an axis.

    Args:
        x: tensor.
        repeats: how often: one count, or one for each element of the axis.
        axis: the axis, or None for the flattened tensor.
    """
    x = to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    axis = canonical_axis(axis, x.ndim)
    counts = np.asarray(repeats)
    if counts.size == 1:
        return _repeat(x, repeats=int(counts.reshape(())), axis=axis)
    if counts.ndim == 1 and is_unknown(x.shape[axis]):
        return x
    if counts.shape != (x.shape[axis],):
        raise ValueError(f"argument `repeats` must be one count or {x.shape[axis]} of them, one for each element of "
                         f"axis {axis} of shape {x.shape}, got shape {counts.shape}")
    return OPS["take"](x, np.repeat(np.arange(x.shape[axis]), counts), axis=axis)


@public
def roll(x: Any, shift: Any, axis: Any = None) -> Tensor:
    """Move elements along axes; what leaves at the end enters at the start.

    Args:
        x: tensor.
        shift: by how many places, an int or one an axis.
        axis: an int, several, or None for the flattened tensor.
    """
    x = to_tensor(x)
    if axis is None:
        return reshape(_roll(ravel(x), shift=(int(shift),), axis=(0,)), x.shape)
    axes = tuple([canonical_axis(a, x.ndim) for a in ([axis] if isinstance(axis, int) else axis)])
    shifts = as_shape(shift)
    return _roll(x, shift=shifts * len(axes) if len(shifts) == 1 else shifts, axis=axes)


@public
def flip(x: Any, axis: Any = None) -> Tensor:
    """Reverse the order of elements along one axis, several, or all (None)."""
    x = to_tensor(x)
    return _flip(x, axis=canonical_axes(axis, x.ndim))


@public
def fliplr(x: Any) -> Tensor:
    """Reverse the second axis."""
    return flip(x, 1)


@public
def flipud(x: Any) -> Tensor:
    """Reverse the first axis."""
    return flip(x, 0)


@public
def rot90(array: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Tensor:
    """Rotate a tensor by 90 degrees in the plane of two axes, from the first towards the second.

    Args:
        array: tensor of at least two axes.
        k: how often.
        axes: two distinct axes.
    """
    x = to_tensor(array)
    if x.ndim < 2 or len(axes) != 2:
        raise ValueError(f"a rotation needs two axes of a tensor of at least two, got axes {axes} of shape {x.shape}")
    first, second = (canonical_axis(a, x.ndim) for a in axes)
    if first == second:
        raise ValueError(f"argument `axes` must name two different axes, got {axes}")
    k %= 4
    if k == 2:
        return flip(x, (first, second))
    if k == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if k else x


# ---- padding and differences ----

_PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


def _pad_spec(x, *, pad_width, value):
    return Spec([n + before + after for n, (before, after) in zip(x.shape, pad_width, strict=True)], x.dtype)


def _pad_vjp(g, x_spec, pad_width):
    return g[tuple([slice(b, b + n) for n, (b, _) in zip(x_spec.shape, pad_width, strict=True)])]


_pad = Card("pad", ("x",), spec=_pad_spec, vjp=(_pad_vjp,))


def _pad_pairs(pad_width: Any, ndim: int) -> tuple[tuple[int, int], ...]:
    """Padding as one pair (before, after) an axis."""
    try:
        pairs = np.broadcast_to(np.asarray(pad_width), (ndim, 2))
    except ValueError:
        raise ValueError(f"argument `pad_width` must be an int, a pair, or {ndim} pairs (before, after), "
                         f"got {pad_width}") from None
    if pairs.size and pairs.min() < 0:
        raise ValueError(f"argument `pad_width` cannot be negative, got {pad_width}")
    return tuple([(int(b), int(a)) for b, a in pairs])


@public
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """Lengthen axes at both ends.

    Args:
        x: tensor.
        pad_width: an int, a pair (before, after), or one pair an axis.
        mode: "constant", "reflect" (without the edge), "symmetric" (with it), "edge" or "wrap".
        constant_values: number to fill with if `mode` is "constant"; 0 by default.
    """
    x = to_tensor(x)
    pairs = _pad_pairs(pad_width, x.ndim)
    if mode not in _PAD_MODES:
        raise ValueError(f"argument `mode` must be one of {_PAD_MODES}, got {mode!r}")
    if mode == "constant":
        value = constant_values if isinstance(constant_values, int | float) else np.asarray(constant_values or 0).item()
        return _pad(x, pad_width=pairs, value=value)
    if constant_values is not None:
        raise ValueError(f"argument `constant_values` goes with mode='constant' alone, got {mode!r}")
    for axis, pair in enumerate(pairs):
        if pair != (0, 0):
            x = OPS["take"](x, np.pad(np.arange(x.shape[axis]), pair, mode=mode), axis=axis)  # type: ignore[call-overload]
    return x


@public
def diff(a: Any, n: int = 1, axis: int = -1) -> Tensor:
    """Differences of neighbours along an axis, `n` times over: out[i] = a[i+1] - a[i]."""
    a = to_tensor(a)
    axis = canonical_axis(axis, a.ndim)
    minus = OPS["not_equal" if a.dtype == "bool" else "subtract"]
    lead = (slice(None),) * axis
    for _ in range(n):
        a = minus(a[(*lead, slice(1, None))], a[(*lead, slice(None, -1))])
    return a
