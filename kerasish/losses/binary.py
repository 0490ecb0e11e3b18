"""Cross-entropy of yes-or-no targets, and its form that looks at the hard ones."""

from typing import Any

from kerasish import ops
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import pair
from kerasish.utils.registry import builtin

_HINT = "the last layer should have one unit for each target"


def _targets(y_true: Any, y_pred: Any, label_smoothing: float, what: str) -> tuple[Any, Any]:
    y_true, y_pred = pair(y_true, y_pred, what, exact=True, hint=_HINT)
    if label_smoothing:
        y_true = ops.add(ops.multiply(y_true, 1.0 - label_smoothing), 0.5 * label_smoothing)
    return y_true, y_pred


@builtin("keras.losses", "keras.metrics")
def binary_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0,
                        axis: Any = -1) -> Any:
    """mean(-(y_true log(p) + (1 - y_true) log(1 - p))) over an axis, p = y_pred or sigmoid(y_pred).

    Args:
        y_true: targets 0 or 1, of the shape of `y_pred`.
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` holds logits.
        label_smoothing: by how much the targets are drawn towards 0.5.
        axis: over which the mean is taken.
    """
    y_true, y_pred = _targets(y_true, y_pred, label_smoothing, "binary_crossentropy")
    return ops.mean(ops.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@builtin("keras.losses", "keras.metrics")
def binary_focal_crossentropy(y_true: Any, y_pred: Any, apply_class_balancing: bool = False, alpha: float = 0.25,
                              gamma: float = 2.0, from_logits: bool = False, label_smoothing: float = 0.0,
                              axis: Any = -1) -> Any:
    """`binary_crossentropy` times (1 - p_t)^gamma, p_t the probability given to the target.

    Args:
        y_true, y_pred, from_logits, label_smoothing, axis: as in `binary_crossentropy`.
        apply_class_balancing: whether targets 1 are weighted by alpha, targets 0 by 1 - alpha.
        alpha: weight of the targets 1.
        gamma: how much easy targets are played down.

    Source: Lin et al., Focal Loss for Dense Object Detection (2018).
    """
    y_true, y_pred = _targets(y_true, y_pred, label_smoothing, "binary_focal_crossentropy")
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    not_true = ops.subtract(1.0, y_true)
    # 1 - p_t, the probability given to what is not the target.
    missed = ops.add(ops.multiply(y_true, ops.subtract(1.0, p)), ops.multiply(not_true, p))
    out = ops.multiply(ops.power(missed, gamma), ops.binary_crossentropy(y_true, p))
    if apply_class_balancing:
        out = ops.multiply(ops.add(ops.multiply(y_true, alpha), ops.multiply(not_true, 1.0 - alpha)), out)
    return ops.mean(out, axis=axis)


@builtin("keras.losses")
class BinaryCrossentropy(NamedLoss):
    """`binary_crossentropy` as a loss: arguments as there and in `Loss`."""

    def __init__(self, from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "binary_crossentropy",
                 dtype: Any = None):
        super().__init__(binary_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         label_smoothing=label_smoothing, axis=axis)


@builtin("keras.losses")
class BinaryFocalCrossentropy(NamedLoss):
    """`binary_focal_crossentropy` as a loss: arguments as there and in `Loss`."""

    def __init__(self, apply_class_balancing: bool = False, alpha: float = 0.25, gamma: float = 2.0,
                 from_logits: bool = False, label_smoothing: float = 0.0, axis: Any = -1,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "binary_focal_crossentropy",
                 dtype: Any = None):
        super().__init__(binary_focal_crossentropy, reduction, name, dtype, apply_class_balancing=apply_class_balancing,
                         alpha=alpha, gamma=gamma, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis)
