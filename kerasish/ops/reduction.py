"""Ops that fold axes: sums, products, extremes, moments, tests, positions; and running sums.

`axis` is an int, several ints, or None for all axes. Extremes share their gradient equally among equals.
"""

import math
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, broadcast, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import as_float, canonical_axes, canonical_axis
from kerasish.ops.comparison import where
from kerasish.ops.elementwise import cast, exp, maximum, minimum, real, sqrt
from kerasish.ops.joining import concatenate
from kerasish.ops.shape import broadcast_to, ravel, reshape, transpose

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "cumprod", "cumsum", "logsumexp",
    "max", "mean", "min", "prod", "ptp", "std", "sum", "var",
]  # fmt: skip

_WIDER = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


# ---- Shapes -----------------------------------------------------------------------------------


def folded_shape(shape: Any, axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """Return a shape without some axes, or with length 1 in their place."""
    return tuple([1 if i in axis else n for i, n in enumerate(shape) if keepdims or i not in axis])


def spread(g: Tensor, x: Any, axis: tuple[int, ...]) -> Tensor:
    """Repeat a folded tensor along the folded axes of `x`, so that it has the shape of `x` again."""
    if axis != tuple(range(len(axis))):  # else the axes that are left are the last ones, as broadcasting wants them
        g = reshape(g, folded_shape(x.shape, axis, True))
    return broadcast_to(g, x.shape)


def _fold_spec(dtype: Any = None):
    def rule(x: Any, axis: tuple[int, ...], keepdims: bool = False) -> Spec:
        return Spec(folded_shape(x.shape, axis, keepdims), dtype or x.dtype)

    return rule


def _length(shape: Any, axis: tuple[int, ...]) -> int:
    return math.prod([shape[a] for a in axis])


def _shared(g: Tensor, count: int) -> Tensor:
    return g if count == 1 else g / count


def _fold(card: Card, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    return card(x, axis=canonical_axes(axis, x.ndim), keepdims=bool(keepdims))


# ---- Sums and products ------------------------------------------------------------------------

_sum = Card("sum", ("x",), spec=_fold_spec(), vjp=(lambda g, x_spec, axis: spread(g, x_spec, axis),))
_prod = Card("prod", ("x",), spec=_fold_spec(),
             vjp=(lambda g, x, axis: spread(g, x, axis) * _product_of_others(x, axis),))  # fmt: skip
_mean = Card("mean", ("x",), spec=_fold_spec(),
             vjp=(lambda g, x_spec, axis: spread(_shared(g, _length(x_spec.shape, axis)), x_spec, axis),))  # fmt: skip
_var = Card("var", ("x",), spec=_fold_spec(), vjp=(lambda g, x, axis: _var_gradient(g, x, axis),))
_logsumexp = Card(
    "logsumexp", ("x",), spec=_fold_spec(),
    vjp=(lambda g, x, out, axis: spread(g, x, axis) * exp(x - spread(_above_nothing(out), x, axis)),),
)  # fmt: skip


def _product_of_others(x: Tensor, axis: tuple[int, ...]) -> Tensor:
    """For each element the product of the others of its fold, zeros among them or not."""
    kept = tuple(a for a in range(x.ndim) if a not in axis)
    order = kept + axis
    rows = transpose(x, order)
    y = reshape(rows, (*[x.shape[a] for a in kept], _length(x.shape, axis)))
    last = y.ndim - 1
    before = _cumprod(_shift(y, last, 1, "ones_like"), axis=last, reverse=False)
    after = _cumprod(_shift(y, last, -1, "ones_like"), axis=last, reverse=True)
    return transpose(reshape(before * after, rows.shape), sorted(range(x.ndim), key=order.__getitem__))


def _var_gradient(g: Tensor, x: Tensor, axis: tuple[int, ...]) -> Tensor:
    return spread(g * (2 / _length(x.shape, axis)), x, axis) * (x - _mean(x, axis=axis, keepdims=True))


def _above_nothing(out: Tensor) -> Tensor:
    # exp(x - out) of a fold that is -inf everywhere is then 0, not NaN.
    return where(out == float("-inf"), 0, out)


@public
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Sum over axes; booleans and short integers are summed in 32 bits, half precision in float32.

    Args:
        x: tensor.
        axis: the axes to fold.
        keepdims: whether folded axes stay, with length 1.
    """
    return _fold(_sum, _wide(x), axis, keepdims)


def _wide(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of the dtype in which its elements are added up or multiplied."""
    x = to_tensor(x)
    dtype = dtype or _WIDER.get(standardize_dtype(x.dtype))
    return x if dtype is None else cast(x, dtype)


@public
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """Product over axes, in `dtype` or as `sum` chooses it; arguments as in `sum`."""
    return _fold(_prod, _wide(x, dtype), axis, keepdims)


@public
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over axes, in floating point; arguments as in `sum`."""
    return _fold(_mean, as_float(x), axis, keepdims)


@public
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Variance mean((x - mean(x))^2) over axes, in floating point; arguments as in `sum`."""
    return _fold(_var, as_float(x), axis, keepdims)


@public
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Standard deviation sqrt(var(x)) over axes, in floating point; arguments as in `sum`."""
    return sqrt(real(var(x, axis, keepdims)))


@public
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """log(sum(exp(x))) over axes, without overflow; arguments as in `sum`."""
    return _fold(_logsumexp, as_float(x), axis, keepdims)


@public
def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """Weighted mean sum(weights x) / sum(weights).

    Args:
        x: tensor.
        axis: the axes to fold.
        weights: tensor of the shape of `x`, or of one axis that goes along the single `axis`.

    Raises:
        ValueError: `weights` fits neither.
    """
    if weights is None:
        return mean(x, axis)
    x, weights = as_float(x, weights)
    if weights.shape != x.shape:
        if not isinstance(axis, int) or weights.shape != (x.shape[canonical_axis(axis, x.ndim)],):
            raise ValueError(
                f"ops.average: `weights` of shape {weights.shape} must have the shape {x.shape} of `x`, or one axis "
                f"that goes along `axis`, got axis={axis}"
            )
        a = canonical_axis(axis, x.ndim)
        weights = broadcast_to(reshape(weights, [-1 if i == a else 1 for i in range(x.ndim)]), x.shape)
    return sum(x * weights, axis) / sum(weights, axis)


# ---- Extremes ---------------------------------------------------------------------------------


def _extreme_spec(x: Any, axis: tuple[int, ...], keepdims: bool) -> Spec:
    if not _length(x.shape, axis):
        raise ValueError(f"no elements to take the extreme of in axes {axis} of shape {tuple(x.shape)}: give `initial`")
    return Spec(folded_shape(x.shape, axis, keepdims), x.dtype)


def _extreme_gradient(g: Tensor, x: Tensor, out: Tensor, axis: tuple[int, ...]) -> Tensor:
    hit = cast(x == spread(out, x, axis), g.dtype)
    return hit * spread(g / reshape(_sum(hit, axis=axis, keepdims=False), g.shape), x, axis)


_max = Card("max", ("x",), spec=_extreme_spec, vjp=(_extreme_gradient,))
_min = Card("min", ("x",), spec=_extreme_spec, vjp=(_extreme_gradient,))


def _extreme(card: Card, meet: Any, x: Any, axis: Any, keepdims: bool, initial: Any) -> Tensor:
    x = to_tensor(x)
    if initial is None:
        return _fold(card, x, axis, keepdims)
    axes = canonical_axes(axis, x.ndim)
    initial = cast(initial, x.dtype)
    if not _length(x.shape, axes):
        return broadcast_to(initial, folded_shape(x.shape, axes, keepdims))
    return meet(_fold(card, x, axes, keepdims), initial)


@public
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Largest element over axes; NaN if there is one.

    Args:
        x: tensor.
        axis: the axes to fold.
        keepdims: whether folded axes stay, with length 1.
        initial: a number that takes part in every comparison, and stands alone where there is no element.

    Raises:
        ValueError: there is no element, and no `initial`.
    """
    return _extreme(_max, maximum, x, axis, keepdims, initial)


@public
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Smallest element over axes; NaN if there is one. Arguments as in `max`."""
    return _extreme(_min, minimum, x, axis, keepdims, initial)


@public
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element over axes, as `max`."""
    return max(x, axis, keepdims)


@public
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element over axes, as `min`."""
    return min(x, axis, keepdims)


@public
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Range max(x) - min(x) over axes; arguments as in `sum`."""
    return max(x, axis, keepdims) - min(x, axis, keepdims)


# ---- Positions, counts, tests -----------------------------------------------------------------


def _position_spec(x: Any, axis: int | None, keepdims: bool) -> Spec:
    axes = tuple(range(x.ndim)) if axis is None else (axis,)
    if not _length(x.shape, axes):
        raise ValueError(f"no elements to find the extreme of in axes {axes} of shape {tuple(x.shape)}")
    return Spec(folded_shape(x.shape, axes, keepdims), "int32")


_argmax = Card("argmax", ("x",), spec=_position_spec)
_argmin = Card("argmin", ("x",), spec=_position_spec)
_any = Card("any", ("x",), spec=_fold_spec("bool"))
_all = Card("all", ("x",), spec=_fold_spec("bool"))
_count_nonzero = Card("count_nonzero", ("x",), spec=_fold_spec("int32"))


def _position(card: Card, x: Any, axis: Any, keepdims: bool) -> Tensor:
    x = to_tensor(x)
    axis = None if axis is None else canonical_axis(axis, x.ndim)
    return card(x, axis=axis, keepdims=bool(keepdims))


@public
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first largest element along an axis, or in the flattened tensor.

    Args:
        x: tensor.
        axis: the axis to search, None for the flattened tensor.
        keepdims: whether searched axes stay, with length 1.

    Returns:
        int32 tensor.
    """
    return _position(_argmax, x, axis, keepdims)


@public
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first smallest element along an axis, or in the flattened tensor; as `argmax`."""
    return _position(_argmin, x, axis, keepdims)


@public
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element over axes is nonzero; arguments as in `sum`."""
    return _fold(_any, cast(x, "bool"), axis, keepdims)


@public
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements over axes are nonzero; arguments as in `sum`."""
    return _fold(_all, cast(x, "bool"), axis, keepdims)


@public
def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """Number of nonzero elements over axes, as int32."""
    x = to_tensor(x)
    return _count_nonzero(x, axis=canonical_axes(axis, x.ndim))


# ---- Running sums and products ----------------------------------------------------------------


def _shift(x: Tensor, axis: int, by: int, fill: str) -> Tensor:
    """Move elements one place up (`by` = 1) or down (-1) an axis; what comes in is `ones_like` or `zeros_like`."""

    def cut(start: int | None, stop: int | None) -> Tensor:
        return x[(slice(None),) * axis + (slice(start, stop),)]

    new = OPS[fill](cut(0, 1))
    return concatenate([new, cut(0, -1)] if by == 1 else [cut(1, None), new], axis=axis)


def _recurrence_gradient(g: Tensor, a: Tensor, out: Tensor, axis: int, reverse: bool) -> tuple[Tensor, Tensor]:
    """h[i] = a[i] h[i-1] + b[i] backwards: the gradients of b obey the same recurrence from the other end."""
    step = -1 if reverse else 1
    db = _linear_recurrence(_shift(a, axis, -step, "zeros_like"), g, axis=axis, reverse=not reverse)
    return db * _shift(out, axis, step, "zeros_like"), db


def _cumprod_gradient(g: Tensor, x: Tensor, axis: int, reverse: bool) -> Tensor:
    """Products before each element, times what its followers make of it: exact where there are zeros."""
    step = -1 if reverse else 1
    before = _cumprod(_shift(x, axis, step, "ones_like"), axis=axis, reverse=reverse)
    return before * _linear_recurrence(_shift(x, axis, -step, "zeros_like"), g, axis=axis, reverse=not reverse)


_cumsum: Card = Card(
    "cumsum", ("x",), spec=like(0), vjp=(lambda g, axis, reverse: _cumsum(g, axis=axis, reverse=not reverse),)
)
_cumprod = Card("cumprod", ("x",), spec=like(0), vjp=(_cumprod_gradient,))
_linear_recurrence = Card("linear_recurrence", ("a", "b"), spec=broadcast(), vjp=_recurrence_gradient)


def _run(card: Card, x: Any, axis: int | None, dtype: Any) -> Tensor:
    x = to_tensor(x)
    x = cast(x, standardize_dtype(dtype) if dtype is not None else "int32" if x.dtype == bool else x.dtype)
    if axis is None:
        x, axis = ravel(x), 0
    return card(x, axis=canonical_axis(axis, x.ndim), reverse=False)


@public
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sums along an axis.

    Args:
        x: tensor.
        axis: the axis to run along, None for the flattened tensor.
        dtype: dtype of the result; by default that of `x`, int32 for booleans.
    """
    return _run(_cumsum, x, axis, dtype)


@public
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running products along an axis; arguments as in `cumsum`."""
    return _run(_cumprod, x, axis, dtype)
