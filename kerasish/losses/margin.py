"""Losses of margins: zero once a prediction is right by more than 1."""

from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.utils.registry import builtin


def _shortfall(y_true: Any, y_pred: Any, what: str) -> Any:
    """max(1 - y_true y_pred, 0); targets that are all 0 or 1 count as -1 and 1."""
    y_true, y_pred = pair(y_true, y_pred, what)
    is_binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    signs = ops.where(is_binary, ops.subtract(ops.multiply(2.0, y_true), 1.0), y_true)
    return ops.maximum(ops.subtract(1.0, ops.multiply(signs, y_pred)), 0.0)


@builtin("keras.losses", "keras.metrics")
def hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0)) over the last axis; targets that are all 0 or 1 count as -1 and 1."""
    return ops.mean(_shortfall(y_true, y_pred, "hinge"), axis=-1)


@builtin("keras.losses", "keras.metrics")
def squared_hinge(y_true: Any, y_pred: Any) -> Any:
    """mean(max(1 - y_true y_pred, 0)^2) over the last axis; targets that are all 0 or 1 count as -1 and 1."""
    return ops.mean(ops.square(_shortfall(y_true, y_pred, "squared_hinge")), axis=-1)


@builtin("keras.losses", "keras.metrics")
def categorical_hinge(y_true: Any, y_pred: Any) -> Any:
    """max(neg - pos + 1, 0), pos the prediction of the target, neg the largest of the others, along the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "categorical_hinge")
    positive = ops.sum(ops.multiply(y_true, y_pred), axis=-1)
    negative = ops.max(ops.multiply(ops.subtract(1.0, y_true), y_pred), axis=-1)
    return ops.maximum(ops.add(ops.subtract(negative, positive), 1.0), 0.0)


@builtin("keras.losses")
class Hinge(NamedLoss):
    """`hinge` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None):
        super().__init__(hinge, reduction, name, dtype)


@builtin("keras.losses")
class SquaredHinge(NamedLoss):
    """`squared_hinge` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge",
                 dtype: Any = None):
        super().__init__(squared_hinge, reduction, name, dtype)


@builtin("keras.losses")
class CategoricalHinge(NamedLoss):
    """`categorical_hinge` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_hinge",
                 dtype: Any = None):
        super().__init__(categorical_hinge, reduction, name, dtype)
