"""Where bounding boxes lie after the points of their image were moved."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.ops.bounding_boxes import FORMATS


def checked_format(name: Any) -> str:
    """Return the name of a format of boxes in lower case.

    Raises:
        ValueError: there is no such format.
    """
    found = name.lower() if isinstance(name, str) else name
    if found not in FORMATS:
        raise ValueError(f"argument `bounding_box_format` must be one of {', '.join(FORMATS)}, got {name!r}")
    return found


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


def inverse(transform: Tensor) -> Tensor:
    """Return where points go, (batch, 6), for a transform (batch, 8) that tells where pixels come from.

    Pixel i lies at the coordinate i + 1/2 of a box.
    """
    a0, a1, a2, b0, b1, b2, _, _ = ops.unstack(ops.cast(transform, "float32"), axis=-1)
    a2, b2 = a2 + 0.5 - 0.5 * (a0 + a1), b2 + 0.5 - 0.5 * (b0 + b1)
    d = a0 * b1 - a1 * b0
    return ops.stack([b1 / d, -a1 / d, (a1 * b2 - b1 * a2) / d, -b0 / d, a0 / d, (b0 * a2 - a0 * b2) / d], axis=-1)
