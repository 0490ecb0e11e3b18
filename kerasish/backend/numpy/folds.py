"""Sums and moments over the first or the last axes as matrix products: several times NumPy's speed on short rows.

NumPy folds row by row, which costs more than the additions where a row has fewer than about a hundred elements
(the channels of an image, the width of a layer).
"""

from math import prod
from typing import Any

import numpy as np

from kerasish.backend.common.windows import deliver, spans, tile_bytes
from kerasish.backend.registry import kernel

SHORT, ENOUGH = 256, 4096  # elements of a row, of all rows


def _sides(x: np.ndarray, axis: Any) -> tuple[bool, int]:
    """Return whether the first axes are folded, and how many elements the others have (0: neither side)."""
    if type(axis) is not tuple or not axis or len(axis) == x.ndim:
        return False, 0
    if axis[-1] == len(axis) - 1:
        return True, prod(x.shape[len(axis) :])
    if axis[0] == x.ndim - len(axis):
        return False, prod(x.shape[: axis[0]])
    return False, 0


def _serves(x: np.ndarray, *, axis: Any = None, **_: Any) -> bool:
    if x.dtype.char not in "fd" or x.size < ENOUGH or not x.flags.c_contiguous:
        return False
    first, kept = _sides(x, axis)
    return kept > 0 and 1 < (kept if first else x.size // kept) <= SHORT


def _total(rows: np.ndarray, first: bool) -> np.ndarray:
    ones = np.ones(rows.shape[0 if first else 1], rows.dtype)
    return ones @ rows if first else rows @ ones


def _as_rows(x: np.ndarray, first: bool, kept: int) -> np.ndarray:
    return x.reshape(-1, kept) if first else x.reshape(kept, -1)


def _shape(x: np.ndarray, axis: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    if keepdims:
        return tuple(1 if i in axis else n for i, n in enumerate(x.shape))
    return tuple(n for i, n in enumerate(x.shape) if i not in axis)


@kernel("sum", device="numpy", when=_serves)
def sum_(x, *, axis, keepdims=False, out=None):
    first, kept = _sides(x, axis)
    return deliver(_total(_as_rows(x, first, kept), first).reshape(_shape(x, axis, keepdims)), out)


@kernel("mean", device="numpy", when=_serves)
def mean(x, *, axis, keepdims=False, out=None):
    first, kept = _sides(x, axis)
    total = _total(_as_rows(x, first, kept), first)
    total /= x.dtype.type(x.size // kept)
    return deliver(total.reshape(_shape(x, axis, keepdims)), out)


@kernel("moments", device="numpy", when=_serves)
def moments(x, *, axis):
    """Mean and variance, the squares taken of differences that are still in the cache."""
    first, kept = _sides(x, axis)
    rows = _as_rows(x, first, kept)
    count = x.dtype.type(x.size // kept)
    middle = _total(rows, first) / count
    squares = np.zeros(kept, x.dtype)
    for part in spans(len(rows), tile_bytes(np) // (2 * rows.shape[1] * x.itemsize)):
        if first:
            d = rows[part] - middle
            squares += np.einsum("ij,ij->j", d, d)
        else:
            d = rows[part] - middle[part, None]
            np.einsum("ij,ij->i", d, d, out=squares[part])
    shape = _shape(x, axis, True)
    return middle.reshape(shape), (squares / count).reshape(shape)
