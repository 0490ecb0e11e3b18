"""Images with borders added or taken away."""

from typing import Any

from kerasish.core.abstract import is_unknown
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.image.layout import Layout


def _amounts(what: str, length: int, before: Any, after: Any, target: Any, sign: int) -> tuple[int, int]:
    """Two of (before, after, target) give the third: `target = length + sign (before + after)`."""
    if [before, after, target].count(None) != 1:
        raise ValueError(f"Must specify exactly two of {what}, got {before}, {after}, {target}")
    for name, value in zip(what.split(", "), (before, after, target)):
        if value is not None and value < 0:
            raise ValueError(f"{name} must be >= 0, got {value}")
    if target is not None and is_unknown(length):
        return 0, 0
    total = 0 if target is None else sign * (int(target) - length)  # is read only where one of the two is missing
    before = total - int(after) if before is None else int(before)
    after = total - before if after is None else int(after)
    for name, value in zip(what.split(", "), (before, after)):
        if value < 0:
            raise ValueError(f"{name} must be >= 0: {target} of {length} pixels leave {value}")
    if length + sign * (before + after) < 0:
        raise ValueError(f"{what} do not fit images of length {length}: they give {before}, {after} and "
                         f"{length + sign * (before + after)}")
    return before, after


def _of_lengths(out: Tensor, images: Tensor, targets: dict[int, int | None]) -> Tensor:
    """The result, of the target lengths where those of the images are unknown while shapes are inferred."""
    open_axes = [axis for axis, target in targets.items() if target is not None and is_unknown(images.shape[axis])]
    if not open_axes:
        return out
    return Tensor(Spec([targets[a] if a in open_axes else n for a, n in enumerate(out.shape)], out.dtype.name))


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
    return _of_lengths(OPS["pad"](images, pads), images, {layout.h: target_height, layout.w: target_width})


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
    starts, sizes = [0] * images.ndim, list(images.shape)
    starts[layout.h], starts[layout.w] = top, left
    sizes[layout.h] -= top + bottom
    sizes[layout.w] -= left + right
    out = OPS["slice"](images, starts, sizes)
    return _of_lengths(out, images, {layout.h: target_height, layout.w: target_width})
