"""Mean errors of real numbers, and the cosine of the angle between vectors."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import pair
from kerasish.losses.regression import (
    cosine_similarity,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasish.metrics.mean import Mean, NamedMetric
from kerasish.utils.registry import builtin


@builtin("keras.metrics")
class MeanSquaredError(NamedMetric):
    """Mean of `mean_squared_error`: arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None):
        super().__init__(mean_squared_error, name, dtype)


@builtin("keras.metrics")
class RootMeanSquaredError(Mean):
    """sqrt(mean((y_true - y_pred)^2)): arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None):
        super().__init__(name, dtype)

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:  # type: ignore[override]
        """Take a batch of targets and predictions (batch, ...) into account."""
        y_true, y_pred = pair(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype), "RootMeanSquaredError")
        super().update_state(ops.square(ops.subtract(y_pred, y_true)), sample_weight=sample_weight)

    def result(self) -> Any:
        """Return the root of the mean."""
        return ops.sqrt(super().result())


@builtin("keras.metrics")
class MeanAbsoluteError(NamedMetric):
    """Mean of `mean_absolute_error`: arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None):
        super().__init__(mean_absolute_error, name, dtype)


@builtin("keras.metrics")
class MeanAbsolutePercentageError(NamedMetric):
    """Mean of `mean_absolute_percentage_error`: arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None):
        super().__init__(mean_absolute_percentage_error, name, dtype)


@builtin("keras.metrics")
class MeanSquaredLogarithmicError(NamedMetric):
    """Mean of `mean_squared_logarithmic_error`: arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None):
        super().__init__(mean_squared_logarithmic_error, name, dtype)


def _cosine(y_true: Any, y_pred: Any, axis: int) -> Any:
    return ops.negative(cosine_similarity(y_true, y_pred, axis=axis))


@builtin("keras.metrics")
class CosineSimilarity(NamedMetric):
    """Mean cosine of the angle between targets and predictions; unlike the loss, 1 where they point the same way.

    Args:
        name, dtype: as in `Metric`.
        axis: the axis of the vectors.
    """

    _direction = "up"

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1):
        super().__init__(_cosine, name, dtype, axis=axis)


@builtin("keras.metrics")
class LogCoshError(NamedMetric):
    """Mean of `log_cosh`: arguments as in `Metric`."""

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None):
        super().__init__(log_cosh, name, dtype)
