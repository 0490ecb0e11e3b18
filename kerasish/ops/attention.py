"""Scaled dot-product attention."""

import math
from typing import Any

import numpy as np

from kerasish.core.dispatch import promoted_dtype, to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.comparison import greater_equal, logical_and, where
from kerasish.ops.products import matmul
from kerasish.ops.shape import expand_dims, reshape, transpose
from kerasish.ops.softmax import softmax

__all__ = ["dot_product_attention"]


@public
def dot_product_attention(query: Any, key: Any, value: Any, bias: Any = None, mask: Any = None,
                          scale: float | None = None, is_causal: bool = False, flash_attention: bool | None = None,
                          attn_logits_soft_cap: float | None = None) -> Tensor:
    """softmax(scale query key^T + bias) value, for each head by itself.

    Half precision is multiplied out and normalized in float32. Where the mask forbids every source, all count alike.

    Args:
        query: `(batch, targets, heads, depth)`.
        key: `(batch, sources, groups, depth)`; each key serves heads / groups heads.
        value: `(batch, sources, groups, value_depth)`.
        bias: added to the logits; broadcasts to `(batch, heads, targets, sources)`.
        mask: boolean, True where a target may see a source; broadcasts like the bias.
        scale: factor of the logits; by default 1 / sqrt(depth).
        is_causal: whether target t sees no source after t.
        flash_attention: taken for Keras's sake; the result is the same.
        attn_logits_soft_cap: must be None.

    Returns:
        Tensor `(batch, targets, heads, value_depth)`.

    Raises:
        ValueError: an input has not four axes, the heads are no multiple of the groups, or a soft cap is given.

    Source: Vaswani et al., 2017.
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("a soft cap of the logits is not supported: leave `attn_logits_soft_cap` None")
    q, k, v = (to_tensor(x) for x in (query, key, value))
    _check(q, k, v)
    dtype = promoted_dtype("float", (q, k, v))
    half = dtype in ("float16", "bfloat16")
    wide = "float32" if half else dtype
    heads, groups = q.shape[2], k.shape[2]
    q, k, v = _heads_first(q.astype(wide), groups), _heads_first(k.astype(wide), groups), v.astype(dtype)
    logits = matmul(q * (1 / math.sqrt(q.shape[-1]) if scale is None else scale), transpose(k, (0, 1, 2, 4, 3)))
    if bias is not None:
        logits = logits + _grouped(to_tensor(bias, wide), heads, groups)
    allowed = _allowed(mask, is_causal, logits, heads, groups)
    if allowed is not None:
        logits = where(allowed, logits, -0.7 * float(np.finfo(wide).max))
    out = matmul(softmax(logits).astype(dtype), _heads_first(v, groups))
    batch, _, _, targets, depth = out.shape
    return reshape(transpose(out, (0, 3, 1, 2, 4)), (batch, targets, heads, depth))


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    if (q.ndim, k.ndim, v.ndim) != (4, 4, 4):
        raise ValueError("dot_product_attention needs query, key and value of four axes (batch, time, heads, depth), "
                         f"got shapes {q.shape}, {k.shape} and {v.shape}")
    if not k.shape[2] or q.shape[2] % k.shape[2] or k.shape[:3] != v.shape[:3] or q.shape[-1] != k.shape[-1]:
        raise ValueError("query, key and value do not fit each other: expected (batch, targets, heads, depth), (batch, "
                         "sources, groups, depth) and (batch, sources, groups, any) with heads a multiple of groups, "
                         f"got {q.shape}, {k.shape} and {v.shape}")


def _heads_first(x: Tensor, groups: int) -> Tensor:
    """Return `(batch, time, heads, depth)` as `(batch, groups, heads / groups, time, depth)`."""
    batch, time, heads, depth = x.shape
    return transpose(reshape(x, (batch, time, groups, heads // groups, depth)), (0, 2, 3, 1, 4))


def _grouped(x: Tensor, heads: int, groups: int) -> Tensor:
    """Return what broadcasts to `(batch, heads, targets, sources)` so that it does with the heads in groups."""
    while x.ndim < 4:
        x = expand_dims(x, 0)
    if x.shape[1] == 1:
        return expand_dims(x, 1)
    return reshape(x, (x.shape[0], groups, heads // groups, *x.shape[2:]))


def _allowed(mask: Any, is_causal: bool, logits: Tensor, heads: int, groups: int) -> Tensor | None:
    causal = None
    if is_causal:
        targets, sources = (np.arange(n, dtype="int32") for n in logits.shape[-2:])
        causal = greater_equal(targets[:, None], sources)
    if mask is None:
        return causal
    mask = _grouped(to_tensor(mask).astype("bool"), heads, groups)
    return mask if causal is None else logical_and(mask, causal)
