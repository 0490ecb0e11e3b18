"""Reading and adding rows on the CPU, as an embedding and its gradient do."""

import math

import numpy as np

from kerasish.backend.common.halves import widen
from kerasish.backend.common.windows import deliver, zeros
from kerasish.backend.registry import kernel

LONG = 192  # elements; from here on a Python loop over rows beats element-wise np.add.at


def _long_rows(values, *arrays, shape, index):
    return index == ("array",) and math.prod(shape[1:]) >= LONG


@kernel("scatter_item", device="numpy", when=_long_rows)
def scatter_rows(values, rows, *, shape, index, out=None):
    wide = widen(values).reshape(-1, *shape[1:])
    result = zeros(np, tuple(shape), wide.dtype, out)
    for row, value in zip(rows.reshape(-1).tolist(), wide, strict=True):
        result[row] += value
    return result.astype(values.dtype, copy=False) if out is None else deliver(result, out)


@kernel("take", device="numpy")
def take(x, indices, *, axis, out=None):
    if out is None:
        return np.take(x, indices, axis=axis)
    # Where NumPy checks bounds itself it copies through a buffer.
    n = x.shape[axis]
    if indices.size and not (-n <= indices.min() and indices.max() < n):
        raise IndexError(f"indices are out of bounds for axis {axis} of length {n}")
    return np.take(x, indices, axis=axis, out=out, mode="wrap")
