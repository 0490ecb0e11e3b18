"""Cross-entropy of targets that are probabilities of classes, and its form that looks at the hard ones."""

import warnings
from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.ops.softmax import quiet_softmax
from kerasish.utils import config
from kerasish.utils.registry import builtin

_HINT = ("targets are one row of probabilities a sample; for integer classes use sparse_categorical_crossentropy, or "
         "make rows of them with keras.utils.to_categorical")


def _targets(y_true: Any, y_pred: Any, label_smoothing: float, axis: int, what: str) -> tuple[Any, Any]:
    if not isinstance(axis, int) or isinstance(axis, bool):
        raise ValueError(f"argument `axis` must be an int, got {axis!r} of type {type(axis).__name__}")
    y_true, y_pred = pair(y_true, y_pred, what, exact=True, hint=_HINT)
    classes = y_pred.shape[axis]
    if classes == 1:
        warnings.warn(f"{what} sees one class only, y_pred has shape {tuple(y_pred.shape)}: the loss is always zero. "
                      "With two classes and one output, use binary_crossentropy.", SyntaxWarning, stacklevel=4)
    if label_smoothing:
        y_true = ops.add(ops.multiply(y_true, 1.0 - label_smoothing), label_smoothing / classes)
    return y_true, y_pred


@builtin("keras.losses", "keras.metrics")
def categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                             axis: int = -1) -> Any:
    """-sum(y_true log(p)) along an axis, p = softmax(y_pred), or y_pred made to sum to one.

    Args:
        y_true: probabilities of the classes, of the shape of `y_pred`.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: by how much the targets are drawn towards the uniform distribution.
        axis: the axis of the classes.
    """
    y_true, y_pred = _targets(y_true, y_pred, label_smoothing, axis, "categorical_crossentropy")
    return ops.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@builtin("keras.losses", "keras.metrics")
def categorical_focal_crossentropy(y_true: Any, y_pred: Any, alpha: Any = 0.25, gamma: float = 2.0,
                                   from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1) -> Any:
    """-sum(alpha (1 - p)^gamma y_true log(p)) along an axis, p as in `categorical_crossentropy`.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as in `categorical_crossentropy`.
        alpha: weight: a number, or one a class.
        gamma: how much easy targets are played down.

    Source: Lin et al., Focal Loss for Dense Object Detection (2018).
    """
    y_true, y_pred = _targets(y_true, y_pred, label_smoothing, axis, "categorical_focal_crossentropy")
    if from_logits:
        p = quiet_softmax(y_pred, axis=axis)
    else:
        p = ops.divide(y_pred, ops.sum(y_pred, axis=axis, keepdims=True))
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    focus = ops.multiply(ops.power(ops.subtract(1.0, p), gamma), ops.convert_to_tensor(alpha, dtype=p.dtype))
    return ops.negative(ops.sum(ops.multiply(focus, ops.multiply(y_true, ops.log(p))), axis=axis))


@builtin("keras.losses")
class CategoricalCrossentropy(NamedLoss):
    """`categorical_crossentropy` as a loss: arguments as there and in `Loss`."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "categorical_crossentropy",
                 dtype: Any = None):
        super().__init__(categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


@builtin("keras.losses")
class CategoricalFocalCrossentropy(NamedLoss):
    """`categorical_focal_crossentropy` as a loss: arguments as there and in `Loss`."""

    def __init__(self, alpha: Any = 0.25, gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
                 axis: int = -1, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "categorical_focal_crossentropy", dtype: Any = None):
        super().__init__(categorical_focal_crossentropy, reduction, name, dtype, alpha=alpha, gamma=gamma,
                         from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)
