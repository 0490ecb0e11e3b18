"""The best value of one rate where another is high enough, over all thresholds."""

from typing import Any

from kerasish import ops
from kerasish.metrics.confusion_counts import RATES, ConfusionMetric, check_count, even_thresholds
from kerasish.utils.registry import builtin

# Each rate: the share of the first count in both.
_RATES = {
    "sensitivity": ("true_positives", "false_negatives"),
    "specificity": ("true_negatives", "false_positives"),
    "precision": ("true_positives", "false_positives"),
    "recall": ("true_positives", "false_negatives"),
}


class _BestRate(ConfusionMetric):
    """The largest `rate` at thresholds where `given` is at least a value."""

    rate: str
    given: str
    _direction = "up"

    def __init__(self, value: float, num_thresholds: int, class_id: int | None, name: str | None, dtype: Any):
        if not 0 <= value <= 1:
            raise ValueError(f"argument `{self.given}` must be in the range {RATES}. Received: {value!r}")
        check_count(num_thresholds, above=0)
        super().__init__(name=name, dtype=dtype)
        setattr(self, self.given, value)
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        self._add_counts()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets and predictions of one shape; weights (batch,), or of their shape."""
        self._count(y_true, y_pred, sample_weight=sample_weight, class_id=self.class_id)

    def result(self) -> Any:
        """Return the largest rate, zero if no threshold will do."""
        rate, given = self._share(*_RATES[self.rate]), self._share(*_RATES[self.given])
        return ops.max(ops.where(ops.greater_equal(given, self.value), rate, 0.0))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "num_thresholds": self.num_thresholds, self.given: self.value,
                "class_id": self.class_id}


@builtin("keras.metrics")
class SensitivityAtSpecificity(_BestRate):
    """The largest sensitivity tp / (tp + fn) where the specificity tn / (tn + fp) is high enough.

    Args:
        specificity: the least specificity, in [0, 1].
        num_thresholds: how many thresholds between 0 and 1 are tried.
        class_id: the only class to count.
        name, dtype: as in `Metric`.
    """

    rate, given = "sensitivity", "specificity"

    def __init__(self, specificity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype)


@builtin("keras.metrics")
class SpecificityAtSensitivity(_BestRate):
    """The largest specificity tn / (tn + fp) where the sensitivity tp / (tp + fn) is high enough.

    Args:
        sensitivity: the least sensitivity, in [0, 1].
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.
    """

    rate, given = "specificity", "sensitivity"

    def __init__(self, sensitivity: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype)


@builtin("keras.metrics")
class PrecisionAtRecall(_BestRate):
    """The largest precision tp / (tp + fp) where the recall tp / (tp + fn) is high enough.

    Args:
        recall: the least recall, in [0, 1].
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.
    """

    rate, given = "precision", "recall"

    def __init__(self, recall: float, num_thresholds: int = 200, class_id: int | None = None, name: str | None = None,
                 dtype: Any = None):
        super().__init__(recall, num_thresholds, class_id, name, dtype)


@builtin("keras.metrics")
class RecallAtPrecision(_BestRate):
    """The largest recall tp / (tp + fn) where the precision tp / (tp + fp) is high enough.

    Args:
        precision: the least precision, in [0, 1].
        num_thresholds, class_id, name, dtype: as in `SensitivityAtSpecificity`.
    """

    rate, given = "recall", "precision"

    def __init__(self, precision: float, num_thresholds: int = 200, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(precision, num_thresholds, class_id, name, dtype)
