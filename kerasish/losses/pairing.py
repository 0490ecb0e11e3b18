"""Do targets fit predictions? Ranks that differ by a trailing 1 are matched, other misfits are errors."""

from typing import Any

from kerasish import ops


def match_ranks(x1: Any, x2: Any, expand_rank_1: bool = True) -> tuple[Any, Any]:
    """Return two tensors with the last axis of the one that has an axis more, if it has length 1, taken away.

    Args:
        x1: one tensor.
        x2: the other.
        expand_rank_1: whether the other, if it has one axis, gets a second one instead.
    """
    if len(x1.shape) == len(x2.shape) + 1 and x1.shape[-1] == 1:
        if expand_rank_1 and len(x2.shape) == 1:
            return x1, ops.expand_dims(x2, -1)
        return ops.squeeze(x1, -1), x2
    if len(x2.shape) == len(x1.shape) + 1 and x2.shape[-1] == 1:
        x2, x1 = match_ranks(x2, x1, expand_rank_1)
    return x1, x2


def pair(y_true: Any, y_pred: Any, what: str, exact: bool = False, hint: str = "") -> tuple[Any, Any]:
    """Return targets and predictions as tensors of one dtype (the predictions') and rank.

    Args:
        y_true: targets.
        y_pred: predictions.
        what: name of the loss or metric, for messages.
        exact: whether shapes must be equal; else an axis of length 1 may meet a longer one.
        hint: what to do about a misfit, for messages.

    Raises:
        ValueError: the shapes do not fit each other.
    """
    y_pred = ops.convert_to_tensor(y_pred)
    y_true, y_pred = match_ranks(ops.convert_to_tensor(y_true, dtype=y_pred.dtype), y_pred)
    t, p = tuple(y_true.shape), tuple(y_pred.shape)
    if t != p and not (t == () or p == () or (len(t) == len(p) and all(map(_agree, t, p, [exact] * len(t))))):
        raise misfit(what, f"have the same shape{'' if exact else ' (or length 1 along an axis)'}", t, p, hint)
    return y_true, y_pred


def _agree(m: int | None, n: int | None, exact: bool) -> bool:
    return m == n or m is None or n is None or (not exact and 1 in (m, n))


def misfit(what: str, expected: str, y_true: Any, y_pred: Any, hint: str = "") -> ValueError:
    """Return the error for targets that do not fit predictions."""
    return ValueError(f"{what}: y_true and y_pred must {expected}, got y_true of shape {tuple(y_true)} and y_pred "
                      f"of shape {tuple(y_pred)}{': ' + hint if hint else ''}")
