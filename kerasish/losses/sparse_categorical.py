"""Losses of targets that are integer classes."""

from typing import Any

from kerasish import ops
from kerasish.core.symbolic import is_keras_tensor
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import misfit
from kerasish.ops.checks import check_range
from kerasish.utils.registry import builtin

_HINT = "targets are one integer class a sample; for rows of probabilities (one-hot) use categorical_crossentropy"


def _labels(y_true: Any, y_pred: Any, axis: int, ignore_class: int | None, what: str) -> Any:
    """Integer classes of the shape of `y_pred` without the axis of the classes."""
    y_true = ops.convert_to_tensor(y_true)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if not p or not -len(p) <= axis < len(p):
        raise ValueError(f"{what}: y_pred of shape {p} has no axis {axis} of classes")
    axis %= len(p)
    if len(t) == len(p) and t[axis] == 1:
        y_true, t = ops.squeeze(y_true, axis), t[:axis] + t[axis + 1 :]
    expected = p[:axis] + p[axis + 1 :]
    if len(t) != len(expected) or any(None not in (m, n) and m != n for m, n in zip(t, expected)):
        raise misfit(what, f"have the same shape but for axis {axis}, that of the classes", t, p, _HINT)
    return ops.cast(_checked(y_true, p[axis], ignore_class, what), "int32")


def _checked(labels: Any, classes: int | None, ignore_class: int | None, what: str) -> Any:
    """Labels, once it is sure that each names a class; nothing is known of those of symbolic tensors."""
    if classes is None or is_keras_tensor(labels):
        return labels
    return check_range(labels, classes, ignore=ignore_class, message=(
        f"{what}: y_true holds the label {{value}}, but y_pred has {classes} classes, numbered from 0 to "
        f"{classes - 1}. Number the classes from 0, give the last layer as many units as there are classes, or set "
        "ignore_class={value} if samples of this label are to be left out."))


@builtin("keras.losses", "keras.metrics")
def sparse_categorical_crossentropy(y_true: Any, y_pred: Any, from_logits: bool = False,
                                    ignore_class: int | None = None, axis: int = -1) -> Any:
    """-log(p[y_true]) along an axis, p = softmax(y_pred), or y_pred made to sum to one.

    Args:
        y_true: integer classes, of the shape of `y_pred` without the axis of the classes (or with length 1 there).
        y_pred: probabilities, or logits.
        from_logits: whether `y_pred` holds logits.
        ignore_class: a label whose samples are left out; may lie outside the classes, such as -1.
        axis: the axis of the classes.

    Returns:
        Tensor of the shape of `y_pred` without that axis; with `ignore_class`, it carries a mask.

    Raises:
        ValueError: the shapes do not fit, or a label names no class.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _labels(y_true, y_pred, axis, ignore_class, "sparse_categorical_crossentropy")
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(labels, y_pred, from_logits=from_logits, axis=axis)
    counts = ops.not_equal(labels, ignore_class)
    # The op gives zero, and no gradient, where a label names no class.
    out = ops.sparse_categorical_crossentropy(ops.where(counts, labels, -1), y_pred, from_logits=from_logits, axis=axis)
    out._keras_mask = counts
    return out


@builtin("keras.losses")
def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Any:
    """(1 - p[y_true]^q) / q, p = y_pred: between the absolute error (q = 1) and cross-entropy (q near 0).

    Args:
        y_true: integer classes (batch, ...).
        y_pred: probabilities (batch, ..., classes).
        q: between 0 and 1; the larger, the less wrong labels do harm.

    Source: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training Networks with Noisy Labels (2018).
    """
    y_pred = ops.convert_to_tensor(y_pred)
    labels = _labels(y_true, y_pred, -1, None, "categorical_generalized_cross_entropy")
    hot = ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(ops.multiply(y_pred, hot), axis=-1)
    return ops.divide(ops.subtract(1.0, ops.power(p, q)), q)


for _function in (sparse_categorical_crossentropy, categorical_generalized_cross_entropy):
    _function.integer_targets = True  # type: ignore[union-attr]


@builtin("keras.losses")
class SparseCategoricalCrossentropy(NamedLoss):
    """`sparse_categorical_crossentropy` as a loss: arguments as there and in `Loss`."""

    def __init__(self, from_logits: bool = False, ignore_class: int | None = None,
                 reduction: str | None = "sum_over_batch_size", axis: int = -1,
                 name: str | None = "sparse_categorical_crossentropy", dtype: Any = None):
        super().__init__(sparse_categorical_crossentropy, reduction, name, dtype, from_logits=from_logits,
                         ignore_class=ignore_class, axis=axis)


@builtin("keras.losses")
class CategoricalGeneralizedCrossEntropy(NamedLoss):
    """`categorical_generalized_cross_entropy` as a loss: arguments as there and in `Loss`.

    Raises:
        ValueError: `q` is not between 0 and 1.
    """

    def __init__(self, q: float = 0.5, reduction: str | None = "sum_over_batch_size",
                 name: str | None = "categorical_generalized_cross_entropy", dtype: Any = None):
        if not 0 < q < 1:
            raise ValueError(f"argument `q` must lie between 0 and 1, got {q!r}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
