"""Conversions beyond `cast`: without overflow, and between complex numbers and pairs of real ones."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import numpy_dtype, standardize_dtype
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.building import as_float, widened
from kerasish.ops.comparison import isnan, where
from kerasish.ops.elementwise import cast, clip, complex_of, imag, largest, real
from kerasish.ops.joining import stack

__all__ = ["saturate_cast", "view_as_complex", "view_as_real"]


def _bounds(dtype: Any) -> tuple[Any, Any]:
    """The smallest and the largest number of a dtype."""
    if dtype.kind in "iu":
        return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)
    return -largest(dtype), largest(dtype)


@public
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """Convert to a dtype; numbers beyond its range become its largest or smallest, NaN becomes 0 of an integer dtype.

    Args:
        x: tensor of real numbers.
        dtype: name of the dtype.
    """
    x, target = to_tensor(x), numpy_dtype(standardize_dtype(dtype))
    if x.dtype == bool or target.kind in "bc":
        return cast(x, target)
    (low, high), (least, most) = _bounds(target), _bounds(x.dtype)
    if low <= least and most <= high:
        return cast(x, target)
    if target.kind not in "iu" or x.dtype.kind in "iu":
        return cast(clip(x, max(low, least), min(high, most)), target)
    # The bounds of integers may have no float of their own: what reaches them is not cast but replaced.
    inside = (x > low) & (x < high)
    beyond = where(x > 0, to_tensor(high, target.name), to_tensor(low, target.name))
    return where(inside, cast(where(inside, x, 0), target), where(isnan(x), 0, beyond))


@public
def view_as_complex(x: Any) -> Tensor:
    """Pairs (real part, imaginary part) in the last axis as complex numbers.

    Args:
        x: real tensor of shape (..., 2).

    Returns:
        Complex tensor of shape (...).

    Raises:
        ValueError: the last axis has not length 2.
    """
    x = widened(as_float(x))
    if not x.shape or x.shape[-1] != 2:
        raise ValueError("ops.view_as_complex takes real and imaginary parts along a last axis of length 2, got "
                         f"shape {x.shape}")
    return complex_of(x[..., 0], x[..., 1])


@public
def view_as_real(x: Any) -> Tensor:
    """Complex numbers as pairs (real part, imaginary part) in a new last axis."""
    x = to_tensor(x)
    return stack([real(x), imag(x)], axis=-1)
