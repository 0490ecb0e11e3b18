"""The data that a layer is adapted to, one batch after another."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.core.tensor import Tensor


def is_whole(data: Any, lists: bool) -> bool:
    """Tell whether data is one array, and no sequence of batches.

    Args:
        data: what `adapt` was given.
        lists: whether a list or tuple is an array.
    """
    if isinstance(data, np.ndarray | Tensor | str | bytes) or (lists and isinstance(data, list | tuple)):
        return True
    return hasattr(data, "__array__") or not hasattr(data, "__iter__")


def batches_of(data: Any, who: str, steps: int | None = None) -> Iterator[Any]:
    """Return the inputs of the batches of a data set, a generator or another iterable.

    Args:
        data: yields batches of inputs, or tuples (inputs, targets, ...), of which the first part is taken.
        who: path of the layer, for the message.
        steps: how many batches to take; all by default.

    Raises:
        ValueError: there are none.
    """
    empty = True
    for batch in itertools.islice(data, steps):
        empty = False
        yield batch[0] if isinstance(batch, tuple) else batch
    if empty:
        raise ValueError(f"layer {who!r} cannot adapt to an empty iterable: the data has no batches")
