"""Correlations and distances of vectors."""

from typing import Any

import numpy as np

from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.building import as_float
from kerasish.ops.comparison import where
from kerasish.ops.elementwise import absolute, conj, sqrt, square
from kerasish.ops.indexing import take
from kerasish.ops.products import matmul
from kerasish.ops.reduction import mean, sum
from kerasish.ops.shape import expand_dims, flip, pad, transpose

__all__ = ["cdist", "corrcoef", "correlate"]


@public
def corrcoef(x: Any) -> Tensor:
    """Pearson's correlation coefficients of variables.

    Args:
        x: tensor of shape (variables, observations), or (observations,) for a single variable.

    Returns:
        Tensor of shape (variables, variables), or of no axes.
    """
    x = as_float(x)
    if x.ndim > 2:
        raise ValueError(f"ops.corrcoef needs one or two axes, got shape {x.shape}")
    away = x - mean(x, axis=-1, keepdims=True)
    rows = away / sqrt(sum(square(absolute(away)), axis=-1, keepdims=True))
    return matmul(rows, conj(transpose(rows)))


@public
def correlate(x1: Any, x2: Any, mode: str = "valid") -> Tensor:
    """Cross-correlation out[k] = sum over n of x1[n + k] conj(x2[n]) of two sequences.

    Args:
        x1: tensor of shape (m,).
        x2: tensor of shape (n,).
        mode: "valid": the max(m, n) - min(m, n) + 1 places of full overlap; "same": the middle max(m, n)
            places; "full": all m + n - 1 places of any overlap.

    Raises:
        ValueError: a sequence is empty or has not one axis, or the mode is unknown.
    """
    x1, x2 = as_float(x1, x2)
    if x1.ndim != 1 or x2.ndim != 1 or not x1.size or not x2.size:
        raise ValueError(f"ops.correlate needs two sequences that are not empty, got shapes {x1.shape}, {x2.shape}")
    if mode not in ("valid", "same", "full"):
        raise ValueError(f"`mode` must be 'valid', 'same' or 'full', got {mode!r}")
    if x2.size > x1.size:
        return flip(conj(correlate(x2, x1, mode)))
    n = x2.size
    before = {"valid": 0, "same": n // 2, "full": n - 1}[mode]
    after = {"valid": 0, "same": (n - 1) // 2, "full": n - 1}[mode]
    x1 = pad(x1, ((before, after),))
    places = np.arange(x1.size - n + 1, dtype="int32")[:, None] + np.arange(n, dtype="int32")
    return matmul(take(x1, places), conj(x2))


@public
def cdist(x: Any, y: Any) -> Tensor:
    """Euclidean distances of all vectors of one set to all of another.

    Args:
        x: tensor of shape (..., m, d).
        y: tensor of shape (..., n, d).

    Returns:
        Tensor of shape (..., m, n). The gradient at distance 0 is 0.

    Raises:
        ValueError: fewer than two axes, or vectors of different lengths.
    """
    x, y = as_float(x, y)
    if x.ndim < 2 or y.ndim < 2 or x.shape[-1] != y.shape[-1]:
        raise ValueError(f"ops.cdist needs shapes (..., m, d) and (..., n, d), got {x.shape} and {y.shape}")
    squares = sum(square(expand_dims(x, -2) - expand_dims(y, -3)), axis=-1)
    apart = squares > 0
    return where(apart, sqrt(where(apart, squares, 1)), 0)
