"""Parts cut out of images, and where points of the image lie in them."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor


def cut(images: Tensor, axes: tuple[int, int, int], top: Any, left: Any, height: int, width: int) -> Tensor:
    """Return a part of images, (height, width) from (top, left) on, which may be tensors."""
    h, w, _ = (a + images.ndim for a in axes)
    start: list[Any] = [0] * images.ndim
    size = list(images.shape)
    start[h], start[w], size[h], size[w] = top, left, height, width
    if any(isinstance(s, Tensor) for s in start):
        return ops.slice(images, ops.stack([ops.cast(s, "int32") for s in start]), size)
    return ops.slice(images, start, size)


def middle_part(height: int, width: int, new_height: int, new_width: int) -> tuple[int, int, int, int]:
    """Return (top, left, height, width) of the largest part in the middle of an image of another's aspect ratio."""
    h = max(min(height, int(width * new_height / new_width)), 1)
    w = max(min(width, int(height * new_width / new_height)), 1)
    return (height - h) // 2, (width - w) // 2, h, w


def forward_map(top: Any, left: Any, across: float = 1.0, down: float = 1.0) -> Tensor:
    """Return where points go, (1, 6), if a part from (top, left) on is cut out and then scaled."""
    entries = [across, 0.0, left * -across, 0.0, down, top * -down]
    return ops.reshape(ops.stack([ops.cast(e, "float32") for e in entries]), (1, 6))


def resized_middle_map(height: int, width: int, new_height: int, new_width: int) -> Tensor:
    """Return where points go if the middle of an image, of the new aspect ratio, is resized."""
    top, left, h, w = middle_part(height, width, new_height, new_width)
    return forward_map(top, left, new_width / w, new_height / h)
