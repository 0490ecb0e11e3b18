"""Bounding boxes: their formats, and what becomes of them when an image is moved and cut."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
NO_OBJECT = -1  # the label of a box that nothing is left of


def checked_format(name: Any) -> str:
    """Return the name of a format in lower case.

    Raises:
        ValueError: there is no such format.
    """
    found = name.lower() if isinstance(name, str) else name
    if found not in FORMATS:
        raise ValueError(f"argument `bounding_box_format` must be one of {FORMATS}, got {name!r}")
    return found


def to_corners(boxes: Any, source: str, height: int, width: int) -> Tensor:
    """Return boxes (..., 4) of a format as left, top, right, bottom, in pixels."""
    a, b, c, d = ops.unstack(ops.cast(boxes, "float32"), axis=-1)
    if source.removeprefix("rel_") == "yxyx" or source == "center_yxhw":
        a, b, c, d = b, a, d, c
    if "wh" in source or "hw" in source:
        if "center" in source:
            a, b = a - c / 2, b - d / 2
        c, d = a + c, b + d
    if source.startswith("rel_"):
        a, b, c, d = a * width, b * height, c * width, d * height
    return ops.stack([a, b, c, d], axis=-1)


def from_corners(corners: Tensor, target: str, height: int, width: int) -> Tensor:
    """Return boxes given by left, top, right, bottom, in pixels, in a format."""
    a, b, c, d = ops.unstack(corners, axis=-1)
    if target.startswith("rel_"):
        a, b, c, d = a / width, b / height, c / width, d / height
    if "wh" in target or "hw" in target:
        c, d = c - a, d - b
        if "center" in target:
            a, b = a + c / 2, b + d / 2
    if target.removeprefix("rel_") == "yxyx" or target == "center_yxhw":
        a, b, c, d = b, a, d, c
    return ops.stack([a, b, c, d], axis=-1)


def moved(corners: Tensor, forward: Tensor) -> Tensor:
    """Return the smallest upright boxes around boxes that were moved.

    Args:
        corners: (batch, boxes, 4): left, top, right, bottom.
        forward: (batch, 6): a point (x, y) comes to lie at (f0 x + f1 y + f2, f3 x + f4 y + f5); or (batch, 8), then
            both are divided by f6 x + f7 y + 1.
    """
    left, top, right, bottom = ops.unstack(corners, axis=-1)
    x, y = ops.stack([left, right, left, right], axis=-1), ops.stack([top, top, bottom, bottom], axis=-1)
    f = ops.unstack(ops.reshape(ops.cast(forward, "float32"), (-1, forward.shape[-1], 1, 1)), axis=1)
    scale = f[6] * x + f[7] * y + 1.0 if len(f) == 8 else 1.0
    new_x, new_y = (f[0] * x + f[1] * y + f[2]) / scale, (f[3] * x + f[4] * y + f[5]) / scale
    return ops.stack([ops.min(new_x, axis=-1), ops.min(new_y, axis=-1), ops.max(new_x, axis=-1),
                      ops.max(new_y, axis=-1)], axis=-1)


def clipped(corners: Tensor, labels: Any, height: int, width: int) -> tuple[Tensor, Any]:
    """Return boxes cut off at the border of the image, and labels: -1 where nothing is left of a box."""
    left, top, right, bottom = ops.unstack(corners, axis=-1)
    left, right = ops.clip(left, 0.0, float(width)), ops.clip(right, 0.0, float(width))
    top, bottom = ops.clip(top, 0.0, float(height)), ops.clip(bottom, 0.0, float(height))
    if labels is not None:
        labels = ops.where((right - left) * (bottom - top) > 0, labels, NO_OBJECT)
    return ops.stack([left, top, right, bottom], axis=-1), labels


def inverse(transform: Tensor) -> Tensor:
    """Return where points go, (batch, 6), for a transform (batch, 8) that tells where pixels come from.

    Pixel i lies at the coordinate i + 1/2 of a box.
    """
    a0, a1, a2, b0, b1, b2, _, _ = ops.unstack(ops.cast(transform, "float32"), axis=-1)
    a2, b2 = a2 + 0.5 - 0.5 * (a0 + a1), b2 + 0.5 - 0.5 * (b0 + b1)
    d = a0 * b1 - a1 * b0
    return ops.stack([b1 / d, -a1 / d, (a1 * b2 - b1 * a2) / d, -b0 / d, a0 / d, (b0 * a2 - a0 * b2) / d], axis=-1)
