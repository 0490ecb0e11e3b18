"""Scaled dot-product attention."""

import math
from typing import Any

import numpy as np

from kerasish.core.dispatch import promoted_dtype, state, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, agree, meet
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.comparison import greater_equal, logical_and, where
from kerasish.ops.products import matmul
from kerasish.ops.shape import broadcast_to, expand_dims, reshape, transpose
from kerasish.ops.softmax import quiet_softmax

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
        scale: factor of the logits, a number or a tensor without axes; by default 1 / sqrt(depth).
        is_causal: whether target t sees no source after t.
        flash_attention: taken for Keras's sake; the result is the same.
        attn_logits_soft_cap: must be None.

    Returns:
        Tensor `(batch, targets, heads, value_depth)`.

    Raises:
        ValueError: an input has not four axes, or the mask more; the heads are no multiple of the groups; or a soft
            cap is given.

    Source: Vaswani et al., 2017.
    """
    if attn_logits_soft_cap is not None:
        raise ValueError("a soft cap of the logits is not supported: leave `attn_logits_soft_cap` None")
    q, k, v = (to_tensor(x) for x in (query, key, value))
    _check(q, k, v)
    dtype = promoted_dtype("float", (q, k, v))
    wide = "float32" if dtype in ("float16", "bfloat16") else dtype
    q, k, v = q.astype(wide), k.astype(wide), v.astype(wide)
    if scale is not None and not isinstance(scale, int | float | np.number):  # a tensor, which may have a gradient
        q, scale = q * scale, 1.0
    scale = 1 / math.sqrt(q.shape[-1]) if scale is None else float(scale)
    if mask is not None:
        mask = _of_four_axes(to_tensor(mask).astype("bool"))
        if mask.ndim != 4:
            raise ValueError("argument `mask` must broadcast to (batch, heads, targets, sources), got shape "
                             f"{mask.shape}")
        if mask.shape[3] == 1:
            mask = broadcast_to(mask, (*mask.shape[:3], k.shape[1]))
    if bias is None and _fits(q, k, mask):
        out, _ = _attention(q, k, v, *([] if mask is None else [mask]), scale=scale, causal=bool(is_causal))
    else:
        out = _by_products(q, k, v, None if bias is None else to_tensor(bias, wide), mask, scale, is_causal)
    return out.astype(dtype)


def _check(q: Tensor, k: Tensor, v: Tensor) -> None:
    if (q.ndim, k.ndim, v.ndim) != (4, 4, 4):
        raise ValueError("dot_product_attention needs query, key and value of four axes (batch, time, heads, depth), "
                         f"got shapes {q.shape}, {k.shape} and {v.shape}")
    if not k.shape[2] or q.shape[2] % k.shape[2] or k.shape[:3] != v.shape[:3] or q.shape[-1] != k.shape[-1]:
        raise ValueError("query, key and value do not fit each other: expected (batch, targets, heads, depth), (batch, "
                         "sources, groups, depth) and (batch, sources, groups, any) with heads a multiple of groups, "
                         f"got {q.shape}, {k.shape} and {v.shape}")


def _fits(q: Tensor, k: Tensor, mask: Tensor | None) -> bool:
    """Tell whether one op serves: nothing but the mask is broadcast, and there are sources."""
    full = (q.shape[0], q.shape[2], q.shape[1], k.shape[1])
    return bool(k.shape[1]) and agree(q.shape[0], k.shape[0]) and (
        mask is None or all(m == 1 or agree(m, n) for m, n in zip(mask.shape, full, strict=True)))


def _by_products(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None, mask: Tensor | None, scale: float,
                 causal: bool) -> Tensor:
    """Attention in ops that hold all scores."""
    heads, groups = q.shape[2], k.shape[2]
    p, _ = _probabilities(q, k, bias, mask, scale, causal)
    out = matmul(p, _heads_first(v, groups))
    batch, _, _, targets, depth = out.shape
    return reshape(transpose(out, (0, 3, 1, 2, 4)), (batch, targets, heads, depth))


def _probabilities(q: Tensor, k: Tensor, bias: Tensor | None, mask: Tensor | None, scale: float,
                   causal: bool) -> tuple[Tensor, Tensor | None]:
    """Return softmax(scores), (batch, groups, heads of a group, targets, sources), and where scores count."""
    heads, groups = q.shape[2], k.shape[2]
    logits = matmul(_heads_first(q, groups) * scale, _turned(_heads_first(k, groups)))
    if bias is not None:
        logits = logits + _grouped(_of_four_axes(bias), heads, groups)
    allowed = None if mask is None else _grouped(mask, heads, groups)
    if causal:
        targets, sources = (np.arange(n, dtype="int32") for n in logits.shape[-2:])
        before = greater_equal(targets[:, None], sources)
        allowed = before if allowed is None else logical_and(allowed, before)
    if allowed is not None:
        logits = where(allowed, logits, -0.7 * float(np.finfo(logits.dtype.name).max))
    return quiet_softmax(logits), allowed


def _heads_first(x: Tensor, groups: int) -> Tensor:
    """Return `(batch, time, heads, depth)` as `(batch, groups, heads / groups, time, depth)`."""
    batch, time, heads, depth = x.shape
    return transpose(reshape(x, (batch, time, groups, heads // groups, depth)), (0, 2, 3, 1, 4))


def _turned(x: Tensor) -> Tensor:
    return transpose(x, (0, 1, 2, 4, 3))


def _of_four_axes(x: Tensor) -> Tensor:
    while x.ndim < 4:
        x = expand_dims(x, 0)
    return x


def _grouped(x: Tensor, heads: int, groups: int) -> Tensor:
    """Return what broadcasts to `(batch, heads, targets, sources)` so that it does with the heads in groups."""
    if x.shape[1] == 1:
        return expand_dims(x, 1)
    return reshape(x, (x.shape[0], groups, heads // groups, *x.shape[2:]))


def _attention_vjp(g, q, k, v, out, mask, scale, causal):
    if state.tapes:  # somebody wants the gradient of this gradient
        gradients = _gradients_by_products(g[0], q, k, v, mask[0] if mask else None, scale, causal)
    else:
        gradients = _attention_grad(g[0], q, k, v, *out, *mask, scale=scale, causal=causal)
    return (*gradients, *[None] * len(mask))


def _attention_spec(q, k, v, *mask, scale, causal):
    batch, targets, heads = meet(q.shape[0], k.shape[0]), q.shape[1], q.shape[2]
    return Spec((batch, targets, heads, v.shape[-1]), q.dtype), Spec((batch, heads, targets), q.dtype)


# Of q (batch, targets, heads, depth), k and v (batch, sources, groups, any) and perhaps a mask, (batch, heads, targets,
# sources) where all but the sources may be 1: the result, and log(sum(exp(scores))) (batch, heads, targets), which is
# for the gradient alone. Neither op holds more than a few rows of the scores.
_attention = Card("attention", ("q", "k", "v", "*mask"), spec=_attention_spec, vjp=_attention_vjp)
_attention_grad = Card("attention_grad", ("g", "q", "k", "v", "out", "lse", "*mask"),
                       spec=lambda g, q, k, v, *_, scale, causal: tuple(Spec(x.shape, x.dtype) for x in (q, k, v)))


def _gradients_by_products(g, q, k, v, mask, scale, causal):
    """What the kernel `attention_grad` computes, in ops that can be differentiated."""
    groups = k.shape[2]
    p, allowed = _probabilities(q, k, None, mask, scale, causal)
    grad, queries, keys, values = (_heads_first(x, groups) for x in (g, q, k, v))
    slope = matmul(grad, _turned(values))
    slope = p * (slope - reduction.sum(p * slope, axis=-1, keepdims=True)) * scale
    if allowed is not None:
        slope = where(allowed, slope, 0)
    gq = reshape(transpose(matmul(slope, keys), (0, 3, 1, 2, 4)), q.shape)
    gk, gv = (transpose(reduction.sum(matmul(_turned(x), y), axis=2), (0, 2, 1, 3))
              for x, y in ((slope, queries), (p, grad)))
    return gq, gk, gv
