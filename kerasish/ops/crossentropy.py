"""Cross-entropies, by sample, and the signal-to-noise ratio."""

import math
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.activation import softplus
from kerasish.ops.building import canonical_axis
from kerasish.ops.comparison import greater_equal, less, logical_and, where
from kerasish.ops.elementwise import clip, log, square
from kerasish.ops.indexing import take_along_axis
from kerasish.ops.shape import expand_dims, moveaxis, squeeze
from kerasish.ops.softmax import log_softmax, sparse_softmax_crossentropy
from kerasish.utils import config

__all__ = ["binary_crossentropy", "categorical_crossentropy", "psnr", "sparse_categorical_crossentropy"]


@public
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-sum(target log(p)) along an axis, p = softmax(output), or output made to sum to one and kept off 0 and 1.

    Args:
        target: probabilities of the classes, of the shape of `output`.
        output: logits or probabilities.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        Tensor of the shape of `output` without that axis.

    Raises:
        ValueError: the shapes differ, or are empty.
    """
    target, output = _same_shapes(target, output, least_rank=1)
    log_p = log_softmax(output, axis=axis) if from_logits else log(_probabilities(output, axis))
    return -reduction.sum(target * log_p, axis=axis)


@public
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """-log(p[target]), p as in `categorical_crossentropy`; zero where the target names no class.

    Args:
        target: integer classes, of the shape of `output` without the axis of the classes (or with length 1 there).
        output: logits or probabilities.
        from_logits: whether `output` holds logits.
        axis: the axis of the classes.

    Returns:
        Tensor of the shape of `output` without that axis.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    target, output = to_tensor(target).astype("int32"), to_tensor(output)
    if not output.ndim:
        raise ValueError("argument `output` must have an axis of classes, got a scalar")
    axis = canonical_axis(axis, output.ndim)
    if target.ndim == output.ndim and target.shape[axis] == 1:
        target = squeeze(target, axis)
    if target.shape != output.shape[:axis] + output.shape[axis + 1 :]:
        raise ValueError("`target` must have the shape of `output` without the axis of the classes, "
                         f"got {target.shape} and {output.shape} with axis {axis}")
    if not is_float(output.dtype):
        output = output.astype(config.floatx())
    if axis != output.ndim - 1:
        output = moveaxis(output, axis, -1)
    if from_logits:
        return sparse_softmax_crossentropy(output, target)
    count = output.shape[-1]
    known = logical_and(greater_equal(target, 0), less(target, count))
    chosen = take_along_axis(output, expand_dims(where(known, target, 0), -1), axis=-1)
    log_p = log(_kept_off_bounds(chosen / reduction.sum(output, axis=-1, keepdims=True)))
    return where(known, -squeeze(log_p, -1), 0)


@public
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """-(target log(p) + (1 - target) log(1 - p)), p = sigmoid(output), or output kept off 0 and 1.

    Args:
        target: probabilities, of the shape of `output`.
        output: logits or probabilities.
        from_logits: whether `output` holds logits.

    Returns:
        Tensor of the shape of `output`.

    Raises:
        ValueError: the shapes differ.
    """
    target, output = _same_shapes(target, output)
    if from_logits:
        return target * softplus(-output) + (1 - target) * softplus(output)
    p = _kept_off_bounds(output)
    return -(target * log(p) + (1 - target) * log(1 - p))


@public
def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """Peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(mean((x1 - x2)^2)).

    Args:
        x1: one signal.
        x2: the other, of the same shape.
        max_val: the largest possible value of a signal.

    Returns:
        Scalar tensor.

    Raises:
        ValueError: the shapes differ.
    """
    x1, x2 = _same_shapes(x1, x2, names=("x1", "x2"))
    peak, error = square(to_tensor(max_val, x2.dtype.name)), reduction.mean(square(x1 - x2))
    return (10 / math.log(10)) * (log(peak) - log(error))


def _same_shapes(first: Any, second: Any, least_rank: int = 0,
                 names: tuple[str, str] = ("target", "output")) -> tuple[Tensor, Tensor]:
    first, second = to_tensor(first), to_tensor(second)
    if first.shape != second.shape or first.ndim < least_rank:
        least = f" of at least {least_rank} axis" if least_rank else ""
        raise ValueError(f"`{names[0]}` and `{names[1]}` must share one shape{least}, "
                         f"got {first.shape} and {second.shape}")
    return first, second


def _probabilities(output: Tensor, axis: int) -> Tensor:
    return _kept_off_bounds(output / reduction.sum(output, axis=axis, keepdims=True))


def _kept_off_bounds(p: Tensor) -> Tensor:
    return clip(p, config.epsilon(), 1.0 - config.epsilon())
