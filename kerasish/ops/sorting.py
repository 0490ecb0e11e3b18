"""Ops that sort, search and count. Positions and counts are int32; sorts are stable."""

from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference, unknown_length
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import float_of
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis
from kerasish.ops.indexing import add_along, depends_on_values
from kerasish.ops.shape import ravel

__all__ = [
    "argpartition", "argsort", "bincount", "digitize", "histogram", "isin", "searchsorted", "sort", "top_k", "unique",
]


def _top_k_spec(x, *, k):
    return Spec((*x.shape[:-1], k), x.dtype), Spec((*x.shape[:-1], k), "int32")


_sort = Card("sort", ("x",), spec=like(0), vjp=(
    lambda g, x, axis: add_along(g, _argsort(x, axis=axis), shape=x.shape, axis=axis),))
_argsort: Card = Card("argsort", ("x",), spec=like(0, "int32"))
_argpartition = Card("argpartition", ("x",), spec=like(0, "int32"))
_top_k = Card("top_k", ("x",), spec=_top_k_spec, vjp=(
    lambda g, x_spec, out: add_along(g[0], out[1], shape=x_spec.shape, axis=len(x_spec.shape) - 1),))
_searchsorted = Card("searchsorted", ("sequence", "values"), promote="same",
                     spec=lambda sequence, values, **_: Spec(values.shape, "int32"))
_digitize = Card("digitize", ("x", "bins"), promote="same", spec=like(0, "int32"))
_isin = Card("isin", ("x", "values"), promote="same", spec=like(0, "bool"))
_histogram = Card("histogram", ("x",), spec=lambda x, *, bins, range, dtype: (
    Spec((bins,), dtype), Spec((bins + 1,), dtype)))
_bincount = Card("bincount", ("x", "*weights"), spec=lambda x, *weights, length: Spec(
    (*x.shape[:-1], length), weights[0].dtype if weights else "int32"))
_unique = Card("unique", ("x",), spec=depends_on_values)


def _flat_or_axis(x: Any, axis: int | None) -> tuple[Tensor, int]:
    """The tensor and an axis of it; flattened for None, or where it has no axis."""
    x = to_tensor(x)
    if axis is None or not x.ndim:
        return ravel(x), 0
    return x, canonical_axis(axis, x.ndim)


@public
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """Sort along an axis, ascending, NaN last; None sorts the flattened tensor."""
    x, axis = _flat_or_axis(x, axis)
    return _sort(x, axis=axis)


@public
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The indices that sort along an axis, ascending, equals in their order; None sorts the flattened tensor."""
    x, axis = _flat_or_axis(x, axis)
    return _argsort(x, axis=axis)


@public
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Indices that put the element of rank `kth` in its place, smaller ones before it and larger ones after."""
    x, axis = _flat_or_axis(x, axis)
    n = x.shape[axis]
    if not -n <= kth < n:
        raise ValueError(f"argument `kth` must be below {n}, the length of axis {axis} of shape {x.shape}, got {kth}")
    return _argpartition(x, kth=int(kth) % n, axis=axis)


@public
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements of the last axis, descending, and their indices.

    Args:
        x: (..., n).
        k: how many; at most n.
        sorted: whether the order matters (they are sorted either way).

    Returns:
        Values and int32 indices, both (..., k). Of equals the first go first.
    """
    x = to_tensor(x)
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise ValueError(f"argument `k` must be at most the length of the last axis of shape {x.shape}, got {k}")
    return _top_k(x, k=int(k))


@public
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """Where values would be inserted into an ascending sequence.

    Args:
        sorted_sequence: (n,), ascending.
        values: tensor.
        side: among equals, "left" for the first place, "right" for the one after the last.

    Returns:
        int32 in the shape of `values`, from 0 to n.
    """
    if side not in ("left", "right"):
        raise ValueError(f"argument `side` must be 'left' or 'right', got {side!r}")
    sequence = to_tensor(sorted_sequence)
    if sequence.ndim != 1:
        raise ValueError(f"argument `sorted_sequence` must have one axis, got shape {sequence.shape}: "
                         "use vectorized_map for several sequences")
    return _searchsorted(sequence, values, side=side)


@public
def digitize(x: Any, bins: Any) -> Tensor:
    """The bin of each element: i where bins[i-1] <= x < bins[i], or bins[i-1] > x >= bins[i] for descending bins.

    Args:
        x: tensor.
        bins: (n,), monotonic.

    Returns:
        int32 in the shape of `x`, from 0 to n.
    """
    bins = to_tensor(bins)
    if bins.ndim != 1:
        raise ValueError(f"argument `bins` must have one axis, got shape {bins.shape}")
    return _digitize(x, bins)


@public
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of x1 is among those of x2.

    Args:
        x1, x2: tensors.
        assume_unique: promise that neither holds an element twice, which saves work.
        invert: whether to tell the opposite.
    """
    return _isin(x1, x2, assume_unique=bool(assume_unique), invert=bool(invert))


@public
def histogram(x: Any, bins: int = 10, range: Any = None) -> tuple[Tensor, Tensor]:
    """Count the elements of a vector in bins of equal width; the last bin holds its right edge.

    Args:
        x: (n,).
        bins: how many bins.
        range: (low, high), by default the extremes of `x`; elements outside are left out.

    Returns:
        Counts (bins,) and edges (bins + 1,), in the floating-point type of `x`.
    """
    x = to_tensor(x)
    if not isinstance(bins, int | np.integer):
        raise TypeError(f"argument `bins` must be an int, got {bins!r}")
    if x.ndim != 1:
        raise ValueError(f"`x` must have one axis, got shape {x.shape}")
    if bins < 0:
        raise ValueError(f"argument `bins` counts from 0 up, got {bins}")
    if range is not None:
        range = tuple([float(r) for r in range])
        if len(range) != 2:
            raise ValueError(f"argument `range` is a pair (low, high), got {range}")
        if range[1] < range[0]:
            raise ValueError(f"argument `range` must go upwards, got {range}")
    return _histogram(x, bins=int(bins), range=range, dtype=float_of(x.dtype))


@public
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each of 0, 1, 2... occurs, or the sum of its weights. Needs values that are known.

    Args:
        x: non-negative integers, (n,) or (rows, n) to count in each row.
        weights: in the shape of `x`.
        minlength: least length of the result, which else ends with the largest value in `x`.
        sparse: must be False: tensors are dense.
    """
    if sparse:
        raise ValueError("sparse tensors are not supported: leave out `sparse`")
    x = to_tensor(x)
    if x.ndim not in (1, 2) or x.dtype.kind not in "iub":
        raise ValueError(f"argument `x` must hold integers in one axis or two, got {x.dtype} of shape {x.shape}")
    values = x.numpy()
    if values.size and values.min() < 0:
        raise ValueError(f"argument `x` must not be negative, got {values.min()}")
    length = max(int(minlength), int(values.max()) + 1 if values.size else 0)
    if weights is None:
        return _bincount(x, length=length)
    weights = to_tensor(weights)
    if weights.shape != x.shape:
        raise ValueError(f"argument `weights` must have the shape of `x`, {x.shape}, got {weights.shape}")
    return _bincount(x, weights, length=length)


def _unique_of_unknown(x: Tensor, axis: int | None, size: int | None) -> list[Tensor]:
    """What `unique` finds while only shapes are inferred."""
    n = unknown_length() if size is None else int(size)
    if axis is None:
        values, inverse = (n,), x.shape
    else:
        values, inverse = (*x.shape[:axis], n, *x.shape[axis + 1 :]), (x.shape[axis],)
    return [Tensor(Spec(values, x.dtype.name)), *[Tensor(Spec(s, "int32")) for s in ((n,), inverse, (n,))]]


@public
def unique(x: Any, sorted: bool = True, return_index: bool = False, return_inverse: bool = False,
           return_counts: bool = False, axis: int | None = None, size: int | None = None,
           fill_value: Any = None) -> Any:
    """The distinct elements, ascending. Needs values that are known.

    Args:
        x: tensor.
        sorted: whether the order matters (they are sorted either way).
        return_index: whether to return where each first occurs.
        return_inverse: whether to return which of them each element of `x` is.
        return_counts: whether to return how often each occurs.
        axis: compare slices along an axis; None for the elements.
        size: cut or fill the result to a length; filled places count 0 and point at the first place.
        fill_value: what it is filled with, by default the smallest element.

    Returns:
        The distinct elements, or a tuple with what else is asked for, in the order above.
    """
    x = to_tensor(x)
    axis = None if axis is None else canonical_axis(axis, x.ndim)
    if in_shape_inference():
        values, first, inverse, counts = _unique_of_unknown(x, axis, size)
    else:
        values, first, inverse, counts = _unique(x, axis=axis)
    if size is not None and not in_shape_inference():
        along = axis or 0
        keep = min(int(size), values.shape[along])
        missing = int(size) - keep
        filler = OPS["take"](values, np.zeros(missing, "int32"), axis=along)
        if fill_value is not None:
            filler = OPS["full_like"](filler, fill_value)
        join = OPS["concatenate"]
        values = join([OPS["take"](values, np.arange(keep), axis=along), filler], axis=along)
        first = join([first[:keep], OPS["full"]((missing,), first[0] if keep else 0, dtype="int32")])
        counts = join([counts[:keep], OPS["zeros"]((missing,), dtype="int32")])
    out = (values, *[part for part, asked in ((first, return_index), (inverse, return_inverse), (counts, return_counts))
                     if asked])
    return out if len(out) > 1 else values
