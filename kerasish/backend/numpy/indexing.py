"""Scatter-add on the CPU where rows are long, as in the gradient of an embedding."""

import math

import numpy as np

from kerasish.backend.common.halves import widen
from kerasish.backend.registry import kernel

LONG = 192  # elements; from here on a Python loop over rows beats element-wise np.add.at


def _long_rows(values, *arrays, shape, index):
    return index == ("array",) and math.prod(shape[1:]) >= LONG


@kernel("scatter_item", device="numpy", when=_long_rows)
def scatter_rows(values, rows, *, shape, index):
    wide = widen(values).reshape(-1, *shape[1:])
    out = np.zeros(shape, wide.dtype)
    for row, value in zip(rows.reshape(-1).tolist(), wide, strict=True):
        out[row] += value
    return out.astype(values.dtype, copy=False)
