"""Right and wrong predictions, counted at thresholds."""

from typing import Any

from kerasish import ops
from kerasish.metrics.confusion_counts import as_thresholds, confusion_counts
from kerasish.metrics.metric import Metric
from kerasish.utils.registry import builtin


class _Count(Metric):
    """The weighted number of predictions of one kind.

    Args:
        thresholds: above a threshold, a prediction is positive; one number or several in [0, 1], by default 0.5.
        name, dtype: as in `Metric`.

    Raises:
        ValueError: a threshold lies outside [0, 1].
    """

    kind: str

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = as_thresholds(thresholds)
        self.accumulator = self.add_variable((len(self.thresholds),), name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets and predictions of one shape; weights (batch,), or of their shape."""
        found = confusion_counts((self.kind,), y_true, y_pred, self.thresholds, what=type(self).__name__,
                                 sample_weight=sample_weight)
        self.accumulator.assign_add(found[self.kind])

    def result(self) -> Any:
        """Return the number, or one a threshold if there are several."""
        return ops.squeeze(self.accumulator, 0) if len(self.thresholds) == 1 else self.accumulator.value

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


@builtin("keras.metrics")
class TruePositives(_Count):
    __doc__ = f"Positive targets that are predicted: {_Count.__doc__}"

    kind = "true_positives"
    _direction = "up"


@builtin("keras.metrics")
class FalsePositives(_Count):
    __doc__ = f"Negative targets that are predicted to be positive: {_Count.__doc__}"

    kind = "false_positives"
    _direction = "down"


@builtin("keras.metrics")
class TrueNegatives(_Count):
    __doc__ = f"Negative targets that are predicted: {_Count.__doc__}"

    kind = "true_negatives"
    _direction = "up"


@builtin("keras.metrics")
class FalseNegatives(_Count):
    __doc__ = f"Positive targets that are predicted to be negative: {_Count.__doc__}"

    kind = "false_negatives"
    _direction = "down"
