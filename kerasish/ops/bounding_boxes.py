"""Boxes around objects in images (`keras.utils.bounding_boxes`): formats, changes along with the image, overlap.

A box is four numbers in the last axis. "xyxy" is left, top, right, bottom in pixels; "xywh" has width and height in
place of right and bottom, "center_xywh" the middle in place of left and top too. "yx" in place of "xy" puts vertical
numbers first, and "rel_" before a format measures in widths and heights of the image.
"""

import math
from typing import Any, NamedTuple

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.building import as_float
from kerasish.ops.comparison import less, logical_or, where
from kerasish.ops.elementwise import arctan, cast, clip, cos, exp, log, maximum, minimum, sin, tan
from kerasish.ops.joining import concatenate, stack
from kerasish.ops.products import matmul
from kerasish.ops.reduction import max, min, prod, sum
from kerasish.ops.shape import expand_dims, flip, reshape, swapaxes
from kerasish.utils import config

__all__ = ["affine_transform", "clip_to_image_size", "compute_ciou", "compute_iou", "convert_format", "crop",
           "decode_deltas_to_boxes", "encode_box_to_deltas", "pad"]


class _Format(NamedTuple):
    kind: str
    rows_first: bool = False
    relative: bool = False


FORMATS = {
    "xyxy": _Format("corners"), "yxyx": _Format("corners", rows_first=True), "xywh": _Format("size"),
    "center_xywh": _Format("center"), "center_yxhw": _Format("center", rows_first=True),
    "rel_xyxy": _Format("corners", relative=True), "rel_yxyx": _Format("corners", rows_first=True, relative=True),
    "rel_xywh": _Format("size", relative=True), "rel_center_xywh": _Format("center", relative=True),
}  # fmt: skip


def _format(name: str) -> _Format:
    found = FORMATS.get(name.lower()) if isinstance(name, str) else None
    if found is None:
        raise ValueError(f"unknown format of boxes {name!r}: expected one of {', '.join(FORMATS)}")
    return found


def _boxes(x: Any, dtype: str | None = None) -> Tensor:
    x = to_tensor(x)
    if not x.shape or x.shape[-1] != 4:
        raise ValueError(f"boxes are four numbers in the last axis, got a tensor of shape {tuple(x.shape)}")
    return x if dtype is None else cast(x, dtype)


def _only_xyxy(name: str, what: str, others: tuple[str, ...] = ()) -> None:
    if name not in ("xyxy", *others):
        raise NotImplementedError(f"{what} takes boxes in format {' or '.join(('xyxy', *others))}, got {name!r}: "
                                  "use convert_format before and after")


@public(name="boxes_convert_format")
def convert_format(boxes: Any, source: str, target: str, height: Any = None, width: Any = None,
                   dtype: Any = "float32") -> Any:
    """Return boxes in another format (Keras: `utils.bounding_boxes.convert_format`).

    Args:
        boxes: (..., 4), or a dict that holds them under "boxes".
        source, target: formats, upper or lower case.
        height, width: of the image in pixels; needed from or to a relative format.
        dtype: of the result.

    Returns:
        (..., 4), or a new dict.

    Raises:
        ValueError: a format is unknown, the size of the image is missing, or these are no boxes.
    """
    if isinstance(boxes, dict):
        return {**boxes, "boxes": convert_format(boxes["boxes"], source, target, height, width, dtype)}
    old, new = _format(source), _format(target)
    if (old.relative or new.relative) and (height is None or width is None):
        raise ValueError(f"arguments `height` and `width` of the image are needed to convert {source!r} to {target!r}")
    x = _boxes(boxes, dtype)
    if old == new:
        return x
    a, b = x[..., :2], x[..., 2:]
    if old.rows_first:
        a, b = flip(a, -1), flip(b, -1)
    if old.kind == "size":
        b = a + b
    elif old.kind == "center":
        a, b = a - b / 2, a + b / 2
    if old.relative != new.relative:
        size = cast(stack([to_tensor(width), to_tensor(height)]), dtype)
        a, b = (a * size, b * size) if old.relative else (a / size, b / size)
    if new.kind == "size":
        b = b - a
    elif new.kind == "center":
        a, b = (a + b) / 2, b - a
    if new.rows_first:
        a, b = flip(a, -1), flip(b, -1)
    return concatenate([a, b], axis=-1)


# ---- along with the image ----


@public(name="boxes_clip_to_image_size")
def clip_to_image_size(bounding_boxes: dict[str, Any], height: Any = None, width: Any = None,
                       bounding_box_format: str = "xyxy") -> dict[str, Any]:
    """Cut boxes off at the edges of the image; those of which nothing is left get the label -1.

    Args:
        bounding_boxes: a dict with "boxes" (..., 4) and, if there are any, "labels" (...).
        height, width: of the image, needed for "xyxy".
        bounding_box_format: "xyxy" or "rel_xyxy".

    Returns:
        A new dict.
    """
    _only_xyxy(bounding_box_format, "clip_to_image_size", ("rel_xyxy",))
    if bounding_box_format == "rel_xyxy":
        height = width = 1.0
    elif height is None or width is None:
        raise ValueError("arguments `height` and `width` of the image are needed for boxes in format 'xyxy'")
    x = _inside(_boxes(bounding_boxes["boxes"]), height, width)
    out = {**bounding_boxes, "boxes": x}
    if bounding_boxes.get("labels") is not None:
        labels = to_tensor(bounding_boxes["labels"])
        out["labels"] = where(_area(x) > 0, labels, -1)
    return out


def _inside(x: Tensor, height: Any, width: Any) -> Tensor:
    return concatenate([clip(x[..., i : i + 1], 0, (width, height)[i % 2]) for i in range(4)], axis=-1)


@public(name="boxes_crop")
def crop(boxes: Any, top: Any, left: Any, height: Any, width: Any, bounding_box_format: str = "xyxy") -> Tensor:
    """Return boxes, in "xyxy", as they stand in the part of the image of that size whose corner is (left, top)."""
    _only_xyxy(bounding_box_format, "crop")
    return _inside(pad(boxes, -top, -left), height, width)


@public(name="boxes_pad")
def pad(boxes: Any, top: Any, left: Any, height: Any = None, width: Any = None,
        bounding_box_format: str = "xyxy") -> Tensor:
    """Return boxes, in "xyxy", as they stand in an image with `top` rows and `left` columns put before it."""
    _only_xyxy(bounding_box_format, "pad")
    return _boxes(boxes) + stack([to_tensor(n) for n in (left, top, left, top)])


@public(name="boxes_affine_transform")
def affine_transform(boxes: Any, angle: Any, translate_x: Any, translate_y: Any, scale: Any, shear_x: Any, shear_y: Any,
                     height: Any, width: Any, center_x: Any = None, center_y: Any = None,
                     bounding_box_format: str = "xyxy") -> Tensor:
    """Return the upright boxes round boxes that were turned, sheared, scaled and moved with their images.

    p -> c + L (p - c + t), with c the centre, t the translation and L the rotation, shear and scale.

    Args:
        boxes: (batch, n, 4) in "xyxy".
        angle, shear_x, shear_y: in degrees, (batch,).
        translate_x, translate_y: in widths and heights of the image, (batch,).
        scale: (batch,).
        height, width: of the images, in pixels.
        center_x, center_y: in widths and heights of the image; by default the middle.
    """
    _only_xyxy(bounding_box_format, "affine_transform")
    angle, translate_x, translate_y, scale, shear_x, shear_y = as_float(
        angle, translate_x, translate_y, scale, shear_x, shear_y)
    x = _boxes(boxes, angle.dtype.name)
    if len(x.shape) != 3 or len(angle.shape) != 1:
        raise ValueError(f"affine_transform takes boxes (batch, n, 4) and angles (batch,), got shapes "
                         f"{tuple(x.shape)} and {tuple(angle.shape)}")
    middle = [0.5 if c is None else c for c in (center_x, center_y)]
    size = [width - 1, height - 1]
    center = [cast(m * n, x.dtype) for m, n in zip(middle, size, strict=True)]
    moved = [t * n - c for t, n, c in zip((translate_x, translate_y), size, center, strict=True)]
    corners = reshape(stack([x[..., i] for i in (0, 1, 2, 1, 2, 3, 0, 3)], axis=-1), (*x.shape[:2], 4, 2))
    points = corners + _pair(*moved)
    turned = matmul(points, expand_dims(swapaxes(_linear(angle, scale, shear_x, shear_y), 1, 2), 1)) + _pair(*center)
    return concatenate([min(turned, axis=2), max(turned, axis=2)], axis=-1)


def _pair(x: Tensor, y: Tensor) -> Tensor:
    """Two numbers, or two (batch,), as what is added to points (batch, n, 4, 2)."""
    both = stack([x, y], axis=-1)
    return both if len(both.shape) == 1 else expand_dims(both, (1, 2))


def _linear(angle: Tensor, scale: Tensor, shear_x: Tensor, shear_y: Tensor) -> Tensor:
    """(batch, 2, 2): the inverse of rotation and shear, which has determinant 1, times the scale."""
    turn, sx, sy = (-t * (math.pi / 180) for t in (angle, shear_x, shear_y))
    a, c = cos(turn - sy) / cos(sy), -sin(turn - sy) / cos(sy)
    b, d = a * tan(sx) + sin(turn), cos(turn) - c * tan(sx)
    return stack([stack([d, -b], axis=-1), stack([-c, a], axis=-1)], axis=1) * expand_dims(scale, (1, 2))


# ---- against anchors ----


def _variance(variance: Any) -> Tensor | None:
    if variance is None:
        return None
    variance = to_tensor(variance, "float32")
    if variance.shape[-1:] != (4,):
        raise ValueError(f"argument `variance` must be four numbers, got shape {tuple(variance.shape)}")
    return variance


def _centered(name: str, argument: str) -> str:
    if name not in ("center_xywh", "center_yxhw"):
        raise ValueError(f"argument `{argument}` must be 'center_xywh' or 'center_yxhw', got {name!r}")
    return name


@public(name="boxes_encode_box_to_deltas")
def encode_box_to_deltas(anchors: Any, boxes: Any, anchor_format: str, box_format: str,
                         encoding_format: str = "center_yxhw", variance: Any = None, image_shape: Any = None) -> Tensor:
    """Return what turns anchors into boxes: (distance of centres / size of anchor, log(size / size of anchor)).

    Args:
        anchors: (n, 4).
        boxes: (n, 4) or (batch, n, 4).
        anchor_format, box_format: their formats.
        encoding_format: "center_xywh" or "center_yxhw", the order of the four numbers.
        variance: four numbers by which these are divided.
        image_shape: (height, width, channels), needed for relative formats.
    """
    to, variance = _centered(encoding_format, "encoding_format"), _variance(variance)
    size = (None, None) if image_shape is None else image_shape[:2]
    anchors, boxes = convert_format(anchors, anchor_format, to, *size), convert_format(boxes, box_format, to, *size)
    anchor_size, box_size = (maximum(x[..., 2:], config.epsilon()) for x in (anchors, boxes))
    out = concatenate([(boxes[..., :2] - anchors[..., :2]) / anchor_size, log(box_size / anchor_size)], axis=-1)
    return out if variance is None else out / variance


@public(name="boxes_decode_deltas_to_boxes")
def decode_deltas_to_boxes(anchors: Any, boxes_delta: Any, anchor_format: str, box_format: str,
                           encoded_format: str = "center_yxhw", variance: Any = None, image_shape: Any = None) -> Any:
    """Return the boxes that `encode_box_to_deltas` encoded; dicts of anchors and deltas give a dict.

    Arguments as there, with `boxes_delta` what it returned and `box_format` that of the result.
    """
    encoded, variance = _centered(encoded_format, "encoded_format"), _variance(variance)
    if isinstance(anchors, dict) and isinstance(boxes_delta, dict):
        return {level: decode_deltas_to_boxes(a, boxes_delta[level], anchor_format, box_format, encoded, variance,
                                              image_shape) for level, a in anchors.items()}
    size = (None, None) if image_shape is None else image_shape[:2]
    anchors, delta = convert_format(anchors, anchor_format, encoded, *size), _boxes(boxes_delta)
    delta = delta if variance is None else delta * variance
    sides = anchors[..., 2:]
    boxes = concatenate([delta[..., :2] * sides + anchors[..., :2], exp(delta[..., 2:]) * sides], axis=-1)
    return convert_format(boxes, encoded, box_format, *size)


# ---- overlap ----


def _area(x: Tensor) -> Tensor:
    return prod(x[..., 2:] - x[..., :2], axis=-1)


def _common_area(a: Tensor, b: Tensor) -> Tensor:
    sides = minimum(a[..., 2:], b[..., 2:]) - maximum(a[..., :2], b[..., :2])
    return prod(maximum(sides, 0), axis=-1)


@public(name="boxes_compute_iou")
def compute_iou(boxes1: Any, boxes2: Any, bounding_box_format: str, use_masking: bool = False, mask_val: Any = -1,
                image_shape: Any = None) -> Tensor:
    """Return the overlap of each box of one set with each of another: common area / area of the union.

    Args:
        boxes1: (m, 4) or (batch, m, 4).
        boxes2: (n, 4) or (batch, n, 4).
        bounding_box_format: their format.
        use_masking: whether pairs with a box of negative numbers alone get `mask_val`.
        mask_val: number.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        (m, n) or (batch, m, n).
    """
    size = (None, None) if image_shape is None else image_shape[:2]
    a, b = (convert_format(x, bounding_box_format, "xyxy", *size) for x in (boxes1, boxes2))
    if not {len(a.shape), len(b.shape)} <= {2, 3}:
        raise ValueError(f"compute_iou takes boxes (n, 4) or (batch, n, 4), got shapes {tuple(a.shape)} and "
                         f"{tuple(b.shape)}")
    a, b = expand_dims(a, -2), expand_dims(b, -3)
    common = _common_area(a, b)
    out = common / (_area(a) + _area(b) - common + config.epsilon())
    if not use_masking:
        return out
    masked = logical_or(less(max(a, axis=-1), 0.0), less(max(b, axis=-1), 0.0))
    return where(masked, cast(mask_val, out.dtype), out)


@public(name="boxes_compute_ciou")
def compute_ciou(boxes1: Any, boxes2: Any, bounding_box_format: str, image_shape: Any = None) -> Tensor:
    """Return the complete overlap of boxes, pair by pair (Zheng et al., "Distance-IoU Loss", 2020).

    IoU - (distance of centres / diagonal of the box round both)^2 - alpha v, with v = 4 / pi^2 times the squared
    difference of arctan(width / height), alpha = v / (1 - IoU + v).

    Args:
        boxes1, boxes2: (..., 4).
        bounding_box_format: their format.
        image_shape: (height, width, channels), needed for relative formats.

    Returns:
        (...).
    """
    size = (None, None) if image_shape is None else image_shape[:2]
    a, b = (convert_format(x, bounding_box_format, "xyxy", *size) for x in (boxes1, boxes2))
    tiny = config.epsilon()
    common = _common_area(a, b)
    iou = common / (_area(a) + _area(b) - common + tiny)
    around = maximum(a[..., 2:], b[..., 2:]) - minimum(a[..., :2], b[..., :2])
    apart = (a[..., :2] + a[..., 2:] - b[..., :2] - b[..., 2:]) / 2
    lean = [arctan((x[..., 2] - x[..., 0]) / (x[..., 3] - x[..., 1] + tiny)) for x in (a, b)]
    v = 4 / math.pi**2 * (lean[1] - lean[0]) ** 2
    alpha = v / (1 - iou + v + tiny)
    return iou - sum(apart * apart, axis=-1) / (sum(around * around, axis=-1) + tiny) - alpha * v
