"""Losses of distributions and counts: the Kullback-Leibler divergence, and the Poisson likelihood."""

from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.losses", "keras.metrics")
def kl_divergence(y_true: Any, y_pred: Any) -> Any:
    """sum(y_true log(y_true / y_pred)) over the last axis, both kept in [epsilon, 1]."""
    y_true, y_pred = [ops.clip(y, config.epsilon(), 1.0) for y in pair(y_true, y_pred, "kl_divergence")]
    return ops.sum(ops.multiply(y_true, ops.log(ops.divide(y_true, y_pred))), axis=-1)


@builtin("keras.losses", "keras.metrics")
def poisson(y_true: Any, y_pred: Any) -> Any:
    """mean(y_pred - y_true log(y_pred + epsilon)) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "poisson")
    likelihood = ops.multiply(y_true, ops.log(ops.add(y_pred, config.epsilon())))
    return ops.mean(ops.subtract(y_pred, likelihood), axis=-1)


@builtin("keras.losses")
class KLDivergence(NamedLoss):
    """`kl_divergence` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence",
                 dtype: Any = None):
        super().__init__(kl_divergence, reduction, name, dtype)


@builtin("keras.losses")
class Poisson(NamedLoss):
    """`poisson` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson", dtype: Any = None):
        super().__init__(poisson, reduction, name, dtype)
