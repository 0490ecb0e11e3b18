"""Images with borders added or taken away."""

from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.image.layout import Layout


def _amounts(what: str, length: int, before: Any, after: Any, target: Any, sign: int) -> tuple[int, int]:
    """Two of (before, after, target) give the third: `target = length + sign (before + after)`."""
    if [before, after, target].count(None) != 1:
        raise ValueError(f"exactly two of {what} must be given, got {before}, {after}, {target}")
    total = 0 if target is None else sign * (int(target) - length)  # is read only where one of the two is missing
    before = total - int(after) if before is None else int(before)
    after = total - before if after is None else int(after)
    if before < 0 or after < 0 or length + sign * (before + after) < 0:
        raise ValueError(f"{what} do not fit images of length {length}: they give {before}, {after} and "
                         f"{length + sign * (before + after)}")
    return before, after


@public(name="image_pad_images")
def pad_images(images: Any, top_padding: int | None = None, left_padding: int | None = None,
               bottom_padding: int | None = None, right_padding: int | None = None, target_height: int | None = None,
               target_width: int | None = None, data_format: str | None = None) -> Tensor:
    """Pad images with zeros; of top, bottom and target height two are given, of left, right and target width two."""
    images = to_tensor(images)
    layout = Layout(images, data_format)
    pads = [(0, 0)] * images.ndim
    pads[layout.h] = _amounts("top_padding, bottom_padding, target_height", images.shape[layout.h], top_padding,
                              bottom_padding, target_height, 1)
    pads[layout.w] = _amounts("left_padding, right_padding, target_width", images.shape[layout.w], left_padding,
                              right_padding, target_width, 1)
    return OPS["pad"](images, pads)


@public(name="image_crop_images")
def crop_images(images: Any, top_cropping: int | None = None, left_cropping: int | None = None,
                bottom_cropping: int | None = None, right_cropping: int | None = None, target_height: int | None = None,
                target_width: int | None = None, data_format: str | None = None) -> Tensor:
    """Crop images; of top, bottom and target height two are given, of left, right and target width two."""
    images = to_tensor(images)
    layout = Layout(images, data_format)
    top, bottom = _amounts("top_cropping, bottom_cropping, target_height", images.shape[layout.h], top_cropping,
                           bottom_cropping, target_height, -1)
    left, right = _amounts("left_cropping, right_cropping, target_width", images.shape[layout.w], left_cropping,
                           right_cropping, target_width, -1)
    key = [slice(None)] * images.ndim
    key[layout.h] = slice(top, images.shape[layout.h] - bottom)
    key[layout.w] = slice(left, images.shape[layout.w] - right)
    return images[tuple(key)]
