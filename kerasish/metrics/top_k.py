"""How often the right class is among the k most probable."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import misfit
from kerasish.metrics.accuracy import classes_of
from kerasish.metrics.mean import NamedMetric
from kerasish.utils import config
from kerasish.utils.registry import builtin


def _in_top_k(classes: Any, y_pred: Any, k: int) -> Any:
    flat = ops.reshape(y_pred, (-1, y_pred.shape[-1])) if len(y_pred.shape) > 2 else y_pred
    hits = ops.cast(ops.in_top_k(ops.reshape(classes, (-1,)), flat, k=k), config.floatx())
    return hits if len(classes.shape) == 1 else ops.reshape(hits, classes.shape)


@builtin("keras.metrics")
def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Any:
    """1 where the largest element of y_true stands at one of the k largest of y_pred, else 0; along the last axis."""
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    if len(y_pred.shape) < 2 or tuple(y_true.shape[:-1]) != tuple(y_pred.shape[:-1]):
        raise misfit("top_k_categorical_accuracy", "have the same shape (batch, ..., classes)", y_true.shape,
                     y_pred.shape, "for integer classes use sparse_top_k_categorical_accuracy")
    return _in_top_k(ops.argmax(y_true, axis=-1), y_pred, k)


@builtin("keras.metrics")
def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Any:
    """1 where y_true is the place of one of the k largest elements of y_pred along the last axis, else 0.

    Args:
        y_true: integer classes (batch, ...).
        y_pred: probabilities or logits (batch, ..., classes); or classes (batch, ..., any), best first.
        k: how many classes count.
        from_sorted_ids: whether `y_pred` holds classes instead of their probabilities.
    """
    y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
    classes = classes_of(y_true, y_pred, "sparse_top_k_categorical_accuracy")
    if not from_sorted_ids:
        return _in_top_k(ops.cast(classes, "int32"), y_pred, k)
    hits = ops.equal(ops.expand_dims(ops.cast(classes, y_pred.dtype), -1), y_pred[..., :k])
    return ops.cast(ops.any(hits, axis=-1), config.floatx())


@builtin("keras.metrics")
class TopKCategoricalAccuracy(NamedMetric):
    """How often the class of the largest target is among the k most probable.

    Args:
        k: how many classes count.
        name, dtype: as in `Metric`.
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None):
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


@builtin("keras.metrics")
class SparseTopKCategoricalAccuracy(NamedMetric):
    """How often the target is among the k most probable classes.

    Args:
        k: how many classes count.
        name, dtype: as in `Metric`.
        from_sorted_ids: whether predictions are classes, best first, instead of probabilities.
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "sparse_top_k_categorical_accuracy", dtype: Any = None,
                 from_sorted_ids: bool = False):
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        out = super().get_config()
        if not self._fn_kwargs["from_sorted_ids"]:  # older versions of Keras do not know it
            del out["from_sorted_ids"]
        return out
