"""Random rectangles in images."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor


def span(length: int, share: Tensor, place: Tensor) -> tuple[Tensor, Tensor]:
    """Return where a part of an axis starts and ends, given its share of the length and its place, from 0 to 1."""
    start = place * (length - share * length)
    return start, start + share * length


def rectangle_mask(shape: tuple[int, ...], axes: tuple[int, int, int], down: Any, across: Any) -> Tensor:
    """Return which pixels lie in a rectangle, a mask that broadcasts to images.

    Args:
        shape: of the images.
        axes: height, width, channels.
        down, across: start and end of each image's rectangle, (batch,) each.
    """
    mask: Any = True
    for axis, (start, end) in zip(axes, (down, across)):
        grid = [1] * len(shape)
        grid[axis] = shape[axis]
        pixel = np.arange(shape[axis], dtype="float32").reshape(grid)
        start, end = (ops.reshape(v, (-1, 1, 1, 1)) for v in (start, end))
        mask = ops.logical_and(mask, ops.logical_and(pixel >= start, pixel < end))
    return mask
