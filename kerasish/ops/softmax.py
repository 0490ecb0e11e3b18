"""Softmax and its logarithm, and the cross-entropy of the two with integer targets."""

import warnings
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, like
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.building import canonical_axes
from kerasish.ops.elementwise import exp
from kerasish.ops.encoding import one_hot
from kerasish.ops.shape import expand_dims

__all__ = ["log_softmax", "softmax"]


def _sum(x, axis):
    return reduction.sum(x, axis=axis, keepdims=True)


_softmax = Card("softmax", ("x",), spec=like(0), promote="float",
                vjp=(lambda g, out, axis: _softmax_grad(g, out, axis=axis),))
# p (y - sum(y p)): as a map of y its own transpose.
_softmax_grad: Card = Card(
    "softmax_grad", ("y", "p"), spec=like(0),
    vjp=(lambda g, p, axis: _softmax_grad(g, p, axis=axis),
         lambda g, y, p, axis: g * (y - _sum(y * p, axis)) - y * _sum(g * p, axis)),
)
_log_softmax = Card("log_softmax", ("x",), spec=like(0), promote="float",
                    vjp=(lambda g, out, axis: g - exp(out) * _sum(g, axis),))


@public(name="softmax")
def quiet_softmax(x: Any, axis: Any = -1) -> Tensor:
    """`softmax` for what computes it on the way, as attention to a single key does."""
    return _along(_softmax, x, axis)


quiet_softmax.__name__ = "softmax"  # under which models in which it stands are saved


def softmax(x: Any, axis: Any = -1) -> Tensor:
    """Positive numbers that sum to one: exp(x) / sum(exp(x)) along an axis.

    Args:
        x: tensor of at least one axis.
        axis: one axis or several over which the numbers sum to one.

    Returns:
        Tensor of the shape of `x`.

    Warns:
        UserWarning: the axis has length 1, so that the result is all ones.
    """
    out = quiet_softmax(x, axis)
    if isinstance(axis, int) and out.shape[axis] == 1:
        warnings.warn(f"softmax over axis {axis} of shape {tuple(out.shape)} gives ones: the axis has length 1. Is a "
                      "sigmoid meant?", stacklevel=2)
    return out


@public
def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """The logarithm of `softmax`: x - log(sum(exp(x))) along an axis, exact also where softmax rounds to zero.

    Args:
        x: tensor of at least one axis.
        axis: one axis or several over which the exponentials of the result sum to one.

    Returns:
        Tensor of the shape of `x`.
    """
    return _along(_log_softmax, x, axis)


def _along(card: Card, x: Any, axis: Any) -> Tensor:
    x = to_tensor(x)
    axes = canonical_axes(axis, x.ndim)
    return card(x, axis=axes[0] if len(axes) == 1 else axes)


# log(sum(exp(x))) - x[target] along the last axis, zero where the target names no class.
sparse_softmax_crossentropy = Card(
    "sparse_softmax_crossentropy", ("x", "target"), spec=lambda x, target: Spec(target.shape, x.dtype),
    vjp=(lambda g, x, target, out: _sparse_grad(g, x, target, out), None),
)


def _sparse_grad_vjp(g, y, x, target):
    p, hot = softmax(x), one_hot(target, x.shape[-1], dtype=x.dtype.name)
    known = reduction.sum(hot, axis=-1, keepdims=True)
    through_p = known * p * (g - reduction.sum(g * p, axis=-1, keepdims=True))
    return reduction.sum(g * (known * p - hot), axis=-1), expand_dims(y, -1) * through_p, None, None


# y (softmax(x) - one_hot(target)), zero where the target names no class. The loss, which follows from x and the target,
# spares a kernel the sum of the exponentials.
_sparse_grad: Card = Card(
    "sparse_softmax_crossentropy_grad", ("y", "x", "target", "loss"), spec=like(1), vjp=_sparse_grad_vjp
)
