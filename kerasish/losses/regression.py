"""Losses of real numbers: by the distance of prediction and target, or by their angle."""

import math
from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.losses", "keras.metrics")
def mean_squared_error(y_true: Any, y_pred: Any) -> Any:
    """mean((y_true - y_pred)^2) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_error")
    return ops.mean(ops.square(ops.subtract(y_pred, y_true)), axis=-1)


@builtin("keras.losses", "keras.metrics")
def mean_absolute_error(y_true: Any, y_pred: Any) -> Any:
    """mean(|y_true - y_pred|) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_error")
    return ops.mean(ops.absolute(ops.subtract(y_pred, y_true)), axis=-1)


@builtin("keras.losses", "keras.metrics")
def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Any:
    """100 mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis."""
    y_true, y_pred = pair(y_true, y_pred, "mean_absolute_percentage_error")
    error = ops.divide(ops.subtract(y_true, y_pred), ops.maximum(ops.absolute(y_true), config.epsilon()))
    return ops.multiply(100.0, ops.mean(ops.absolute(error), axis=-1))


@builtin("keras.losses", "keras.metrics")
def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Any:
    """mean((log(1 + y_true) - log(1 + y_pred))^2) over the last axis; values below epsilon count as epsilon."""
    y_true, y_pred = pair(y_true, y_pred, "mean_squared_logarithmic_error")
    logs = [ops.log1p(ops.maximum(y, config.epsilon())) for y in (y_pred, y_true)]
    return ops.mean(ops.square(ops.subtract(*logs)), axis=-1)


@builtin("keras.losses", "keras.metrics")
def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Any:
    """Mean over the last axis of e^2 / 2 where |e| <= delta, delta |e| - delta^2 / 2 elsewhere; e the error.

    Source: Huber, Robust Estimation of a Location Parameter (1964).
    """
    y_true, y_pred = pair(y_true, y_pred, "huber")
    error = ops.subtract(y_pred, y_true)
    size = ops.absolute(error)
    near, far = ops.multiply(0.5, ops.square(error)), ops.subtract(ops.multiply(delta, size), 0.5 * delta * delta)
    return ops.mean(ops.where(ops.less_equal(size, delta), near, far), axis=-1)


@builtin("keras.losses", "keras.metrics")
def log_cosh(y_true: Any, y_pred: Any) -> Any:
    """mean(log(cosh(y_pred - y_true))) over the last axis, computed as e + softplus(-2e) - log(2)."""
    y_true, y_pred = pair(y_true, y_pred, "log_cosh")
    error = ops.subtract(y_pred, y_true)
    out = ops.subtract(ops.add(error, ops.softplus(ops.multiply(error, -2.0))), math.log(2.0))
    return ops.mean(out, axis=-1)


@builtin("keras.losses")
def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Any:
    """-cos of the angle between vectors along an axis: -1 where they point the same way, 0 at right angles."""
    y_true, y_pred = pair(y_true, y_pred, "cosine_similarity")
    return ops.negative(ops.sum(ops.multiply(ops.normalize(y_true, axis=axis), ops.normalize(y_pred, axis=axis)),
                                axis=axis))


@builtin("keras.losses")
class MeanSquaredError(NamedLoss):
    """`mean_squared_error` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_squared_error",
                 dtype: Any = None):
        super().__init__(mean_squared_error, reduction, name, dtype)


@builtin("keras.losses")
class MeanAbsoluteError(NamedLoss):
    """`mean_absolute_error` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "mean_absolute_error",
                 dtype: Any = None):
        super().__init__(mean_absolute_error, reduction, name, dtype)


@builtin("keras.losses")
class MeanAbsolutePercentageError(NamedLoss):
    """`mean_absolute_percentage_error` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


@builtin("keras.losses")
class MeanSquaredLogarithmicError(NamedLoss):
    """`mean_squared_logarithmic_error` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


@builtin("keras.losses")
class Huber(NamedLoss):
    """`huber` as a loss.

    Args:
        delta: the error from which on the loss grows linearly.
        reduction, name, dtype: as in `Loss`.
    """

    def __init__(self, delta: float = 1.0, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "huber_loss", dtype: Any = None):
        super().__init__(huber, reduction, name, dtype, delta=delta)


@builtin("keras.losses")
class LogCosh(NamedLoss):
    """`log_cosh` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None):
        super().__init__(log_cosh, reduction, name, dtype)


@builtin("keras.losses")
class CosineSimilarity(NamedLoss):
    """`cosine_similarity` as a loss.

    Args:
        axis: the axis of the vectors.
        reduction, name, dtype: as in `Loss`.
    """

    def __init__(self, axis: int = -1, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "cosine_similarity", dtype: Any = None):
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
