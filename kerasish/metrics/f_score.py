"""F scores: precision and recall in one number."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import misfit, pair
from kerasish.losses.reduction import match_weights
from kerasish.metrics.metric import Metric
from kerasish.utils import config
from kerasish.utils.registry import builtin

_AVERAGES = (None, "micro", "macro", "weighted")


@builtin("keras.metrics")
class FBetaScore(Metric):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), a class.

    Args:
        average: how classes join: None (one score each), "micro" (count over all classes), "macro" (mean of the
            scores), "weighted" (mean, weighted by how often a class is the target).
        beta: how many times as much recall counts as precision.
        threshold: above it, a class is predicted; None for the largest of each row alone.
        name, dtype: as in `Metric`.

    Raises:
        ValueError: an argument is out of range, or the inputs have not two axes.
    """

    _direction = "up"

    def __init__(self, average: str | None = None, beta: float = 1.0, threshold: float | None = None,
                 name: str | None = "fbeta_score", dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        if average not in _AVERAGES:
            raise ValueError(f"argument `average` must be one of {_AVERAGES}, got {average!r}")
        if not isinstance(beta, float) or beta <= 0:
            raise ValueError(f"argument `beta` must be a float above 0, got {beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0 < threshold <= 1):
            raise ValueError(f"argument `threshold` must be a float in (0, 1] or None, got {threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold
        self._built = False

    def _build(self, classes: int) -> None:
        shape = () if self.average == "micro" else (classes,)
        self.true_positives = self.add_variable(shape, dtype=self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, dtype=self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, dtype=self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, dtype=self.dtype, name="intermediate_weights")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Take a batch of targets and predictions (batch, classes) into account; weights (batch,)."""
        y_true, y_pred = pair(y_true, ops.convert_to_tensor(y_pred, dtype=self.dtype), type(self).__name__,
                              exact=True)
        if len(y_pred.shape) != 2:
            raise misfit(type(self).__name__, "have the shape (batch, classes)", y_true.shape, y_pred.shape)
        if not self._built:
            self._build(y_pred.shape[1])
        if self.threshold is None:
            largest = ops.greater_equal(y_pred, ops.max(y_pred, axis=-1, keepdims=True))
            chosen = ops.logical_and(largest, ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            chosen = ops.greater(y_pred, self.threshold)
        chosen, wanted = ops.cast(chosen, self.dtype), y_true
        if sample_weight is not None:
            wanted, weights = match_weights(wanted, ops.convert_to_tensor(sample_weight, dtype=self.dtype))
            wanted, chosen = ops.multiply(wanted, weights), ops.multiply(chosen, weights)
        axis = None if self.average == "micro" else 0
        common = ops.sum(ops.multiply(y_true, chosen), axis=axis)
        all_wanted = ops.sum(wanted, axis=axis)
        self.true_positives.assign_add(common)
        self.false_positives.assign_add(ops.subtract(ops.sum(chosen, axis=axis), common))
        self.false_negatives.assign_add(ops.subtract(all_wanted, common))
        self.intermediate_weights.assign_add(all_wanted)

    def result(self) -> Any:
        """Return the score: a scalar, or with `average=None` one a class."""
        if not self._built:
            return ops.zeros((), dtype=self.dtype)
        tiny, true = config.epsilon(), self.true_positives
        precision = ops.divide(true, ops.add(ops.add(true, self.false_positives), tiny))
        recall = ops.divide(true, ops.add(ops.add(true, self.false_negatives), tiny))
        square = self.beta**2
        spread = ops.add(ops.add(ops.multiply(square, precision), recall), tiny)
        score = ops.multiply(ops.divide(ops.multiply(precision, recall), spread), 1 + square)
        if self.average == "weighted":
            total = ops.add(ops.sum(self.intermediate_weights), tiny)
            return ops.divide(ops.sum(ops.multiply(score, self.intermediate_weights)), total)
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "average": self.average, "beta": self.beta, "threshold": self.threshold}


@builtin("keras.metrics")
class F1Score(FBetaScore):
    """2 precision recall / (precision + recall), a class: arguments as in `FBetaScore`."""

    def __init__(self, average: str | None = None, threshold: float | None = None, name: str | None = "f1_score",
                 dtype: Any = None):
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        config = super().get_config()
        del config["beta"]
        return config
