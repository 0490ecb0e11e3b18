"""`where` on bits: NumPy's own branches at every element, and is seven times slower on a random condition."""

from typing import Any

import numpy as np

from kerasish.backend.registry import kernel

BITS: dict[int, Any] = {4: np.int32, 8: np.int64}
SMALL = 4096  # elements below which NumPy's own is as fast


def _serves(condition: Any, x: Any, y: Any) -> bool:
    """Whether the values have one dtype whose bits an integer type holds, and are many."""
    return (condition.dtype == bool and x.dtype == y.dtype and x.dtype.itemsize in BITS and x.dtype.kind in "fiu"
            and max(condition.size, x.size, y.size) >= SMALL)


def _is_zero(bits: np.ndarray) -> bool:
    return bits.ndim == 0 and not bits


@kernel("where", device="numpy", when=_serves)
def where(condition: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """`y ^ ((x ^ y) & mask)`, the mask all ones where the condition holds."""
    kind = BITS[x.dtype.itemsize]
    a, b = x.view(kind), y.view(kind)
    if _is_zero(b):
        out = _and(np.negative(condition.view("int8"), dtype=kind), a)
    elif _is_zero(a):
        out = _and(np.subtract(condition.view("int8"), 1, dtype=kind), b)
    else:
        out = _and(np.negative(condition.view("int8"), dtype=kind), a ^ b)
        out = np.bitwise_xor(out, b, out=out)
    return out.view(x.dtype)


def _and(mask: np.ndarray, bits: np.ndarray) -> np.ndarray:
    """Return `mask & bits`, written over the mask where that is large enough."""
    return np.bitwise_and(mask, bits, out=mask if np.broadcast(mask, bits).shape == mask.shape else None)
