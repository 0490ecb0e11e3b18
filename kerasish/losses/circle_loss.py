"""The circle loss, for embeddings in which like lies near to like."""

from typing import Any

from kerasish import ops
from kerasish.core.op import public
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import misfit
from kerasish.utils.registry import builtin


@builtin("keras.losses")
@public(name="losses.circle")
def circle(y_true: Any, y_pred: Any, ref_labels: Any = None, ref_embeddings: Any = None, remove_diagonal: bool = True,
           gamma: float = 80, margin: float = 0.4) -> Any:
    """softplus(logsumexp of pulls to the same class + logsumexp of pushes from the others), a row of the batch.

    With d the cosine distance to a reference, kept at least 0, a pull is gamma (margin + d) (d - margin), and a push
    gamma max(1 + margin - d, 0) (1 - margin - d).

    Args:
        y_true: integer classes (batch,).
        y_pred: embeddings of length 1 (batch, features).
        ref_labels: classes of the references; by default `y_true`.
        ref_embeddings: the references; by default `y_pred`.
        remove_diagonal: whether no embedding is its own reference.
        gamma: scale.
        margin: how far apart classes are to lie.

    Returns:
        Tensor (batch,); it carries a mask that leaves out rows of no loss.

    Source: Sun et al., Circle Loss: A Unified Perspective of Pair Similarity Optimization (2020).
    """
    y_pred, labels = ops.convert_to_tensor(y_pred), ops.reshape(ops.cast(y_true, "int32"), (-1, 1))
    if y_pred.ndim != 2 or labels.shape[0] != y_pred.shape[0]:
        raise misfit("circle", "have the shapes (batch,) and (batch, features)", ops.shape(y_true), y_pred.shape)
    references = y_pred if ref_embeddings is None else ops.convert_to_tensor(ref_embeddings, dtype=y_pred.dtype)
    keys = labels if ref_labels is None else ops.reshape(ops.cast(ref_labels, "int32"), (-1, 1))
    distance = ops.maximum(ops.subtract(1.0, ops.matmul(y_pred, ops.transpose(references))), 0.0)
    same = ops.equal(labels, ops.transpose(keys))
    other = ops.logical_not(same)
    if remove_diagonal:
        same = ops.logical_and(same, ops.logical_not(ops.eye(labels.shape[0], keys.shape[0], dtype="bool")))
    pulls = gamma * (margin + distance) * (distance - margin)
    pushes = gamma * ops.maximum(1 + margin - distance, 0.0) * (1 - margin - distance)
    out = ops.softplus(_log_sum_exp(pulls, same) + _log_sum_exp(pushes, other))
    out._keras_mask = ops.greater(out, 0)
    return out


circle.integer_targets = True


def _log_sum_exp(x: Any, chosen: Any) -> Any:
    """Of the chosen elements of each row; -inf, without a gradient, where there are none."""
    some = ops.any(chosen, axis=1)
    chosen = ops.logical_or(chosen, ops.logical_not(ops.expand_dims(some, 1)))
    return ops.where(some, ops.logsumexp(ops.where(chosen, x, float("-inf")), axis=1), float("-inf"))


@builtin("keras.losses")
class Circle(NamedLoss):
    """`circle` as a loss: arguments as there and in `Loss`."""

    def __init__(self, gamma: float = 80.0, margin: float = 0.4, remove_diagonal: bool = True,
                 reduction: str | None = "sum_over_batch_size", name: str | None = "circle", dtype: Any = None):
        super().__init__(circle, reduction, name, dtype, gamma=gamma, margin=margin, remove_diagonal=remove_diagonal)
