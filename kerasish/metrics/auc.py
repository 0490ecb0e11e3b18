"""The area under a curve of two rates, traced by thresholds."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.metrics.confusion_counts import RATES, ConfusionMetric, check_count, even_thresholds
from kerasish.utils import config
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object

_CURVES = ("ROC", "PR", "PRGAIN")
_METHODS = ("interpolation", "minoring", "majoring")


@builtin("keras.metrics")
class AUC(ConfusionMetric):
    """Area under the ROC curve (true over false positive rate) or the PR curve (precision over recall).

    Args:
        num_thresholds: how many thresholds from 0 to 1 trace the curve.
        curve: "ROC", "PR", or "PRGAIN" (precision gain over recall gain).
        summation_method: height of the curve between two thresholds: "interpolation", "minoring" (the lower of the
            two) or "majoring" (the higher). Interpolation of PR follows Davis and Goadrich.
        name, dtype: as in `Metric`.
        thresholds: thresholds in [0, 1] to use instead; 0 and 1 are added.
        multi_label: whether each label has a curve of its own; the result is the mean of the areas.
        num_labels: number of labels; by default seen at the first update.
        label_weights: weights of the labels.
        from_logits: whether predictions are logits instead of probabilities.

    Raises:
        ValueError: an argument is out of range.

    Source: Davis and Goadrich, The Relationship Between Precision-Recall and ROC Curves (2006); Flach and Kull,
    Precision-Recall-Gain Curves (2015).
    """

    _direction = "up"

    def __init__(self, num_thresholds: int = 200, curve: str = "ROC", summation_method: str = "interpolation",
                 name: str | None = None, dtype: Any = None, thresholds: Any = None, multi_label: bool = False,
                 num_labels: int | None = None, label_weights: Any = None, from_logits: bool = False):
        super().__init__(name=name, dtype=dtype)
        self.curve = _one_of(_CURVES, curve, "curve", str.upper)
        self.summation_method = _one_of(_METHODS, summation_method, "summation method", str.lower)
        if num_labels and not multi_label:
            raise ValueError("argument `num_labels` is for multi_label=True alone")
        if thresholds is None:
            check_count(num_thresholds, above=1)
        if thresholds is not None and not all(0 <= t <= 1 for t in thresholds):
            raise ValueError(f"Threshold values must be in {RATES}. Received: {thresholds!r}")
        self._given_thresholds = None if thresholds is None else sorted(float(t) for t in thresholds)
        inner = self._given_thresholds if self._given_thresholds is not None else even_thresholds(num_thresholds)[1:-1]
        # The ends stand a little outside, so that every prediction lies between them.
        self._thresholds = [-config.epsilon(), *inner, 1 + config.epsilon()]
        self.num_thresholds = len(self._thresholds)
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else np.asarray(label_weights).tolist()
        self._built = False
        if not multi_label or num_labels:
            self._build(*([num_labels] if num_labels else []))

    @property
    def thresholds(self) -> list[float]:  # type: ignore[override]
        """The thresholds, in order, with the two that stand outside [0, 1]."""
        return self._thresholds

    def _build(self, *labels: int) -> None:
        if self.multi_label and self.label_weights is not None and len(self.label_weights) != labels[0]:
            raise ValueError(f"argument `label_weights` must hold {labels[0]} weights, got {self.label_weights}")
        self._add_counts(*labels)
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets and predictions of one shape; weights (batch,), or of their shape."""
        y_pred = ops.convert_to_tensor(y_pred)
        if self.multi_label and len(y_pred.shape) != 2:
            raise ValueError(f"AUC with multi_label=True needs y_pred of shape (batch, labels), got "
                             f"{tuple(y_pred.shape)}")
        if not self._built:
            self._build(y_pred.shape[1])
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        self._count(y_true, y_pred, sample_weight=sample_weight, multi_label=self.multi_label,
                    label_weights=None if self.multi_label else self.label_weights)

    def result(self) -> Any:
        """Return the area, a scalar."""
        if not self._built:
            return ops.zeros(())
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self.interpolate_pr_auc()
        else:
            x, y = getattr(self, f"_{self.curve.lower()}")()
            left, right = y[:-1], y[1:]
            heights = {"interpolation": lambda a, b: ops.multiply(ops.add(a, b), 0.5),
                       "minoring": ops.minimum, "majoring": ops.maximum}[self.summation_method](left, right)
            areas = ops.sum(ops.multiply(ops.subtract(x[:-1], x[1:]), heights), axis=0)
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.divide_no_nan(ops.sum(ops.multiply(areas, self.label_weights)), float(sum(self.label_weights)))

    def _roc(self) -> tuple[Any, Any]:
        return self._share("false_positives", "true_negatives"), self._share("true_positives", "false_negatives")

    def _pr(self) -> tuple[Any, Any]:
        return self._share("true_positives", "false_negatives"), self._share("true_positives", "false_positives")

    def _prgain(self) -> tuple[Any, Any]:
        """1 - (positives / negatives) (errors / true positives), for either kind of error."""
        true = self.true_positives.value
        odds = ops.divide_no_nan(ops.add(true, self.false_negatives),
                                 ops.add(self.true_negatives, self.false_positives))
        recall, precision = [ops.subtract(1.0, ops.multiply(odds, ops.divide_no_nan(wrong, true)))
                             for wrong in (self.false_negatives, self.false_positives)]
        none = ops.equal(true, 0)
        return ops.maximum(ops.where(none, 0.0, recall), 0.0), ops.where(none, 1.0, precision)

    def interpolate_pr_auc(self) -> Any:
        """Return the area under the PR curve, true positives taken as linear in positives between two thresholds."""
        true = self.true_positives.value
        predicted = ops.add(true, self.false_positives)
        gained = ops.subtract(true[:-1], true[1:])
        slope = ops.divide_no_nan(gained, ops.maximum(ops.subtract(predicted[:-1], predicted[1:]), 0))
        intercept = ops.subtract(true[1:], ops.multiply(slope, predicted[1:]))
        both = ops.logical_and(ops.greater(predicted[:-1], 0), ops.greater(predicted[1:], 0))
        ratio = ops.where(both, ops.divide_no_nan(predicted[:-1], ops.maximum(predicted[1:], 0)), 1.0)
        pieces = ops.multiply(slope, ops.add(gained, ops.multiply(intercept, ops.log(ratio))))
        positives = ops.maximum(ops.add(true[1:], self.false_negatives[1:]), 0)
        return ops.sum(ops.divide_no_nan(pieces, positives), axis=0)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        given = {} if self._given_thresholds is None else {"thresholds": self._given_thresholds}
        return {**super().get_config(), "num_thresholds": self.num_thresholds, "curve": self.curve,
                "summation_method": self.summation_method, "multi_label": self.multi_label,
                "num_labels": self.num_labels, "label_weights": self.label_weights, "from_logits": self.from_logits,
                **given}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "AUC":
        """Make a metric from what `get_config` gave; Keras writes label weights as a tensor."""
        return cls(**{k: deserialize_keras_object(v) if isinstance(v, dict) else v for k, v in config.items()})


def _one_of(allowed: tuple[str, ...], given: Any, name: str, spelling: Any) -> str:
    found = spelling(given) if isinstance(given, str) else given
    if found not in allowed:
        raise ValueError(f'Invalid AUC {name} value: "{given}". It must be one of {allowed}')
    return found
