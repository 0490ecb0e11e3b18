"""Connectionist temporal classification: how probable a sequence of labels is, wherever in time they stand."""

from typing import Any

from kerasish import ops
from kerasish.core.op import public
from kerasish.losses.loss import NamedLoss
from kerasish.losses.pairing import misfit
from kerasish.utils.registry import builtin


@builtin("keras.losses")
@public(name="losses.ctc")
def ctc(y_true: Any, y_pred: Any) -> Any:
    """-log P(y_true | softmax(y_pred)), summed over all alignments.

    Args:
        y_true: integer labels (batch, labels), filled up with 0, which is no label but the blank.
        y_pred: logits (batch, time, classes).

    Returns:
        Tensor (batch,).

    Raises:
        ValueError: the shapes do not fit.

    Source: Graves et al., Connectionist Temporal Classification (2006).
    """
    y_true, y_pred = ops.cast(y_true, "int32"), ops.convert_to_tensor(y_pred)
    if y_true.ndim != 2 or y_pred.ndim != 3 or y_true.shape[0] != y_pred.shape[0]:
        raise misfit("ctc", "have the shapes (batch, labels) and (batch, time, classes)", y_true.shape, y_pred.shape)
    lengths = ops.sum(ops.cast(ops.not_equal(y_true, 0), "int32"), axis=-1)
    times = ops.full((y_pred.shape[0],), y_pred.shape[1], dtype="int32")
    return ops.ctc_loss(y_true, y_pred, lengths, times, mask_index=0)


ctc.integer_targets = True


@builtin("keras.losses")
class CTC(NamedLoss):
    """`ctc` as a loss: arguments as in `Loss`."""

    def __init__(self, reduction: str | None = "sum_over_batch_size", name: str | None = "ctc", dtype: Any = None):
        super().__init__(ctc, reduction, name, dtype)
