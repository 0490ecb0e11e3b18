"""Losses of overlap, for segmentation."""

from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.utils import config
from kerasish.utils.registry import builtin


def _sums(y_true: Any, y_pred: Any, axis: Any, what: str) -> tuple[Any, Any, Any]:
    """The common part of targets and predictions, and each of them, summed over axes."""
    y_true, y_pred = pair(y_true, y_pred, what)
    return ops.sum(ops.multiply(y_true, y_pred), axis=axis), ops.sum(y_true, axis=axis), ops.sum(y_pred, axis=axis)


@builtin("keras.losses")
def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Any:
    """1 - 2 sum(y_true y_pred) / (sum(y_true) + sum(y_pred) + epsilon) over axes (all of them if None)."""
    common, true, predicted = _sums(y_true, y_pred, axis, "dice")
    out = ops.divide(ops.multiply(2.0, common), ops.add(ops.add(true, predicted), config.epsilon()))
    return ops.subtract(1.0, out)


@builtin("keras.losses")
def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Any:
    """1 - common / (common + alpha missed + beta invented + epsilon), each summed over axes (all of them if None).

    Args:
        y_true: targets in [0, 1].
        y_pred: predictions, of the same shape.
        alpha: weight of `missed`, which is y_true (1 - y_pred).
        beta: weight of `invented`, which is (1 - y_true) y_pred.
        axis: the axes to sum over.

    Source: Salehi et al., Tversky loss function for image segmentation (2017).
    """
    common, true, predicted = _sums(y_true, y_pred, axis, "tversky")
    missed, invented = ops.subtract(true, common), ops.subtract(predicted, common)
    errors = ops.add(ops.multiply(missed, alpha), ops.multiply(invented, beta))
    return ops.subtract(1.0, ops.divide(common, ops.add(ops.add(common, errors), config.epsilon())))


@builtin("keras.losses")
class Dice(NamedLoss):
    """`dice` as a loss: arguments as there and in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "dice", axis: Any = None,
                 dtype: Any = None):
        super().__init__(dice, reduction, name, dtype, axis=axis)


@builtin("keras.losses")
class Tversky(NamedLoss):
    """`tversky` as a loss: arguments as there and in `Loss`."""

    def __init__(self, alpha: float = 0.5, beta: float = 0.5, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "tversky", axis: Any = None, dtype: Any = None):
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
