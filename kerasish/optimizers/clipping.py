"""Gradients that are too long made shorter."""

from typing import Any

from kerasish import ops


def clip_by_norm(g: Any, limit: float) -> Any:
    """Return a gradient whose norm is at most `limit`, in its direction: `g limit / max(|g|, limit)`."""
    norm = ops.sqrt(ops.sum(ops.square(g)))
    return ops.multiply(g, ops.divide(limit, ops.maximum(norm, limit)))


def clip_by_global_norm(grads: list, limit: float) -> list:
    """Return gradients whose norm, of all together, is at most `limit`; all NaN if that norm is not finite."""
    norm = ops.sqrt(ops.sum(ops.stack([ops.sum(ops.square(g)) for g in grads])))
    scale = ops.divide(limit, ops.maximum(norm, limit))
    scale = ops.add(scale, ops.subtract(norm, norm))
    return [ops.multiply(g, ops.cast(scale, g.dtype)) for g in grads]
