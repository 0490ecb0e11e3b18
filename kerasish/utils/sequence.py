"""Sequences of different lengths made into one array."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Sequence[Sequence[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> np.ndarray:
    """Return sequences as one array, the short ones filled up and the long ones cut.

    Args:
        sequences: n sequences; their items may be arrays, all of one shape.
        maxlen: steps of the result; by default those of the longest sequence.
        dtype: of the result; `object` for strings of different lengths.
        padding: where a short sequence is filled up, "pre" (before it) or "post".
        truncating: where a long sequence loses items, "pre" (the first ones go) or "post".
        value: what fills up.

    Returns:
        Array of shape `(n, maxlen, *item shape)`.

    Raises:
        ValueError: something is not a sequence, items differ in shape, or an argument is no known choice.
    """
    for name, choice in (("padding", padding), ("truncating", truncating)):
        if choice not in ("pre", "post"):
            raise ValueError(f"{name} must be 'pre' or 'post', got {choice!r}")
    if isinstance(value, str) and np.dtype(dtype).kind not in "OUS":
        raise ValueError(f"`dtype` {dtype} is not compatible with the string {value!r}: use dtype=object")
    lengths = _lengths(sequences)
    steps = max(lengths, default=0) if maxlen is None else maxlen
    item_shape = next((np.shape(s)[1:] for s, length in zip(sequences, lengths) if length), ())
    out = np.full((len(lengths), steps, *item_shape), value, dtype=dtype)
    for i, (sequence, length) in enumerate(zip(sequences, lengths)):
        kept = min(length, steps)
        if kept == 0:
            continue
        part = np.asarray(sequence[length - kept :] if truncating == "pre" else sequence[:kept], dtype=dtype)
        if part.shape[1:] != item_shape:
            raise ValueError(f"items of sequence {i} have shape {part.shape[1:]}, expected {item_shape}")
        start = steps - kept if padding == "pre" else 0
        out[i, start : start + kept] = part
    return out


def _lengths(sequences: Sequence[Sequence[Any]]) -> list[int]:
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"argument `sequences` holds sequences, in a list, got {type(sequences).__name__}")
    for i, sequence in enumerate(sequences):
        if not hasattr(sequence, "__len__"):
            raise ValueError(f"argument `sequences` holds sequences, but item {i} is {sequence!r}")
    return [len(sequence) for sequence in sequences]
