"""Order statistics, reductions that pass over NaN, and the trapezoidal rule: all made of other ops.

`axis` is an int, several ints, or None for all axes.
"""

import math
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.building import as_float, canonical_axes, canonical_axis, widened
from kerasish.ops.comparison import isnan, logical_not, where
from kerasish.ops.elementwise import cast, ceil, clip, floor, real, sqrt
from kerasish.ops.indexing import take_along_axis
from kerasish.ops.reduction import argmax, argmin, cumprod, cumsum, folded_shape, prod, spread
from kerasish.ops.shape import broadcast_to, moveaxis, reshape, transpose
from kerasish.ops.sorting import sort

__all__ = [
    "median", "nanargmax", "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin",
    "nanpercentile", "nanprod", "nanquantile", "nanstd", "nansum", "nanvar", "percentile", "quantile", "trapezoid",
]  # fmt: skip

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")


# ---- Order statistics -------------------------------------------------------------------------


def _quantile(x: Any, q: Any, axis: Any, method: str, keepdims: bool, skip_nan: bool, whole: int = 1) -> Tensor:
    if method not in METHODS:
        raise ValueError(f"`method` must be one of {', '.join(map(repr, METHODS))}, got {method!r}")
    x = as_float(x)
    if x.dtype.kind == "c":
        raise ValueError(f"quantiles need real numbers, got dtype {x.dtype.name}")
    q = to_tensor(q, "float64" if x.dtype == "float64" else "float32") / whole
    axes = canonical_axes(axis, x.ndim)
    kept = tuple(a for a in range(x.ndim) if a not in axes)
    rows = sort(reshape(transpose(x, kept + axes), [x.shape[a] for a in kept] + [math.prod(x.shape[a] for a in axes)]))
    found = _interpolate(rows, reshape(q, (-1,)), method, skip_nan)
    shape = folded_shape(x.shape, axes, keepdims)
    return reshape(moveaxis(found, -1, 0), (*q.shape, *shape))


def _interpolate(rows: Tensor, q: Tensor, method: str, skip_nan: bool) -> Tensor:
    """Quantiles of sorted rows, NaN last: shape (..., number of quantiles)."""
    bad = isnan(rows)
    count = reduction.sum(cast(logical_not(bad), q.dtype), axis=-1, keepdims=True) if skip_nan else rows.shape[-1]
    place = clip(q * (count - 1), 0, rows.shape[-1] - 1)
    place = broadcast_to(place, (*rows.shape[:-1], q.size))
    low, high = (take_along_axis(rows, cast(f(place), "int32"), axis=-1) for f in (floor, ceil))
    part = cast(place - floor(place), rows.dtype)
    if method == "linear":
        found = low * (1 - part) + where(part == 0, 0, high) * part
    else:
        found = {
            "lower": low, "higher": high, "midpoint": low * 0.5 + high * 0.5, "nearest": where(part > 0.5, high, low),
        }[method]  # fmt: skip
    hidden = reduction.all(bad, axis=-1, keepdims=True) if skip_nan else reduction.any(bad, axis=-1, keepdims=True)
    return where(hidden, float("nan"), found)


@public
def quantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles over axes: the values below which fractions `q` of the elements lie.

    Args:
        x: tensor.
        q: fractions in [0, 1], of any shape.
        axis: the axes to fold.
        method: what stands between two neighbours: "linear", "lower", "higher", "midpoint" or "nearest".
        keepdims: whether folded axes stay, with length 1.

    Returns:
        Tensor of the shape of `q`, then that of the folded `x`; NaN where `x` holds NaN.
    """
    return _quantile(x, q, axis, method, keepdims, skip_nan=False)


@public
def nanquantile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles of the elements that are not NaN; arguments as in `quantile`."""
    return _quantile(x, q, axis, method, keepdims, skip_nan=True)


@public
def percentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles at `q` per cent; arguments as in `quantile`."""
    return _quantile(x, q, axis, method, keepdims, skip_nan=False, whole=100)


@public
def nanpercentile(x: Any, q: Any, axis: Any = None, method: str = "linear", keepdims: bool = False) -> Tensor:
    """Quantiles at `q` per cent of the elements that are not NaN; arguments as in `quantile`."""
    return _quantile(x, q, axis, method, keepdims, skip_nan=True, whole=100)


@public
def median(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Median over axes: the middle element, or the mean of the middle two."""
    return _quantile(x, 0.5, axis, "linear", keepdims, skip_nan=False)


@public
def nanmedian(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Median of the elements that are not NaN."""
    return _quantile(x, 0.5, axis, "linear", keepdims, skip_nan=True)


# ---- Reductions that pass over NaN ------------------------------------------------------------


def _without_nan(x: Any, instead: float) -> Tensor:
    x = to_tensor(x)
    return x if x.dtype.kind in "biu" else where(isnan(x), instead, x)


@public
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Sum over axes, NaN taken as 0."""
    return reduction.sum(_without_nan(x, 0), axis, keepdims)


@public
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Product over axes, NaN taken as 1."""
    return prod(_without_nan(x, 1), axis, keepdims)


def _nan_extreme(fold: Any, x: Any, axis: Any, keepdims: bool, instead: float) -> Tensor:
    x = to_tensor(x)
    if x.dtype.kind in "biu":
        return fold(x, axis, keepdims)
    empty = reduction.all(isnan(x), axis, keepdims)
    return where(empty, float("nan"), fold(_without_nan(x, instead), axis, keepdims))


@public
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes that is not NaN; NaN where there is none."""
    return _nan_extreme(reduction.max, x, axis, keepdims, float("-inf"))


@public
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes that is not NaN; NaN where there is none."""
    return _nan_extreme(reduction.min, x, axis, keepdims, float("inf"))


def _present(x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """How many elements are not NaN, counted in a type that holds the count."""
    dtype = "float64" if x.dtype == "float64" else "float32"
    return reduction.sum(cast(logical_not(isnan(x)), dtype), axis, keepdims)


@public
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes of the elements that are not NaN; NaN where there is none."""
    x = as_float(x)
    wide = widened(x)
    return cast(nansum(wide, axis, keepdims) / _present(wide, axis, keepdims), x.dtype)


@public
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Variance over axes of the elements that are not NaN; NaN where there is none."""
    x = as_float(x)
    wide = widened(x)
    axes = canonical_axes(axis, x.ndim)
    missing = isnan(wide)
    away = where(missing, 0, wide) - where(missing, 0, spread(nanmean(wide, axes), wide, axes))
    total = reduction.sum(away * away, axes, keepdims)
    return cast(total / _present(wide, axes, keepdims), x.dtype)


@public
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Standard deviation over axes of the elements that are not NaN; NaN where there is none."""
    return sqrt(real(nanvar(x, axis, keepdims)))


def _nan_position(find: Any, x: Any, axis: Any, keepdims: bool, instead: float) -> Tensor:
    x = to_tensor(x)
    if x.dtype.kind in "biu":
        return find(x, axis, keepdims)
    return where(reduction.all(isnan(x), axis, keepdims), -1, find(_without_nan(x, instead), axis, keepdims))


@public
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first largest element that is not NaN, as int32; -1 where there is none."""
    return _nan_position(argmax, x, axis, keepdims, float("-inf"))


@public
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first smallest element that is not NaN, as int32; -1 where there is none."""
    return _nan_position(argmin, x, axis, keepdims, float("inf"))


@public
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums along an axis, NaN taken as 0; arguments as in `cumsum`."""
    return cumsum(_without_nan(x, 0), axis, dtype)


@public
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products along an axis, NaN taken as 1; arguments as in `cumprod`."""
    return cumprod(_without_nan(x, 1), axis, dtype)


# ---- Integration ------------------------------------------------------------------------------


@public
def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Tensor:
    """Integral along an axis by the trapezoidal rule: sum((y[i] + y[i+1]) / 2 (x[i+1] - x[i])).

    Args:
        y: tensor of values.
        x: where they stand, of the shape of `y` or of one axis; by default `dx` apart.
        dx: distance of neighbours, used without `x`.
        axis: the axis to integrate along.
    """
    y = moveaxis(as_float(y), canonical_axis(axis, to_tensor(y).ndim), -1)
    if x is not None:
        x = to_tensor(x)
        x = moveaxis(x, axis, -1) if x.ndim > 1 else x
        dx = x[..., 1:] - x[..., :-1]
    return reduction.sum((y[..., 1:] + y[..., :-1]) * 0.5 * dx, axis=-1)
