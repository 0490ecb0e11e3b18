"""Masks of attention: who may see whom."""

import contextlib
import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish import ops


def causal(targets: int, sources: int) -> np.ndarray:
    """Return (1, targets, sources): True where the source is not after the target."""
    return np.tri(targets, sources, dtype=bool)[None]


def near(targets: int, sources: int, window: int) -> np.ndarray:
    """Return (1, targets, sources): True where source and target are less than `window` steps apart."""
    return np.abs(np.arange(targets)[:, None] - np.arange(sources))[None] < window


def joined(masks: list[Any]) -> Any:
    """Return where all masks hold, those that are None left out; None if there is none."""
    given = [ops.cast(m, "bool") for m in masks if m is not None]
    return functools.reduce(ops.logical_and, given) if given else None


def over_sources(mask: Any) -> Any:
    """Return the mask (batch, sources) of the sources as (batch, 1, sources)."""
    return None if mask is None else ops.expand_dims(mask, -2)


def over_targets(mask: Any) -> Any:
    """Return the mask (batch, targets) of the targets as (batch, targets, 1)."""
    return None if mask is None else ops.expand_dims(mask, -1)


@contextlib.contextmanager
def hidden(*tensors: Any) -> Iterator[None]:
    """Take the masks off tensors for a while: layers inside, which know of none, need not warn."""
    kept = [(x, x._keras_mask) for x in tensors if getattr(x, "_keras_mask", None) is not None]
    for x, _ in kept:
        x._keras_mask = None
    try:
        yield
    finally:
        for x, mask in kept:
            x._keras_mask = mask
