"""How many predictions are right and wrong in which way, at each of several thresholds."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.losses.pairing import pair
from kerasish.losses.reduction import match_weights
from kerasish.metrics.metric import Metric
from kerasish.utils import config

# Stands below every prediction: what is not among the k largest is set to it.
LOWEST = -1e10
RATES = "[0, 1]"  # where rates and thresholds lie
COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives")


class ConfusionMetric(Metric):
    """A metric made of such counts, which are its variables.

    Attributes:
        counts: which counts it keeps.
        thresholds: above a threshold, a prediction is positive.
    """

    counts: tuple[str, ...] = COUNTS
    thresholds: Any
    true_positives: Variable
    false_positives: Variable
    true_negatives: Variable
    false_negatives: Variable

    def _add_counts(self, *labels: int) -> None:
        for name in self.counts:
            setattr(self, name, self.add_variable((len(self.thresholds), *labels), name=name))

    def _count(self, y_true: Any, y_pred: Any, **options: Any) -> None:
        found = confusion_counts(self.counts, y_true, y_pred, self.thresholds, what=type(self).__name__, **options)
        for name in self.counts:
            getattr(self, name).assign_add(found[name])

    def _share(self, part: str, rest: str) -> Any:
        """part / (part + rest), zero where both are."""
        part, rest = getattr(self, part), getattr(self, rest)
        return ops.divide_no_nan(part, ops.add(part, rest))


def as_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Return thresholds as a list.

    Raises:
        ValueError: one lies outside [0, 1].
    """
    if thresholds is None:
        return [default]
    out = list(thresholds) if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds]
    wrong = [t for t in out if t is None or not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"Threshold values must be in {RATES}. Received: {wrong} in thresholds={thresholds!r}")
    return out


def check_count(num_thresholds: int, above: int) -> None:
    """Raise ValueError if there are not more thresholds than a number."""
    if num_thresholds <= above:
        raise ValueError(f"Argument `num_thresholds` must be an integer > {above}, got {num_thresholds!r}")


def even_thresholds(count: int) -> list[float]:
    """Return thresholds from 0 to 1 at equal distances."""
    return [0.0, *[i / (count - 1) for i in range(1, count - 1)], 1.0]


def is_even(thresholds: Any) -> bool:
    """Tell whether thresholds (three or more) go from 0 to 1 at equal distances."""
    if len(thresholds) < 3:
        return False
    even = np.arange(len(thresholds), dtype="float32") / (len(thresholds) - 1)
    return bool(np.allclose(thresholds, even, atol=config.epsilon()))


def confusion_counts(counts: tuple[str, ...], y_true: Any, y_pred: Any, thresholds: Any, *, what: str,
                     sample_weight: Any = None, class_id: int | None = None, top_k: int | None = None,
                     multi_label: bool = False, label_weights: Any = None) -> dict[str, Any]:
    """Return weighted counts at each threshold.

    Args:
        counts: which are wanted, of `COUNTS`.
        y_true: targets; what is not zero is positive.
        y_pred: predictions, of the same shape.
        thresholds: above a threshold, a prediction is positive.
        what: name of the metric, for messages.
        sample_weight: weights (batch,), or of the shape of the predictions.
        class_id: the only label to count, a place along the last axis.
        top_k: only the k largest predictions of a row can be positive.
        multi_label: whether to count labels apart.
        label_weights: one weight a label.

    Returns:
        Tensors (thresholds,), or with `multi_label` (thresholds, labels), by name.
    """
    y_true, y_pred = pair(y_true, ops.convert_to_tensor(y_pred, dtype=config.floatx()), what, exact=True)
    if class_id is not None and len(y_pred.shape) < 2:
        raise ValueError(f"{what} with `class_id` needs y_pred of shape (batch, classes), got {tuple(y_pred.shape)}")
    if top_k is not None:  # of a row, also where there is no batch
        y_pred = _keep_largest(y_pred, top_k)
    if len(y_pred.shape) < 2:
        y_true, y_pred = ops.reshape(y_true, (-1, 1)), ops.reshape(y_pred, (-1, 1))
    if class_id is not None:
        y_true, y_pred = [y[..., class_id : class_id + 1] for y in (y_true, y_pred)]
    weights = _all_weights(y_pred, sample_weight, label_weights)
    positive = ops.not_equal(y_true, 0)
    if not multi_label:
        positive, y_pred = ops.reshape(positive, (-1,)), ops.reshape(y_pred, (-1,))
        weights = None if weights is None else ops.reshape(weights, (-1,))
    inner = np.clip(thresholds, 0, 1)  # but for ends that stand a little outside, so that nothing lies below
    if is_even(inner):
        return _counts_by_bucket(positive, y_pred, weights, len(thresholds), thresholds[0] < 0)
    return _counts_by_comparison(counts, positive, y_pred, weights, thresholds)


def _keep_largest(y_pred: Any, k: int) -> Any:
    places = ops.top_k(y_pred, k)[1]
    kept = ops.any(ops.one_hot(places, y_pred.shape[-1], dtype="bool"), axis=-2)
    return ops.where(kept, y_pred, LOWEST)


def _all_weights(y_pred: Any, sample_weight: Any, label_weights: Any) -> Any:
    """Weights of the shape of the predictions, None if there are none."""
    out = None
    if sample_weight is not None:
        _, out = match_weights(y_pred, ops.convert_to_tensor(sample_weight, dtype=y_pred.dtype))
        if 0 < len(out.shape) < len(y_pred.shape):  # matched without a last axis of length 1
            out = ops.expand_dims(out, -1)
    if label_weights is not None:
        labels = ops.convert_to_tensor(label_weights, dtype=y_pred.dtype)
        out = labels if out is None else ops.multiply(out, labels)
    return None if out is None else ops.broadcast_to(out, y_pred.shape)


def _counts_by_comparison(counts: tuple[str, ...], positive: Any, y_pred: Any, weights: Any,
                          thresholds: Any) -> dict[str, Any]:
    """Compare every prediction with every threshold: exact, and good for few thresholds."""
    limits = np.reshape(np.asarray(thresholds, "float64"), (-1,) + (1,) * len(y_pred.shape)).tolist()
    above = ops.greater(ops.expand_dims(y_pred, 0), ops.convert_to_tensor(limits, dtype=y_pred.dtype))
    one: Any = 1.0 if weights is None else weights
    of_positive = ops.cast(positive, y_pred.dtype) if weights is None else ops.where(positive, one, 0.0)
    of_negative = None
    if {"false_positives", "true_negatives"} & set(counts):
        of_negative = ops.where(positive, 0.0, one)
    choose = {
        "true_positives": lambda: ops.where(above, of_positive, 0.0),
        "false_positives": lambda: ops.where(above, of_negative, 0.0),
        "true_negatives": lambda: ops.where(above, 0.0, of_negative),
        "false_negatives": lambda: ops.where(above, 0.0, of_positive),
    }
    return {name: ops.sum(choose[name](), axis=1) for name in counts}


def _counts_by_bucket(positive: Any, y_pred: Any, weights: Any, n: int, open_below: bool) -> dict[str, Any]:
    """Sort predictions into the intervals between n thresholds at equal distances, and add up from the top.

    Bucket b > 0 holds predictions above threshold b - 1 and not above threshold b, bucket 0 those that are above none.
    """
    bucket = ops.cast(ops.ceil(ops.multiply(ops.clip(y_pred, 0.0, 1.0), n - 1)), "int32")
    if open_below:  # the lowest threshold is a little below 0
        bucket = ops.maximum(bucket, 1)
    labels = tuple(y_pred.shape[1:])
    segment = ops.add(bucket, ops.multiply(ops.cast(positive, "int32"), n + 1))
    if labels:
        segment = ops.add(ops.multiply(segment, labels[0]), np.arange(labels[0], dtype="int32"))
    flat = ops.reshape(segment, (-1,))
    weights = ops.ones(flat.shape, dtype=y_pred.dtype) if weights is None else ops.reshape(weights, (-1,))
    sums = ops.segment_sum(weights, flat, num_segments=2 * (n + 1) * (labels[0] if labels else 1))
    above = ops.flip(ops.cumsum(ops.flip(ops.reshape(sums, (2, n + 1, *labels)), axis=1), axis=1), axis=1)
    hits = above[:, 1:]
    rest = ops.subtract(above[:, :1], hits)
    return {"true_positives": hits[1], "false_positives": hits[0], "true_negatives": rest[0],
            "false_negatives": rest[1]}
