"""Intersection over union: how well predicted regions cover those of the targets."""

import warnings
from typing import Any

from kerasish import ops
from kerasish.core.dtypes import is_float, is_int
from kerasish.losses.pairing import misfit
from kerasish.metrics.metric import Metric
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.metrics")
class IoU(Metric):
    """Mean over target classes of true positives / (true positives + false positives + false negatives).

    Args:
        num_classes: number of classes.
        target_class_ids: the classes that count.
        name: as in `Metric`.
        dtype: in which pixels are counted, int32 by default; a float dtype, if weights are fractions.
        ignore_class: target class whose pixels are left out, as are those of classes that there are none of.
        sparse_y_true: whether targets are integer classes; else probabilities.
        sparse_y_pred: whether predictions are integer classes; else probabilities.
        axis: the axis of the probabilities.

    Raises:
        ValueError: a target class is out of range.
    """

    _direction = "up"

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_true: bool = True, sparse_y_pred: bool = True,
                 axis: int = -1):
        super().__init__(name=name, dtype=dtype or "int")
        ids = [int(i) for i in target_class_ids]
        if not all(0 <= i < num_classes for i in ids):
            raise ValueError(f"argument `target_class_ids` must hold classes from 0 to {num_classes - 1}, got {ids}")
        self.num_classes, self.target_class_ids, self.ignore_class = num_classes, ids, ignore_class
        self.sparse_y_true, self.sparse_y_pred, self.axis = sparse_y_true, sparse_y_pred, axis
        self.total_cm = self.add_variable((num_classes, num_classes), dtype=self.dtype, name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets and predictions; weights have the shape of the classes, or are a number."""
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        y_true = y_true if self.sparse_y_true else ops.argmax(y_true, axis=self.axis)
        y_pred = y_pred if self.sparse_y_pred else ops.argmax(y_pred, axis=self.axis)
        true, predicted = [ops.reshape(ops.cast(y, "int32"), (-1,)) for y in (y_true, y_pred)]
        if true.shape != predicted.shape:
            raise misfit(type(self).__name__, "have equally many pixels", y_true.shape, y_pred.shape)
        known = self._within(true, predicted)
        if self.ignore_class is not None:
            known = ops.logical_and(known, ops.not_equal(true, self.ignore_class))
        weights = self._weights(sample_weight, true.shape)
        # Pixels that do not count belong to no segment.
        pairs = ops.where(known, ops.add(ops.multiply(true, self.num_classes), predicted), -1)
        counts = ops.segment_sum(weights, pairs, num_segments=self.num_classes**2)
        self.total_cm.assign_add(ops.reshape(counts, self.total_cm.shape))

    def _within(self, true: Any, predicted: Any) -> Any:
        lowest, highest = ops.minimum(true, predicted), ops.maximum(true, predicted)
        return ops.logical_and(ops.greater_equal(lowest, 0), ops.less(highest, self.num_classes))

    def _weights(self, weights: Any, shape: tuple[int, ...]) -> Any:
        if weights is None:
            return ops.ones(shape, dtype=self.dtype)
        weights = ops.convert_to_tensor(weights)
        if is_float(weights.dtype) and is_int(self.dtype):
            warnings.warn(f"sample weights are float, and {type(self).__name__} counts in {self.dtype}: casting cuts "
                          "off their fractions; construct it with dtype='float32' to keep them", stacklevel=3)
        weights = ops.cast(weights, self.dtype)
        return ops.broadcast_to(weights if not weights.shape else ops.reshape(weights, (-1,)), shape)

    def result(self) -> Any:
        """Return the mean over the target classes that occur, zero if none does."""
        common = ops.diagonal(self.total_cm)
        union = ops.subtract(ops.add(ops.sum(self.total_cm, axis=0), ops.sum(self.total_cm, axis=1)), common)
        common, union = [ops.cast(ops.take(x, self.target_class_ids), "float32") for x in (common, union)]
        occurs = ops.greater(union, 1e-9)
        scores = ops.where(occurs, ops.divide(common, ops.add(union, config.epsilon())), 0.0)
        return ops.divide(ops.sum(scores), ops.add(ops.sum(ops.cast(occurs, "float32")), config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "num_classes": self.num_classes, "target_class_ids": self.target_class_ids,
                "ignore_class": self.ignore_class, "sparse_y_true": self.sparse_y_true,
                "sparse_y_pred": self.sparse_y_pred, "axis": self.axis}


def _without(config: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in config.items() if name not in names}


@builtin("keras.metrics")
class BinaryIoU(IoU):
    """`IoU` of two classes, told apart by a threshold.

    Args:
        target_class_ids: the classes that count: 0, 1 or both.
        threshold: from it on, a prediction counts as class 1.
        name, dtype: as in `IoU`.
    """

    def __init__(self, target_class_ids: Any = (0, 1), threshold: float = 0.5, name: str | None = None,
                 dtype: Any = None):
        super().__init__(2, target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Count a batch of targets 0 or 1 and predictions of the same shape."""
        super().update_state(y_true, ops.greater_equal(y_pred, self.threshold), sample_weight)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        base = Metric.get_config(self)
        return {**base, "target_class_ids": self.target_class_ids, "threshold": self.threshold}


@builtin("keras.metrics")
class MeanIoU(IoU):
    """`IoU` of all classes: arguments as there."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_true: bool = True, sparse_y_pred: bool = True, axis: int = -1):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return _without(super().get_config(), "target_class_ids")


@builtin("keras.metrics")
class OneHotIoU(IoU):
    """`IoU` of targets that are probabilities (one-hot): arguments as there."""

    def __init__(self, num_classes: int, target_class_ids: Any, name: str | None = None, dtype: Any = None,
                 ignore_class: int | None = None, sparse_y_pred: bool = False, axis: int = -1):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return _without(super().get_config(), "sparse_y_true")


@builtin("keras.metrics")
class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` of targets that are probabilities (one-hot): arguments as in `IoU`."""

    def __init__(self, num_classes: int, name: str | None = None, dtype: Any = None, ignore_class: int | None = None,
                 sparse_y_pred: bool = False, axis: int = -1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return _without(super().get_config(), "sparse_y_true")
