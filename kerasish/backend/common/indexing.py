"""Kernels that read and write at indices.

A static index is a tuple with one entry for each axis or new axis: an int, None, a triple
(start, stop, step) for a slice, or "array" for the next of the index arrays.
"""

from typing import Any

from kerasish.backend.common.halves import widen
from kerasish.backend.common.windows import deliver, zeros
from kerasish.backend.registry import kernel, lookup


def as_index(index: tuple, arrays: tuple) -> tuple:
    """Return what `x[...]` takes for a static index and the arrays that fill it."""
    left = iter(arrays)
    return tuple(slice(*i) if isinstance(i, tuple) else next(left) if i == "array" else i for i in index)


@kernel("get_item")
def get_item(xp, x, *arrays, index):
    return x[as_index(index, arrays)]


@kernel("scatter_item")
def scatter_item(xp, values, *arrays, shape, index, out=None):
    """Zeros of the shape, with `values` added at the index: the transpose of `get_item`."""
    where = as_index(index, arrays)
    wide = widen(values) if arrays else values
    result = zeros(xp, tuple(shape), wide.dtype, out)
    if not arrays:
        result[where] = values
    elif len(arrays) == len(index):
        add_rows(xp, result.reshape(-1, *shape[len(arrays) :]), row_numbers(xp, arrays, shape), wide)
    else:
        add_at(xp, result, wide, where)
    return result.astype(values.dtype, copy=False) if out is None else deliver(result, out)


def row_numbers(xp: Any, arrays: tuple, shape: tuple) -> Any:
    """Return the rows that index arrays of the leading axes name, those axes taken as one."""
    if len(arrays) > 1:
        arrays = xp.broadcast_arrays(*arrays)
    rows = xp.zeros((), "int64")
    for n, i in zip(shape, arrays, strict=False):
        rows = rows * n + xp.where(i < 0, i + n, i)
    return rows.reshape(-1)


def add_rows(xp: Any, table: Any, rows: Any, values: Any) -> None:
    """Add to the rows of `table` that `rows` names the rows of `values`; repeated rows add up."""
    width = table.size // len(table) if len(table) else 0
    if not width or not rows.size:
        return
    # NumPy adds at 1-D indices three times as fast as at rows.
    at = rows if width == 1 else (rows[:, None] * width + xp.arange(width)).reshape(-1)
    add_at(xp, table.reshape(-1), values.reshape(-1), at)


@kernel("add_at")
def add_at_index(xp, table, values, *, index):
    """In place: add values at an index of arrays and slices; at repeated indices they add up."""
    xp.add.at(table, index, values)


def add_at(xp: Any, table: Any, values: Any, index: Any) -> None:
    """Run `add_at` of the device that `xp` stands for."""
    lookup("add_at", xp.__name__, xp)(table, values, index=index)


@kernel("put_item")
def put_item(xp, x, values, *arrays, index):
    """A copy of `x` with `values` at the index."""
    out = x.copy()
    out[as_index(index, arrays)] = values
    return out


@kernel("combine_item")
def combine_item(xp, x, values, *arrays, index, reduction):
    """A copy of `x`, in which rows at the index are combined with `values` by a ufunc."""
    out = widen(x).copy()
    if reduction != "multiply":
        getattr(xp, reduction).at(out, as_index(index, arrays), widen(values))
    elif values.size:
        rows = row_numbers(xp, arrays, x.shape)
        table = out.reshape(-1, *x.shape[len(arrays) :])
        _multiply_rows(xp, table, rows, widen(values).reshape(rows.size, *table.shape[1:]))
    return out.astype(x.dtype, copy=False)


def _multiply_rows(xp: Any, table: Any, rows: Any, values: Any) -> None:
    """Multiply rows of `table` in place: in one pass the first mention of each, then the second, and so on."""
    order = xp.argsort(rows, kind="stable")
    ordered = rows[order]
    turn = xp.arange(rows.size) - xp.searchsorted(ordered, ordered)
    for n in range(int(turn.max()) + 1):
        chosen = order[turn == n]
        table[rows[chosen]] *= values[chosen]


@kernel("take")
def take(xp, x, indices, *, axis, out=None):
    return xp.take(x, indices, axis=axis, out=out)


@kernel("take_along_axis")
def take_along_axis(xp, x, indices, *, axis):
    return xp.take_along_axis(x, indices, axis)


@kernel("add_along_axis")
def add_along_axis(xp, values, indices, *, shape, axis):
    """Zeros with `values` added at `indices` along an axis: the transpose of `take_along_axis`."""
    wide = widen(values)
    out = xp.zeros(shape, wide.dtype)
    # Other axes may broadcast: an axis of length 1 in the indices or in the result counts from zero.
    grid = xp.ogrid[tuple(slice(n) for n in indices.shape)]
    where = [xp.minimum(g, n - 1) for g, n in zip(grid, shape, strict=True)]
    where[axis] = indices
    add_rows(xp, out.reshape(-1), row_numbers(xp, tuple(where), shape), wide)
    return out.astype(values.dtype, copy=False)


@kernel("dynamic_slice")
def dynamic_slice(xp, x, *starts, sizes):
    """A block of the given sizes; starts are clamped so that it lies within `x`."""
    return x[_block(starts, sizes, x.shape)].copy()


@kernel("dynamic_update")
def dynamic_update(xp, x, values, *starts):
    """A copy of `x` with a block replaced by `values`; starts are clamped so that it lies within `x`."""
    out = x.copy()
    out[_block(starts, values.shape, x.shape)] = values
    return out


def _block(starts: tuple, sizes: tuple, shape: tuple) -> tuple:
    lows = [min(max(int(s), 0), whole - n) for s, n, whole in zip(starts, sizes, shape, strict=True)]
    return tuple(slice(low, low + n) for low, n in zip(lows, sizes, strict=True))


@kernel("nonzero")
def nonzero(xp, x):
    return tuple(i.astype("int32") for i in xp.nonzero(widen(x)))
