"""Colours of images."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import float_of, is_float
from kerasish.core.op import public
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.image.layout import Layout

GRAYSCALE = (0.2989, 0.5870, 0.1140)  # ITU-R BT.601 luma


def _require_colours(images: Tensor, axis: int) -> None:
    if images.shape[axis] != 3:
        raise ValueError(f"colours have three channels, got shape {images.shape} with {images.shape[axis]}")
    if not is_float(images.dtype):
        raise ValueError(f"Invalid images dtype: expected float dtype, got {images.dtype.name}")


@public(name="image_rgb_to_grayscale")
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """Return the luma `0.2989 R + 0.5870 G + 0.1140 B`, with one channel; one channel stays as it is."""
    images = to_tensor(images)
    axis = Layout(images, data_format).c
    if images.shape[axis] not in (1, 3):
        raise ValueError(f"images have three channels (red, green, blue) or one, got {images.shape[axis]}")
    if images.shape[axis] == 1:
        return images
    x = OPS["cast"](images, float_of(images.dtype))
    weights = np.reshape(np.array(GRAYSCALE, "float32"), [3 if a == axis else 1 for a in range(x.ndim)])
    luma = OPS["sum"](x * to_tensor(weights, x.dtype.name), axis=axis, keepdims=True)
    return OPS["cast"](luma, images.dtype.name)


@public(name="image_rgb_to_hsv")
def rgb_to_hsv(images: Any, data_format: str | None = None) -> Tensor:
    """Return hue, saturation and value in [0, 1] for red, green and blue in [0, 1]."""
    images = to_tensor(images)
    axis = Layout(images, data_format).c
    _require_colours(images, axis)
    where = OPS["where"]
    tiny = {"float16": 2.0**-10, "bfloat16": 2.0**-7, "float64": 2.0**-52}.get(images.dtype.name, 2.0**-23)
    images = where(OPS["absolute"](images) < tiny, 0.0, images)
    red, green, blue = OPS["unstack"](images, axis=axis)
    value = OPS["max"](images, axis=axis)
    spread = value - OPS["min"](images, axis=axis)
    saturation = where(value > 0, spread / where(value > 0, value, 1.0), 0.0)
    sixth = 1.0 / (6.0 * where(spread > 0, spread, 1.0))
    hue = where(value == green, sixth * (blue - red) + 2 / 6, sixth * (red - green) + 4 / 6)
    hue = where(value == red, sixth * (green - blue), hue)
    hue = where(spread > 0, where(hue < 0, hue + 1.0, hue), 0.0)
    return OPS["stack"]([hue, saturation, value], axis=axis)


@public(name="image_hsv_to_rgb")
def hsv_to_rgb(images: Any, data_format: str | None = None) -> Tensor:
    """Return red, green and blue in [0, 1] for hue, saturation and value in [0, 1]."""
    images = to_tensor(images)
    axis = Layout(images, data_format).c
    _require_colours(images, axis)
    hue, saturation, value = OPS["unstack"](images, axis=axis)
    sector = OPS["mod"](hue, 1.0) * 6.0
    pure = (OPS["absolute"](sector - 3.0) - 1.0, 2.0 - OPS["absolute"](sector - 2.0),
            2.0 - OPS["absolute"](sector - 4.0))
    planes = [value * (1.0 - saturation + saturation * OPS["clip"](p, 0.0, 1.0)) for p in pure]
    return OPS["stack"](planes, axis=axis)
