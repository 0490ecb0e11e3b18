"""Resampling of images along axes, as products with one weight matrix an axis.

The result is linear in the image, so the gradient is the product with the transposed matrices.
"""

import math
from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.backend.common.halves import through_float32
from kerasish.backend.registry import kernel

NARROW = 16  # trailing elements below which an axis is moved last, for one product instead of many small


def _triangle(xp, x):
    return xp.maximum(1.0 - x, 0.0)


def _cubic(xp, x):
    """Keys's cubic (1981), a = -1/2."""
    near = ((1.5 * x - 2.5) * x) * x + 1.0
    far = ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0
    return xp.where(x >= 2.0, 0.0, xp.where(x >= 1.0, far, near))


def _lanczos(radius):
    def weigh(xp, x):
        wave = radius * xp.sin(math.pi * x) * xp.sin(math.pi * x / radius)
        small = x <= 1e-3
        return xp.where(x > radius, 0.0, xp.where(small, 1.0, wave / xp.where(small, 1.0, (math.pi * x) ** 2)))

    return weigh


FILTERS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3.0), "lanczos5": _lanczos(5.0)}


@lru_cache(maxsize=64)
def resampling_matrix(xp, size, new_size, scale, translation, method, antialias, dtype) -> Any:
    """Return the weights (new_size, size) that take one axis to another grid.

    Pixel centres lie at half-integers: output i samples the input at `(i + 1/2 - translation) / scale`. With
    `antialias` the filter is widened by the reduction. Weights outside the input are dropped and the rest
    normalised; a sample outside the input gets zero.
    """
    centre = (xp.arange(new_size, dtype="float64") + 0.5 - translation) / scale - 0.5
    pixels = xp.arange(size, dtype="float64")
    width = max(1.0 / scale, 1.0) if antialias else 1.0
    weights = FILTERS[method](xp, xp.abs(centre[:, None] - pixels) / width)
    total = weights.sum(axis=1, keepdims=True)
    usable = (xp.abs(total) > 1.2e-4) & ((centre >= -0.5) & (centre <= size - 0.5))[:, None]
    return xp.where(usable, weights / xp.where(usable, total, 1.0), 0.0).astype(dtype)


def nearest_pixels(size: int, new_size: int) -> np.ndarray:
    """Return for each pixel of an axis of another size which pixel of the old one its centre lies in, int32."""
    return ((np.arange(new_size) * 2 + 1) * size // (2 * new_size)).astype("int32")


def _apply(xp, matrix, x, axis):
    """Multiply one axis of x, of size n, by a matrix (m, n)."""
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    size, new_size = matrix.shape[1], matrix.shape[0]
    tail = math.prod(after)
    if tail == 1:
        out = x.reshape(-1, size) @ matrix.T
    elif tail >= NARROW:
        out = xp.matmul(matrix, x.reshape(math.prod(before), size, tail))
    else:
        flat = x.reshape(math.prod(before), size, tail).swapaxes(1, 2).reshape(-1, size)
        out = xp.ascontiguousarray((flat @ matrix.T).reshape(-1, tail, new_size).swapaxes(1, 2))
    return out.reshape(*before, new_size, *after)


def _resample(xp, x, matrices):
    """Apply {axis: matrix}, the axis that shrinks most first."""
    for axis, matrix in sorted(matrices.items(), key=lambda item: item[1].shape[0] / item[1].shape[1]):
        x = _apply(xp, matrix, x, axis)
    return x


@kernel("resample")
@through_float32
def resample(xp, x, *, axes, sizes, scales, translations, method, antialias):
    """Resample `axes` of x to `sizes`; one scale and one translation an axis, see `resampling_matrix`."""
    matrices = {
        axis: resampling_matrix(xp, x.shape[axis], size, scale, shift, method, antialias, x.dtype.name)
        for axis, size, scale, shift in zip(axes, sizes, scales, translations)
    }
    return _resample(xp, x, matrices)


@kernel("resample_grad")
@through_float32
def resample_grad(xp, g, *, axes, input_sizes, scales, translations, method, antialias):
    """The transpose of `resample`: from the gradient of its result to that of its input."""
    matrices = {
        axis: resampling_matrix(xp, size, g.shape[axis], scale, shift, method, antialias, g.dtype.name).T
        for axis, size, scale, shift in zip(axes, input_sizes, scales, translations)
    }
    return _resample(xp, g, matrices)
