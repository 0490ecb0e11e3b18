"""How the losses of the samples become one number: weights, masks, sums and means."""

from typing import Any

from kerasish import ops
from kerasish.losses.pairing import match_ranks

REDUCTIONS = ("sum_over_batch_size", "sum", "mean", "mean_with_sample_weight", "none", None)


def check_reduction(reduction: str | None) -> str | None:
    """Return a reduction.

    Raises:
        ValueError: it is none that we know.
    """
    if reduction not in REDUCTIONS:
        raise ValueError(f"Invalid value for argument `reduction`: {reduction!r}; it must be one of {REDUCTIONS}")
    return reduction


def mask_of(x: Any) -> Any:
    """Return the mask that a tensor carries, None if it carries none."""
    return getattr(x, "_keras_mask", None)


def match_weights(values: Any, weights: Any) -> tuple[Any, Any]:
    """Return values and weights that broadcast: one weight a sample counts for all that the sample has.

    Args:
        values: tensor (batch, ...).
        weights: tensor whose axes are the first ones of `values`, or that broadcasts against it.

    Raises:
        ValueError: they do not fit each other.
    """
    values, weights = match_ranks(values, weights)
    v, w = tuple(values.shape), tuple(weights.shape)
    if 0 < len(w) < len(v) and all(m in (1, n, None) or n is None for m, n in zip(w, v)):
        for _ in range(len(v) - len(w)):
            weights = ops.expand_dims(weights, -1)
    elif v and (len(w) > len(v) or not all(m == n or 1 in (m, n) or None in (m, n) for m, n in zip(w[::-1], v[::-1]))):
        raise ValueError(f"sample_weight (or the mask) of shape {w} does not fit losses of shape {v}: give one weight "
                         "a sample, or one for each loss")
    return values, weights


def apply_mask(weights: Any, mask: Any, dtype: str, reduction: str | None) -> Any:
    """Return weights with those of masked elements zero; None if there are neither weights nor a mask.

    For means the other weights grow so that masked elements do not count: the mask is divided by its mean.
    """
    if mask is None:
        return weights
    mask = ops.cast(ops.convert_to_tensor(mask), dtype)
    if reduction in ("mean", "sum_over_batch_size"):
        mask = ops.divide_no_nan(mask, ops.mean(mask))
    if weights is None:
        return mask
    mask, weights = match_weights(mask, ops.convert_to_tensor(weights, dtype=dtype))
    return ops.multiply(mask, weights)


def reduce_weighted_values(values: Any, sample_weight: Any = None, mask: Any = None,
                           reduction: str | None = "sum_over_batch_size", dtype: Any = None) -> Any:
    """Return the losses of a batch as one number (or as they are, with reduction "none").

    Args:
        values: losses (batch, ...).
        sample_weight: their weights; for each sample, or for each loss.
        mask: True where a loss counts.
        reduction: "sum"; "sum_over_batch_size" or "mean": the sum by the number of losses;
            "mean_with_sample_weight": the sum by the sum of the weights; "none" or None.
        dtype: in which to compute; by default that of `values`.
    """
    values = ops.convert_to_tensor(values, dtype=dtype)
    weights = None if sample_weight is None else ops.convert_to_tensor(sample_weight, dtype=values.dtype)
    weights = apply_mask(weights, mask, values.dtype, reduction)
    if weights is not None:
        values, weights = match_weights(values, weights)
        values = ops.multiply(values, weights)
    shape = tuple(values.shape)
    if reduction in (None, "none") or shape in ((), (0,)):
        return values
    if reduction == "mean_with_sample_weight" and weights is not None:
        return ops.divide_no_nan(ops.sum(values), ops.sum(weights))
    # The mean of no losses is zero.
    return ops.sum(values) if reduction == "sum" or 0 in shape else ops.mean(values)
