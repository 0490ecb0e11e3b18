"""How much of the targets' variance predictions explain."""

import warnings
from typing import Any

from kerasish import ops
from kerasish.losses.pairing import pair
from kerasish.metrics.metric import Metric
from kerasish.utils.registry import builtin

_AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@builtin("keras.metrics")
class R2Score(Metric):
    """Coefficient of determination 1 - sum((y_true - y_pred)^2) / sum((y_true - mean(y_true))^2), an output.

    Args:
        class_aggregation: how outputs join: "uniform_average", "variance_weighted_average" or None (one each).
        num_regressors: number of predictors, for the adjusted score; 0 for the plain one.
        name, dtype: as in `Metric`.

    Raises:
        ValueError: an argument is out of range, or the inputs have not two axes.
    """

    _direction = "up"

    def __init__(self, class_aggregation: str | None = "uniform_average", num_regressors: int = 0,
                 name: str | None = "r2_score", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in _AGGREGATIONS:
            raise ValueError(f"Invalid value for argument `class_aggregation`: {class_aggregation!r}; it must be one "
                             f"of {_AGGREGATIONS}")
        if num_regressors < 0:
            raise ValueError(f"Invalid value for argument `num_regressors`: {num_regressors}; it must be at least 0")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")
        self._built = False

    def _build(self, outputs: int) -> None:
        self.squared_sum = self.add_variable((outputs,), name="squared_sum")
        self.sum = self.add_variable((outputs,), name="sum")
        self.total_mse = self.add_variable((outputs,), name="residual")
        self.count = self.add_variable((outputs,), name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch of targets and predictions (batch, outputs) into account; weights (batch,) or of their shape."""
        y_true, y_pred = pair(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype), "R2Score")
        if len(y_pred.shape) != 2:
            raise ValueError(f"metric {self.name!r} expects 2D inputs with shape (batch, outputs), got y_true of shape "
                             f"{tuple(y_true.shape)} and y_pred of shape {tuple(y_pred.shape)}")
        if not self._built:
            self._build(y_pred.shape[1])
        weights = ops.convert_to_tensor(1 if sample_weight is None else sample_weight, dtype=self.dtype)
        if len(weights.shape) == 1:
            weights = ops.expand_dims(weights, 1)
        weights = ops.broadcast_to(weights, y_true.shape)
        weighted = ops.multiply(y_true, weights)
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(ops.multiply(y_true, weighted), axis=0))
        errors = ops.multiply(ops.square(ops.subtract(y_true, y_pred)), weights)
        self.total_mse.assign_add(ops.sum(errors, axis=0))
        self.count.assign_add(ops.sum(weights, axis=0))
        self.num_samples.assign_add(y_true.shape[0] * y_true.shape[1])

    def result(self) -> Any:
        """Return the score: a scalar, or one an output."""
        if not self._built:
            return ops.zeros(())
        variance = ops.subtract(self.squared_sum, ops.divide(ops.square(self.sum), self.count))
        scores = ops.subtract(1.0, ops.divide(self.total_mse, variance))
        scores = ops.where(ops.isinf(scores), 0.0, scores)
        if self.class_aggregation == "uniform_average":
            scores = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ops.divide(ops.sum(ops.multiply(variance, scores)), ops.sum(variance))
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, scores: Any) -> Any:
        """1 - (1 - score) (n - 1) / (n - p - 1), where there are more samples than predictors."""
        n, p = self.num_samples.value, self.num_regressors
        spare = ops.subtract(n, p + 1.0)
        if spare.is_concrete and float(spare) <= 0:
            warnings.warn(f"R2Score with num_regressors={p} has only {int(n)} samples: the score is not adjusted",
                          stacklevel=3)
        factor = ops.divide(ops.subtract(n, 1.0), ops.where(ops.greater(spare, 0), spare, 1.0))
        adjusted = ops.subtract(1.0, ops.multiply(ops.subtract(1.0, scores), factor))
        return ops.where(ops.greater(spare, 0), adjusted, scores)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "class_aggregation": self.class_aggregation,
                "num_regressors": self.num_regressors}
