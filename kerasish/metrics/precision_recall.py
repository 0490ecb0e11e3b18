"""Precision and recall at thresholds."""

from typing import Any

from kerasish import ops
from kerasish.metrics.confusion_counts import LOWEST, ConfusionMetric, as_thresholds
from kerasish.utils.registry import builtin


class _Share(ConfusionMetric):
    """What share true positives have in the two counts of the class."""

    _direction = "up"

    def __init__(self, thresholds: Any = None, top_k: int | None = None, class_id: int | None = None,
                 name: str | None = None, dtype: Any = None):
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = as_thresholds(thresholds, default=0.5 if top_k is None else LOWEST)
        self._add_counts()

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets and predictions of one shape; weights (batch,), or of their shape."""
        self._count(y_true, y_pred, sample_weight=sample_weight, top_k=self.top_k, class_id=self.class_id)

    def result(self) -> Any:
        """Return the share, or one a threshold if there are several."""
        share = self._share(*self.counts)
        return ops.squeeze(share, 0) if len(self.thresholds) == 1 else share

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "thresholds": self.init_thresholds, "top_k": self.top_k,
                "class_id": self.class_id}


@builtin("keras.metrics")
class Precision(_Share):
    """true positives / (true positives + false positives): how many of the predicted are right.

    Args:
        thresholds: above a threshold, a prediction is positive; one number or several in [0, 1], by default 0.5.
        top_k: only the k largest predictions of a row can be positive (and without `thresholds` they are).
        class_id: the only class to count.
        name, dtype: as in `Metric`.
    """

    counts = ("true_positives", "false_positives")


@builtin("keras.metrics")
class Recall(_Share):
    """true positives / (true positives + false negatives): how many of the positive targets are found.

    Args:
        thresholds, top_k, class_id: as in `Precision`.
        name, dtype: as in `Metric`.
    """

    counts = ("true_positives", "false_negatives")
