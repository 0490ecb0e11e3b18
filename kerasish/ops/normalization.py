"""Moments, and the normalizations made of them. Half precision is computed in float32."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import result_type
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.building import as_float, canonical_axes, canonical_axis, widened
from kerasish.ops.comparison import greater, where
from kerasish.ops.elementwise import absolute, add_to_own, clip, maximum, over, power, rsqrt, square
from kerasish.ops.shape import reshape, squeeze
from kerasish.utils import config

__all__ = ["batch_normalization", "layer_normalization", "moments", "normalize", "rms_normalization"]


def _moments_spec(x, *, axis) -> tuple[Spec, Spec]:
    spec = Spec(reduction.folded_shape(x.shape, axis, True), x.dtype)
    return spec, spec


def _moments_vjp(g, x, out):
    (g_mean, g_variance), (mean, _) = g, out
    count = x.size / max(1, mean.size)
    slope = over("multiply", x - mean, g_variance * (2 / count))
    return (over("add", slope, g_mean * (1 / count)),)


# Mean and variance in one pass through memory; the axes stay, with length 1.
_moments = Card("moments", ("x",), spec=_moments_spec, promote="float", vjp=_moments_vjp)


@public
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """Mean, and mean squared distance from it.

    Args:
        x: tensor.
        axes: one axis or several over which the means are taken.
        keepdims: whether the axes stay, with length 1.
        synchronized: must be False.

    Returns:
        The pair (mean, variance), in floating point.

    Raises:
        NotImplementedError: moments over several processes are asked for.
    """
    if synchronized:
        raise NotImplementedError("moments over several processes are not supported: leave `synchronized` False")
    x = as_float(x)
    wide = widened(x)
    axes = canonical_axes(axes, x.ndim)
    mean, variance = _moments(wide, axis=axes)
    if not keepdims:
        mean, variance = squeeze(mean, axes), squeeze(variance, axes)
    if wide is not x:
        limit = float(np.finfo("float16").max)  # of bfloat16 too, as in Keras
        mean, variance = (clip(m, -limit, limit).astype(x.dtype.name) for m in (mean, variance))
    return mean, variance


@public
def batch_normalization(x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None,
                        epsilon: float = 1e-3) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, with one value of each a position on an axis.

    Args:
        x: tensor.
        mean, variance: of each position on the axis, `(n,)`.
        axis: the axis that is not averaged over, of length n.
        offset, scale: `(n,)`; left out if None.
        epsilon: keeps the root off zero.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: one of the vectors does not fit the axis.

    Source: Ioffe & Szegedy, 2015.
    """
    x = to_tensor(x)
    axis = canonical_axis(axis, x.ndim)
    shape = tuple(n if i == axis else 1 for i, n in enumerate(x.shape))

    def spread(name: str, v: Any) -> Tensor:
        v = to_tensor(v)
        if v.shape != (x.shape[axis],):
            raise ValueError(f"`{name}` must have shape {(x.shape[axis],)}, by axis {axis}, got {v.shape}")
        return v if axis == x.ndim - 1 else reshape(v, shape)

    factor = rsqrt(spread("variance", variance) + epsilon)
    if scale is not None:
        factor = factor * spread("scale", scale)
    shift = -spread("mean", mean) * factor
    if offset is not None:
        shift = shift + spread("offset", offset)
    return add_to_own(x * factor, shift)


@public
def layer_normalization(x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None,
                        **kwargs: Any) -> Tensor:
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta, the moments taken over the given axes.

    Args:
        x: tensor.
        gamma, beta: of the shape of `x` along the axes; left out if None.
        axis: one axis or several.
        epsilon: keeps the root off zero; by default the configured one.
        **kwargs: `rms_scaling`, an older switch: divide by the deviation without taking off the mean, add no beta.

    Returns:
        Tensor of the shape of `x`.

    Source: Ba et al., 2016.
    """
    scaling_only = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of layer_normalization")
    given = to_tensor(x)
    x = given.astype(_wide(given))
    axes = canonical_axes(axis, x.ndim)
    mean, variance = moments(x, axes, keepdims=True)
    out = (x if scaling_only else x - mean) * rsqrt(variance + (config.epsilon() if epsilon is None else epsilon))
    if gamma is not None:
        out = out * _along(gamma, x, axes)
    if beta is not None and not scaling_only:
        out = add_to_own(out, _along(beta, x, axes))
    return out.astype(given.dtype.name)


@public
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Tensor:
    """x / sqrt(mean(x^2) + epsilon) * scale, the mean taken over the given axes.

    Args:
        x: tensor.
        scale: broadcasts against `x`; left out if None.
        axis: one axis or several.
        epsilon: keeps the root off zero; by default the configured one.

    Returns:
        Tensor of the shape of `x`.

    Source: Zhang & Sennrich, 2019.
    """
    given = to_tensor(x)
    x = given.astype(_wide(given))
    if not x.ndim:
        x = reshape(x, (1,))
    mean_square = reduction.mean(square(x), axis=canonical_axes(axis, x.ndim), keepdims=True)
    out = x * rsqrt(mean_square + (config.epsilon() if epsilon is None else epsilon))
    if scale is not None:
        out = out * to_tensor(scale, x.dtype.name)
    return out.astype(given.dtype.name)


@public
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """x / max(norm(x), epsilon), with norm(x) = sum(|x|^order)^(1 / order) over the given axes.

    Args:
        x: tensor.
        axis: one axis or several; None for all.
        order: of the norm, at least 1.
        epsilon: the least divisor; by default the configured one.

    Returns:
        Tensor of the shape of `x`.

    Raises:
        ValueError: the order is no integer of at least 1.
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"argument `order` is an integer from 1 up, got {order!r}")
    given = to_tensor(x)
    x = given.astype(_wide(given))
    if not x.ndim:
        x = reshape(x, (1,))
    epsilon = config.epsilon() if epsilon is None else epsilon
    axes = canonical_axes(axis, x.ndim)
    if order == 2:  # the bound under the root, so that the gradient at zero is finite
        out = x * rsqrt(maximum(reduction.sum(square(x), axis=axes, keepdims=True), epsilon * epsilon))
    else:
        total = reduction.sum(power(absolute(x), order), axis=axes, keepdims=True)
        some = greater(total, 0)
        out = x / maximum(where(some, power(where(some, total, 1), 1 / order), 0), epsilon)
    return out.astype(given.dtype.name)


def _wide(x: Tensor) -> str:
    return result_type(x.dtype, "float32")


def _along(v: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """Return a weight, shaped like `x` along some axes, so that it broadcasts against `x`."""
    v = to_tensor(v, x.dtype.name)
    if v.ndim == x.ndim or axes == (x.ndim - 1,):
        return v
    return reshape(v, tuple(n if i in axes else 1 for i, n in enumerate(x.shape)))
