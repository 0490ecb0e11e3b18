"""How often the predicted class is the right one."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import misfit, pair
from kerasish.metrics.mean import NamedMetric
from kerasish.utils import config
from kerasish.utils.registry import builtin


def _hits(hits: Any) -> Any:
    return ops.cast(hits, config.floatx())


def accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where y_true equals y_pred, else 0."""
    return _hits(ops.equal(*pair(y_true, y_pred, "accuracy")))


@builtin("keras.metrics")
def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Any:
    """1 where y_true is 1 and y_pred above the threshold, or y_true 0 and y_pred not above; else 0."""
    y_true = ops.convert_to_tensor(y_true)
    positive = ops.cast(ops.greater(y_pred, threshold), y_true.dtype)
    return _hits(ops.equal(*pair(y_true, positive, "binary_accuracy")))


@builtin("keras.metrics")
def categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where the largest element along the last axis stands at the same place in y_true and y_pred, else 0."""
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if not y_true.shape or tuple(y_true.shape[:-1]) != tuple(y_pred.shape[:-1]):
        raise misfit("categorical_accuracy", "have the same shape", y_true.shape, y_pred.shape,
                     "for integer classes use sparse_categorical_accuracy")
    return _hits(ops.equal(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1)))


@builtin("keras.metrics")
def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Any:
    """1 where y_true is the place of the largest element of y_pred along the last axis, else 0.

    Args:
        y_true: classes (batch, ...), possibly with a last axis of length 1.
        y_pred: probabilities or logits (batch, ..., classes).
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    y_true = classes_of(y_true, y_pred, "sparse_categorical_accuracy")
    hits = _hits(ops.equal(y_true, ops.argmax(y_pred, axis=-1)))
    return ops.squeeze(hits, -1) if len(hits.shape) > 1 and hits.shape[-1] == 1 else hits


def classes_of(y_true: Any, y_pred: Any, what: str) -> Any:
    """Return classes without a last axis of length 1, of the shape of `y_pred` without its last axis.

    Raises:
        ValueError: they have another shape.
    """
    if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
    if tuple(y_true.shape) != tuple(y_pred.shape[:-1]):
        raise misfit(what, "have the same shape but for the last axis, that of the classes", y_true.shape, y_pred.shape,
                     "targets are one integer class a sample")
    return y_true


@builtin("keras.metrics")
class Accuracy(NamedMetric):
    """How often predictions equal targets: arguments as in `Metric`."""

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None):
        super().__init__(accuracy, name, dtype)


@builtin("keras.metrics")
class BinaryAccuracy(NamedMetric):
    """How often predictions lie on the right side of a threshold.

    Args:
        name, dtype: as in `Metric`.
        threshold: above it, a prediction counts as 1.

    Raises:
        ValueError: the threshold is None.
    """

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5):
        if threshold is None:
            raise ValueError("argument `threshold` must be a number, got None")
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


@builtin("keras.metrics")
class CategoricalAccuracy(NamedMetric):
    """How often the class of the largest prediction is that of the largest target: arguments as in `Metric`."""

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None):
        super().__init__(categorical_accuracy, name, dtype)


@builtin("keras.metrics")
class SparseCategoricalAccuracy(NamedMetric):
    """How often the class of the largest prediction is the target: arguments as in `Metric`."""

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None):
        super().__init__(sparse_categorical_accuracy, name, dtype)
