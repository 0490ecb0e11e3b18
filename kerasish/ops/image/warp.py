"""Images sampled at other places: coordinates, affine and perspective maps, elastic distortion."""

import itertools
from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import float_of, is_int, result_type
from kerasish.core.op import public
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops import random
from kerasish.ops.image.filters import gaussian_blur
from kerasish.ops.image.layout import Layout

ORDERS = {"nearest": 0, "bilinear": 1}
FILL_MODES = ("constant", "nearest", "wrap", "mirror", "reflect")


def _checked(interpolation: str, fill_mode: str) -> int:
    if interpolation not in ORDERS:
        raise ValueError(f"argument `interpolation` must be one of {tuple(ORDERS)}, got {interpolation!r}")
    if fill_mode not in FILL_MODES:
        raise ValueError(f"argument `fill_mode` must be one of {FILL_MODES}, got {fill_mode!r}")
    return ORDERS[interpolation]


def _inside(index: Tensor, size: int, fill_mode: str) -> Tensor:
    """Take indices outside 0..size-1 to the element that stands there."""
    if fill_mode in ("constant", "nearest"):
        return OPS["clip"](index, 0, size - 1)
    if fill_mode == "wrap":
        return OPS["mod"](index, size)
    if fill_mode == "mirror":  # d c b | a b c d | c b a
        return _mirrored(index, size) if size > 1 else OPS["zeros_like"](index)
    return OPS["floor_divide"](_mirrored(2 * index + 1, 2 * size + 1) - 1, 2)  # c b a | a b c | c b a


def _mirrored(index: Tensor, size: int) -> Tensor:
    return OPS["absolute"](OPS["mod"](index + (size - 1), 2 * (size - 1)) - (size - 1))


def _neighbours(coordinate: Tensor, order: int) -> list[tuple[Tensor, Tensor | None]]:
    """The indices beside coordinates along one axis, with their weights (None for one)."""
    if order == 0:  # halves are rounded away from zero
        away = OPS["where"](coordinate < 0, OPS["ceil"](coordinate - 0.5), OPS["floor"](coordinate + 0.5))
        return [(OPS["cast"](away, "int32"), None)]
    below = OPS["floor"](coordinate)
    upper, index = coordinate - below, OPS["cast"](below, "int32")
    return [(index, 1.0 - upper), (index + 1, upper)]


def _sample(rows: Tensor, sizes: tuple[int, ...], coordinates: list[Tensor], first: Any, order: int, fill_mode: str,
            fill_value: Any) -> Tensor:
    """Interpolate in a grid.

    Args:
        rows: (cells, channels): grids of shape `sizes` in row-major order, one after another.
        sizes: lengths of a grid's axes.
        coordinates: one tensor an axis, of one shape.
        first: the row at which the grid of each sample starts: 0, or an array that broadcasts to that shape.
        order: 0 (nearest) or 1 (linear).
        fill_mode, fill_value: what lies outside.

    Returns:
        Tensor of the coordinates' shape and the channels.
    """
    total: Any = None
    for corner in itertools.product(*[_neighbours(c, order) for c in coordinates]):
        place, weight, valid = first, None, None
        stride = int(np.prod(sizes))
        for (index, w), size in zip(corner, sizes):
            stride //= size
            place = OPS["add"](OPS["multiply"](_inside(index, size, fill_mode), stride), place)
            weight = w if weight is None else weight * w
            if fill_mode == "constant":
                within = OPS["logical_and"](index >= 0, index < size)
                valid = within if valid is None else OPS["logical_and"](valid, within)
        value = OPS["take"](rows, place, axis=0)
        if valid is not None:
            value = OPS["where"](OPS["expand_dims"](valid, -1), value, OPS["cast"](fill_value, value.dtype.name))
        value = value if weight is None else value * OPS["expand_dims"](weight, -1)
        total = value if total is None else total + value
    return total


def _restored(x: Tensor, dtype: str) -> Tensor:
    """Cast samples to the dtype of the image, integers rounded half away from zero."""
    if is_int(dtype) and not is_int(x.dtype):
        x = OPS["where"](x < 0, OPS["ceil"](x - 0.5), OPS["floor"](x + 0.5))
    return OPS["cast"](x, dtype)


@public(name="image_map_coordinates")
def map_coordinates(inputs: Any, coordinates: Any, order: int, fill_mode: str = "constant",
                    fill_value: Any = 0) -> Tensor:
    """Sample a tensor at fractional indices.

    Args:
        inputs: tensor of n axes.
        coordinates: (n, ...): an index along each axis for each sample.
        order: 0 for the nearest element, 1 for linear interpolation.
        fill_mode: what lies outside: "constant", "nearest" (the edge), "wrap" (the other side), "mirror"
            (reflected about the edge's centre) or "reflect" (about the edge).
        fill_value: for "constant".

    Returns:
        Tensor of the shape of `coordinates` without its first axis.
    """
    x, coordinates = to_tensor(inputs), to_tensor(coordinates)
    if coordinates.ndim < 2 or coordinates.shape[0] != x.ndim:
        raise ValueError("argument `coordinates` has a first axis as long as `inputs` has axes, and at least one more: "
                         f"got shape {coordinates.shape} for inputs of shape {x.shape}")
    if order not in (0, 1):
        raise ValueError(f"argument `order` must be 0 or 1, got {order!r}")
    _checked("nearest", fill_mode)
    places = OPS["unstack"](OPS["cast"](coordinates, float_of(coordinates.dtype)), axis=0)
    out = _sample(OPS["reshape"](x, (-1, 1)), x.shape, places, 0, order, fill_mode, fill_value)
    return _restored(OPS["squeeze"](out, axis=-1), x.dtype.name)


def _project(images: Tensor, layout: Layout, coefficients: Tensor, order: int, fill_mode: str,
             fill_value: Any) -> Tensor:
    """Sample image b, for the output pixel (x, y), at the projective map of `coefficients[b]` (8 of them)."""
    x = layout.as_batch(images)
    batch, height, width, channels = x.shape
    if coefficients.shape[0] not in (1, batch):
        raise ValueError(f"expected one transform, or one for each of {batch} images, got {coefficients.shape[0]}")
    work = result_type(float_of(images.dtype), "float32")
    c = OPS["unstack"](OPS["reshape"](OPS["cast"](coefficients, work), (-1, 8, 1, 1)), axis=1)
    columns = to_tensor(np.arange(width)[None, None, :], work)
    rows = to_tensor(np.arange(height)[None, :, None], work)
    scale = c[6] * columns + c[7] * rows + 1.0
    places = [(c[3] * columns + c[4] * rows + c[5]) / scale, (c[0] * columns + c[1] * rows + c[2]) / scale]
    places = [OPS["broadcast_to"](p, (batch, height, width)) for p in places]
    first = (np.arange(batch) * height * width).astype("int32")[:, None, None]
    out = _sample(OPS["reshape"](x, (-1, channels)), (height, width), places, first, order, fill_mode, fill_value)
    return layout.as_given(_restored(out, images.dtype.name))


@public(name="image_affine_transform")
def affine_transform(images: Any, transform: Any, interpolation: str = "bilinear", fill_mode: str = "constant",
                     fill_value: Any = 0, data_format: str | None = None) -> Tensor:
    """Map images by `(x, y) -> ((a0 x + a1 y + a2) / k, (b0 x + b1 y + b2) / k)`, `k = c0 x + c1 y + 1`.

    The map takes an output pixel to the place in the image that it shows; x counts columns, y rows.

    Args:
        images: one image or a batch.
        transform: (8,) or (batch, 8): a0, a1, a2, b0, b1, b2, c0, c1.
        interpolation: "nearest" or "bilinear".
        fill_mode, fill_value: what lies outside, as in `map_coordinates`.
        data_format: where the channels are.
    """
    images, transform = to_tensor(images), to_tensor(transform)
    layout, order = Layout(images, data_format), _checked(interpolation, fill_mode)
    if transform.ndim not in (1, 2) or transform.shape[-1] != 8:
        raise ValueError("Invalid transform rank: expected rank 1, shape (8,), or one row for each image, got "
                         f"{transform.shape}")
    return _project(images, layout, OPS["reshape"](transform, (-1, 8)), order, fill_mode, fill_value)


@public(name="image_perspective_transform")
def perspective_transform(images: Any, start_points: Any, end_points: Any, interpolation: str = "bilinear",
                          fill_value: Any = 0, data_format: str | None = None) -> Tensor:
    """Map images so that four points come to lie where four others are.

    Args:
        images: one image or a batch.
        start_points: (4, 2) or (batch, 4, 2): (x, y) of points in the image.
        end_points: where they are in the result.
        interpolation: "nearest" or "bilinear".
        fill_value: what lies outside.
        data_format: where the channels are.
    """
    images = to_tensor(images)
    start, end = (to_tensor(p) for p in (start_points, end_points))
    start, end = (OPS["cast"](p, result_type(float_of(p.dtype), "float32")) for p in (start, end))
    layout, order = Layout(images, data_format), _checked(interpolation, "constant")
    for name, points in (("start_points", start), ("end_points", end)):
        if points.shape != start.shape or points.shape[-2:] != (4, 2) or points.ndim not in (2, 3):
            raise ValueError(f"Invalid {name} shape: expected (4, 2) or (batch, 4, 2) for both ends, got "
                             f"{start.shape} and {end.shape}")
    start, end = (OPS["reshape"](p, (-1, 4, 2)) for p in (start, end))
    return _project(images, layout, homography(start, end), order, "constant", fill_value)


def homography(start: Tensor, end: Tensor) -> Tensor:
    """The 8 coefficients of the projective map from each end point to its start point."""
    (sx, sy), (ex, ey) = (OPS["unstack"](p, axis=-1) for p in (start, end))
    zero, one = OPS["zeros_like"](ex), OPS["ones_like"](ex)
    by_x = OPS["stack"]([ex, ey, one, zero, zero, zero, -sx * ex, -sx * ey], axis=-1)
    by_y = OPS["stack"]([zero, zero, zero, ex, ey, one, -sy * ex, -sy * ey], axis=-1)
    right = OPS["expand_dims"](OPS["concatenate"]([sx, sy], axis=-1), -1)
    return OPS["squeeze"](OPS["solve"](OPS["concatenate"]([by_x, by_y], axis=1), right), axis=-1)


@public(name="image_elastic_transform")
def elastic_transform(images: Any, alpha: Any = 20.0, sigma: Any = 5.0, interpolation: str = "bilinear",
                      fill_mode: str = "reflect", fill_value: Any = 0.0, seed: Any = None,
                      data_format: str | None = None) -> Tensor:
    """Displace every pixel by smooth random amounts (Simard et al., 2003).

    Args:
        images: one image or a batch.
        alpha: the displacements are multiplied by it.
        sigma: standard deviation of the noise, and of the Gaussian that smooths it, in pixels.
        interpolation: "nearest" or "bilinear".
        fill_mode, fill_value: what lies outside, as in `map_coordinates`.
        seed: integer, `SeedGenerator` or None.
        data_format: where the channels are.
    """
    images = to_tensor(images)
    layout, order = Layout(images, data_format), _checked(interpolation, fill_mode)
    x = layout.as_batch(images)
    batch, height, width, channels = x.shape
    work = result_type(float_of(images.dtype), "float32")
    size = int(6 * float(sigma)) | 1
    noise = random.normal((batch, height, width, 2), 0.0, float(sigma), work, seed)
    shift = float(alpha) * gaussian_blur(noise, (size, size), (float(sigma),) * 2, "channels_last")
    rows, columns = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    places = [shift[..., 0] + to_tensor(rows, work), shift[..., 1] + to_tensor(columns, work)]
    first = (np.arange(batch) * height * width).astype("int32")[:, None, None]
    out = _sample(OPS["reshape"](x, (-1, channels)), (height, width), places, first, order, fill_mode, fill_value)
    return layout.as_given(_restored(out, images.dtype.name))
