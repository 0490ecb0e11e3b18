"""Categories, given by number, written as vectors: one-hot, multi-hot, counts."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor

MODES = ("int", "one_hot", "multi_hot", "count")
_OLD_NAMES = {"binary": "multi_hot", "tf-idf": "tf_idf"}


def checked_mode(output_mode: Any, allowed: tuple[str, ...], layer: str) -> str:
    """Return the name of an output mode, older names replaced.

    Raises:
        ValueError: the layer has no such mode.
    """
    mode = _OLD_NAMES.get(output_mode, output_mode) if isinstance(output_mode, str) else output_mode
    if mode not in allowed:
        raise ValueError(f"Unknown arg for output_mode: {output_mode}. That of {layer} must be one of {allowed}")
    return mode


def refuse_sparse(sparse: Any, layer: str) -> None:
    """Refuse to write sparse tensors.

    Raises:
        ValueError: they are asked for.
    """
    if sparse:
        raise ValueError(f"{layer} cannot make sparse tensors: leave out `sparse`")


def encode(x: Any, mode: str, depth: int, dtype: str, weights: Any = None) -> Tensor:
    """Return categories as vectors of a length; numbers outside 0..depth-1 leave no trace.

    Args:
        x: integers. In the modes "multi_hot" and "count" its second axis (the only one of a vector) holds what
            belongs to one sample, and gives way to the vectors' axis, which comes last.
        mode: "int" (no change), "one_hot" (a vector a number; a last axis of length 1 is dropped), "multi_hot"
            (ones for the numbers that occur) or "count" (how often each occurs).
        depth: length of the vectors.
        dtype: of the result.
        weights: (mode "count") what each number counts, in the shape of `x`.
    """
    if mode == "int":
        return ops.cast(x, dtype)
    x = ops.reshape(x, (1,)) if x.ndim == 0 else x
    if mode == "one_hot":
        x = ops.squeeze(x, axis=-1) if x.ndim > 1 and x.shape[-1] == 1 else x
        return ops.one_hot(x, depth, dtype=dtype)
    counts = _counted(x, depth, dtype, weights)
    return ops.cast(counts > 0, dtype) if mode == "multi_hot" else counts


def _counted(x: Any, depth: int, dtype: str, weights: Any) -> Tensor:
    """Sums of weights by number. A table of (samples * depth) sums needs no one-hot vectors, which can be large."""
    axis = 1 if x.ndim > 1 else 0
    x = ops.moveaxis(x, axis, -1)
    lead, tokens = x.shape[:-1], x.shape[-1]
    rows = int(np.prod(lead))
    x = ops.cast(ops.reshape(x, (rows, tokens)), "int64")
    place = ops.where(ops.logical_and(x >= 0, x < depth), x + (np.arange(rows) * depth)[:, None], -1)
    values = ops.ones((rows * tokens,), dtype=dtype) if weights is None else ops.reshape(
        ops.moveaxis(weights, axis, -1), (-1,))
    sums = ops.segment_sum(values, ops.reshape(place, (-1,)), num_segments=rows * depth)
    return ops.reshape(sums, (*lead, depth))


def encoded_shape(shape: Any, mode: str, depth: int | None) -> tuple[int | None, ...]:
    """Return the shape of `encode`'s result."""
    shape = tuple(shape)
    if mode == "int":
        return shape
    if mode == "one_hot":
        shape = shape or (1,)
        return (*(shape[:-1] if len(shape) > 1 and shape[-1] == 1 else shape), depth)
    return (*shape[:1], *shape[2:], depth) if len(shape) > 1 else (depth,)
