"""Ops that read and write at indices: `x[...]`, take, scatter, slices, segments."""

import builtins
import math
import operator
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference, is_unknown, leave_open, unknown_length
from kerasish.core.dispatch import promoted_dtype, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import STAND_INS, Spec, agree, broadcast_shapes, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis
from kerasish.ops.shape import as_shape, broadcast_to, ravel

__all__ = [
    "get_item", "nonzero", "scatter", "scatter_update", "segment_max", "segment_min", "segment_prod", "segment_sum",
    "select", "slice", "slice_update", "take", "take_along_axis", "unravel_index",
]

_WHOLE = (None, None, None)
_ONE = np.empty((), "bool")

# ---- x[key], and its transpose ----


def _get_item_spec(x, *arrays, index):
    """Basic entries are worked out by NumPy on a single element seen as a tensor; then arrays take their axes."""
    whole, part = builtins.slice(None), builtins.slice
    basic = tuple([whole if i == "array" else part(*i) if isinstance(i, tuple) else i for i in index])
    try:
        shape = np.broadcast_to(_ONE, x.shape)[basic].shape
    except IndexError as error:
        raise IndexError(f"cannot index a tensor of shape {tuple(x.shape)}: {error}") from None
    if not arrays:
        return Spec(shape, x.dtype)
    # Ints never stand beside arrays (`_parse` makes arrays of them), so each entry keeps an axis.
    at = [i for i, entry in enumerate(index) if entry == "array"]
    meet = broadcast_shapes(*[tuple(a.shape) for a in arrays])
    rest = [n for i, n in enumerate(shape) if i not in at]
    place = at[0] if at == list(range(at[0], at[-1] + 1)) else 0  # arrays apart from each other put their axes first
    return Spec((*rest[:place], *meet, *rest[place:]), x.dtype)


_get_item = Card("get_item", ("x", "*arrays"), spec=_get_item_spec, vjp=lambda g, x_spec, arrays, index: (
    _scatter_item(g, *arrays, shape=x_spec.shape, index=index), *[None] * len(arrays)))
_scatter_item: Card = Card("scatter_item", ("values", "*arrays"),
                     spec=lambda values, *arrays, shape, index: Spec(shape, values.dtype),
                     vjp=lambda g, arrays, index: (_get_item(g, *arrays, index=index), *[None] * len(arrays)))


def _parse(key: Any, shape: tuple[int, ...]) -> tuple[tuple, list[Tensor]]:
    """Return the static index of a key, and the arrays in it."""
    if type(key) is int:  # the common case
        return (key,), []
    entries = list(key) if isinstance(key, tuple) else [key]
    entries = [e if _is_basic(e) else to_tensor(e) for e in entries]
    used = sum(_axes_of(e) for e in entries)
    if used > len(shape):
        raise IndexError(f"too many indices for a tensor of shape {shape}: {used}")
    dots = [i for i, e in enumerate(entries) if e is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can have one ellipsis ('...') at most")
    if dots:
        entries[dots[0] : dots[0] + 1] = [builtins.slice(None)] * (len(shape) - used)
    entries = _without_masks(entries, shape)
    arrays = [e for e in entries if isinstance(e, Tensor)]
    if arrays:  # beside an array an int counts as one
        entries = [to_tensor(e, "int32") if isinstance(e, int | np.integer) else e for e in entries]
        arrays = [_checked_indices(e) for e in entries if isinstance(e, Tensor)]
    while entries and isinstance(entries[-1], builtins.slice) and entries[-1] == builtins.slice(None):
        entries.pop()
    return tuple([_static(e) for e in entries]), arrays


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, Tensor) and entry.dtype == "bool"


def _axes_of(entry: Any) -> int:
    """How many axes of the tensor an entry of a key takes up."""
    return entry.ndim if _is_mask(entry) else int(entry is not None and entry is not Ellipsis)


def _without_masks(entries: list[Any], shape: tuple[int, ...]) -> list[Any]:
    """The entries with the indices of its true elements, an array an axis, in the place of each boolean array."""
    out: list[Any] = []
    axis = 0
    for entry in entries:
        if _is_mask(entry) and (not entry.ndim or entry.shape != shape[axis : axis + entry.ndim]):
            raise IndexError(f"a boolean index of shape {entry.shape} does not fit axis {axis} and those after it of a "
                             f"tensor of shape {shape}")
        out += nonzero(entry) if _is_mask(entry) else [entry]
        axis += _axes_of(entry)
    return out


def _is_basic(entry: Any) -> bool:
    if isinstance(entry, bool | np.bool_):
        raise IndexError("a tensor cannot be indexed by a single bool: use None, an int, a slice or an array")
    return entry is None or entry is Ellipsis or isinstance(entry, builtins.slice | int | np.integer)


def _static(entry: Any) -> Any:
    if isinstance(entry, Tensor):
        return "array"
    if isinstance(entry, builtins.slice):
        return tuple([None if e is None else operator.index(e) for e in (entry.start, entry.stop, entry.step)])
    return None if entry is None else int(entry)


def _checked_indices(indices: Tensor) -> Tensor:
    """Integer indices, in a dtype that holds the length of any axis."""
    if indices.dtype.kind not in "iu":
        raise TypeError(f"indices must be integers, got dtype {indices.dtype}")
    return OPS["cast"](indices, "int32") if indices.dtype.itemsize < 4 else indices


@public
def get_item(x: Any, key: Any) -> Tensor:
    """Read part of a tensor, as `x[key]` does, by NumPy's rules.

    Args:
        x: tensor.
        key: ints, slices, None, `...`, integer or boolean arrays, or a tuple of these. Boolean arrays need values
            that are known.

    Raises:
        IndexError: the key does not fit the shape (of a symbolic tensor: ValueError).
    """
    x = to_tensor(x)
    if not in_shape_inference():
        index, arrays = _parse(key, x.shape)
        return _get_item(x, *arrays, index=index) if index else x
    try:
        index, arrays = _parse(key, x.shape)
        out = _get_item(x, *arrays, index=index)
    except IndexError as error:
        raise ValueError(*error.args) from None
    return out if arrays else leave_open(out, *_cut_short(x.shape, index))


def _cut_short(shape: tuple[int, ...], index: tuple) -> Iterator[int]:
    """Axes of the result on which `x[:5]` of an unknown length stands: it may have fewer than 5."""
    lengths, axis = iter(shape), 0
    for entry in index:
        n = next(lengths) if entry is not None else 1
        if isinstance(entry, tuple) and entry != _WHOLE and is_unknown(n):
            fewer, more = (len(range(*builtins.slice(*entry).indices(m))) for m in STAND_INS)
            if fewer == more:
                yield axis
        axis += not isinstance(entry, int)


# ---- take ----

_take = Card("take", ("x", "indices"),
             spec=lambda x, indices, *, axis: Spec((*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype),
             vjp=(lambda g, x_spec, indices, axis: _scatter_item(
                 g, indices, shape=x_spec.shape, index=(*[_WHOLE] * axis, "array")), None))


def _along_spec(x, indices, *, axis):
    shape = list(broadcast_shapes(*[(*s.shape[:axis], 1, *s.shape[axis + 1 :]) for s in (x, indices)]))
    shape[axis] = indices.shape[axis]
    return Spec(shape, x.dtype)


_take_along = Card("take_along_axis", ("x", "indices"), spec=_along_spec, vjp=(
    lambda g, x_spec, indices, axis: add_along(g, indices, shape=x_spec.shape, axis=axis), None))
add_along: Card = Card("add_along_axis", ("values", "indices"),
                  spec=lambda values, indices, *, shape, axis: Spec(shape, values.dtype),
                  vjp=(lambda g, indices, axis: _take_along(g, indices, axis=axis), None))


def _as_indices(indices: Any) -> Tensor:
    indices = to_tensor(indices)
    return _checked_indices(OPS["cast"](indices, "int32") if indices.dtype == "bool" else indices)


@public
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Take slices of a tensor along an axis.

    Args:
        x: tensor.
        indices: integers of any shape, which takes the place of `axis`; negative ones count from the end.
        axis: the axis, or None for the flattened tensor.

    Raises:
        IndexError: an index is out of bounds (on the CPU).
    """
    x = to_tensor(x)
    if axis is None:
        x, axis = ravel(x), 0
    return _take(x, _as_indices(indices), axis=canonical_axis(axis, x.ndim))


@public
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Take one element along an axis for every index: out[i, j] = x[indices[i, j], j] for axis 0.

    Args:
        x: tensor.
        indices: integers of as many axes as `x`; axes other than `axis` broadcast.
        axis: the axis, or None for flattened tensors.
    """
    x, indices = to_tensor(x), _as_indices(indices)
    if axis is None:
        x, indices, axis = ravel(x), ravel(indices), 0
    if indices.ndim != x.ndim:
        raise ValueError(f"argument `indices` must have {x.ndim} axes as `x` has, got shape {indices.shape}")
    axis = canonical_axis(axis, x.ndim)
    return _take_along(x, broadcast_to(indices, _along_spec(x, indices, axis=axis).shape), axis=axis)


# ---- writing at indices ----

_put_item: Card = Card("put_item", ("x", "values", "*arrays"), spec=like(0),
                 vjp=lambda g, arrays, values_spec, index: (
                     _put_item(g, OPS["zeros"](values_spec.shape, g.dtype), *arrays, index=index),
                     _get_item(g, *arrays, index=index), *[None] * len(arrays)))


def _combine_vjp(g, x, values, arrays, out, index, reduction):
    """An extreme passes the gradient to all that reach it; a product, to each factor times the others."""
    cast = OPS["cast"]
    back = _get_item(g, *arrays, index=index)
    if reduction == "multiply":
        others = _combine_item(OPS["ones_like"](x), values, *arrays, index=index, reduction=reduction)
        return g * others, _get_item(g * out, *arrays, index=index) / values, *[None] * len(arrays)
    reached = _get_item(out, *arrays, index=index) == values
    return g * cast(out == x, g.dtype), back * cast(reached, g.dtype), *[None] * len(arrays)


_combine_item = Card("combine_item", ("x", "values", "*arrays"), vjp=_combine_vjp, spec=like(0))


def _columns(indices: Any) -> tuple[list[Tensor], tuple[str, ...]]:
    """The last axis of coordinates, one index array an entry."""
    indices = _as_indices(indices)
    if not indices.ndim or not indices.shape[-1]:
        raise ValueError(f"argument `indices` must hold coordinates in its last axis, got shape {indices.shape}")
    columns = [indices[..., k] for k in range(indices.shape[-1])]
    return columns, ("array",) * len(columns)


@public
def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros with `values` added at coordinates; values at equal coordinates add up.

    Args:
        indices: integers (..., k): the coordinates in the first k axes of the result.
        values: (..., *shape[k:]).
        shape: shape of the result.
    """
    values, shape = to_tensor(values), as_shape(shape)
    columns, index = _columns(indices)
    expected = (*columns[0].shape, *shape[len(columns) :])
    if values.shape != expected:
        raise ValueError(f"argument `values` must have shape {expected} for indices {columns[0].shape} + "
                         f"({len(columns)},) into shape {shape}, got {values.shape}")
    return _scatter_item(values, *columns, shape=shape, index=index)


_REDUCTIONS = {"max": "maximum", "min": "minimum", "mul": "multiply"}


@public
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """A copy of a tensor with other values at coordinates.

    Args:
        inputs: tensor.
        indices: integers (..., k): coordinates in its first k axes.
        updates: (..., *inputs.shape[k:]).
        reduction: None to replace what stands there, or "add", "max", "min", "mul" to combine with it. The gradient of
            "mul" by an update divides by it: it is undefined at zero.
    """
    x = to_tensor(inputs)
    updates = to_tensor(updates, x.dtype.name)
    columns, index = _columns(indices)
    if reduction is None:
        return _put_item(x, updates, *columns, index=index)
    updates = broadcast_to(updates, (*columns[0].shape, *x.shape[len(columns) :]))
    if reduction == "add":
        return OPS["add"](x, _scatter_item(updates, *columns, shape=x.shape, index=index))
    if reduction not in _REDUCTIONS:
        raise ValueError(f"argument `reduction` must be None, 'add', 'max', 'min' or 'mul', got {reduction!r}")
    return _combine_item(x, updates, *columns, index=index, reduction=_REDUCTIONS[reduction])


# ---- blocks ----

_dynamic_slice = Card("dynamic_slice", ("x", "*starts"), spec=lambda x, *starts, sizes: Spec(sizes, x.dtype),
                      vjp=lambda g, x_spec, starts: (
                          _dynamic_update(OPS["zeros"](x_spec.shape, g.dtype), g, *starts), *[None] * len(starts)))
_dynamic_update: Card = Card("dynamic_update", ("x", "values", "*starts"), spec=like(0),
                             vjp=lambda g, values_spec, starts: (
                           _dynamic_update(g, OPS["zeros"](values_spec.shape, g.dtype), *starts),
                           _dynamic_slice(g, *starts, sizes=values_spec.shape), *[None] * len(starts)))


def _starts(start_indices: Any, sizes: tuple[int, ...], shape: tuple[int, ...]) -> list[Any]:
    """Starts as ints within bounds where they are known, else as tensors."""
    if len(sizes) != len(shape) or any(n > m and not is_unknown(n) for n, m in zip(sizes, shape, strict=True)):
        raise ValueError(f"a block of shape {sizes} does not fit a tensor of shape {shape}")
    starts = list(start_indices) if isinstance(start_indices, list | tuple) else to_tensor(start_indices)
    if isinstance(starts, Tensor):
        starts = [starts[i] for i in range(len(starts))] if not starts.is_concrete else starts.tolist()
    if len(starts) != len(shape):
        raise ValueError(f"argument `start_indices` must have one start for each axis of shape {shape}, got {starts}")
    if any(isinstance(s, Tensor) and not s.is_concrete for s in starts):
        return [to_tensor(s) for s in starts]
    starts = [int(s) for s in starts]
    return [min(max(s + m if s < 0 else s, 0), m - n) for s, n, m in zip(starts, sizes, shape, strict=True)]


def _rest(start: Any, length: int) -> int:
    """How much of an axis is left from a start on."""
    if in_shape_inference() and not getattr(start, "is_concrete", True):
        return unknown_length()
    start = int(start)
    return length - (start + length if start < 0 else start)


@public
def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """Read a block of a tensor; a start too large is moved so that the block lies within.

    Args:
        inputs: tensor.
        start_indices: where the block starts, one index an axis; may be a tensor.
        shape: shape of the block; -1 for what is left of an axis, for which the start must be known.
    """
    x = to_tensor(inputs)
    sizes = as_shape(shape)
    if len(sizes) != x.ndim:
        raise ValueError(f"the dimensions in `inputs` must match in number the dimensions in `shape`, got {x.shape} "
                         f"and {sizes}")
    if len(start_indices) != x.ndim:
        raise ValueError("the dimensions in `start_indices` must match in number the dimensions in `inputs`, got "
                         f"{len(start_indices)} for shape {x.shape}")
    if -1 in sizes:
        sizes = tuple([_rest(start_indices[i], m) if n == -1 else n for i, (n, m) in enumerate(zip(sizes, x.shape))])
    starts = _starts(start_indices, sizes, x.shape)
    if any(isinstance(s, Tensor) for s in starts):
        return _dynamic_slice(x, *starts, sizes=sizes)
    return _get_item(x, index=tuple([(s, s + n, None) for s, n in zip(starts, sizes, strict=True)]))


@public
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """A copy of a tensor with a block replaced; a start too large is moved so that the block lies within.

    Args:
        inputs: tensor.
        start_indices: where the block starts, one index an axis; may be a tensor.
        updates: the block, of the tensor's dtype (it is cast).
    """
    x = to_tensor(inputs)
    updates = to_tensor(updates, x.dtype.name)
    starts = _starts(start_indices, updates.shape, x.shape)
    if any(isinstance(s, Tensor) for s in starts):
        return _dynamic_update(x, updates, *starts)
    index = tuple([(s, s + n, None) for s, n in zip(starts, updates.shape, strict=True)])
    return _put_item(x, updates, index=index)


# ---- choosing, segments, positions ----


def depends_on_values(*_inputs, **_params):
    """The shape rule of an op without one: it raises."""
    raise TypeError("the shape of this op's result depends on values, which are not known here: run it eagerly")


_nonzero = Card("nonzero", ("x",), spec=depends_on_values)


@public
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """Indices of the elements that are not zero: one int32 tensor an axis. Needs values that are known."""
    if in_shape_inference():
        return tuple([Tensor(Spec((unknown_length(),), "int32")) for _ in to_tensor(x).shape])
    return tuple(_nonzero(x))


@public
def select(condlist: Sequence[Any], choicelist: Sequence[Any], default: Any = 0) -> Tensor:
    """Choose element by element the first of several tensors whose condition holds.

    Args:
        condlist: boolean tensors.
        choicelist: as many tensors; all broadcast.
        default: what stands where no condition holds.
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError("`condlist` and `choicelist` go in pairs, of which there is one at least, got "
                         f"{len(condlist)} and {len(choicelist)}")
    choices = [c if isinstance(c, bool | int | float) else to_tensor(c) for c in (*choicelist, default)]
    dtype = promoted_dtype("same", choices)
    out = to_tensor(choices[-1], dtype)
    for condition, choice in zip(reversed(condlist), reversed(choices[:-1]), strict=True):
        out = OPS["where"](condition, to_tensor(choice, dtype), out)
    return out


def _segments(data: Any, segment_ids: Any, num_segments: int | None) -> tuple[Tensor, Tensor, int]:
    """Data, ids with those out of range sent to one segment more, and the number of segments."""
    data, ids = to_tensor(data), _as_indices(segment_ids)
    if ids.ndim != 1:
        raise ValueError(f"argument `segment_ids` has one axis, got shape {ids.shape}")
    if not data.ndim or not agree(ids.shape[0], data.shape[0]):
        raise ValueError("there must be one of `segment_ids` for each row of `data`, got shapes "
                         f"{ids.shape} and {data.shape}")
    if num_segments is None and in_shape_inference():
        num_segments = unknown_length()
    elif num_segments is None:
        num_segments = int(ids.numpy().max()) + 1 if ids.size else 0
    count = int(num_segments)
    inside = OPS["logical_and"](ids >= 0, ids < count)
    return data, OPS["where"](inside, ids, OPS["full_like"](ids, count)), count


@public
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """Sum the rows of each segment.

    Args:
        data: (n, ...).
        segment_ids: n integers: to which segment each row belongs; rows with ids out of range are left out.
        num_segments: how many segments; by default the largest id + 1, for which the ids must be known.
        sorted: whether the ids are sorted (makes no difference).

    Returns:
        (num_segments, ...).
    """
    data, ids, count = _segments(data, segment_ids, num_segments)
    return _scatter_item(data, ids, shape=(count + 1, *data.shape[1:]), index=("array",))[:count]


def _segment_combine(data: Any, segment_ids: Any, num_segments: int | None, reduction: str) -> Tensor:
    data, ids, count = _segments(data, segment_ids, num_segments)
    empty = OPS["full"]((count + 1, *data.shape[1:]), _neutral(reduction, data.dtype), dtype=data.dtype)
    return _combine_item(empty, data, ids, index=("array",), reduction=reduction)[:count]


def _neutral(reduction: str, dtype: np.dtype) -> Any:
    if reduction == "multiply":
        return 1
    if dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return limits.min if reduction == "maximum" else limits.max
    if dtype.kind == "b":
        return reduction == "minimum"
    return -math.inf if reduction == "maximum" else math.inf


@public
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """Largest entries of each segment; arguments as in `segment_sum`. An empty segment gives the lowest value."""
    return _segment_combine(data, segment_ids, num_segments, "maximum")


@public
def segment_min(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """Smallest entries of each segment; arguments as in `segment_sum`. An empty segment gives the highest value."""
    return _segment_combine(data, segment_ids, num_segments, "minimum")


@public
def segment_prod(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """Multiply the rows of each segment; arguments as in `segment_sum`. An empty segment gives 1."""
    return _segment_combine(data, segment_ids, num_segments, "multiply")


@public
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """Coordinates in a shape of flat indices (row-major): one tensor an axis, of the dtype of the indices."""
    indices = to_tensor(indices)
    rest, shape = _as_indices(indices), as_shape(shape)
    out = []
    for n in reversed(shape):
        out.append(OPS["cast"](OPS["mod"](rest, n), indices.dtype))
        rest = OPS["floor_divide"](rest, n)
    return tuple(reversed(out))
