"""`where` on bits: NumPy's own branches at every element, and is seven times slower on a random condition."""

from typing import Any

import numpy as np

from kerasish.backend.common.windows import deliver, fresh
from kerasish.backend.registry import kernel

BITS: dict[int, Any] = {4: np.int32, 8: np.int64}
SMALL = 4096  # elements below which NumPy's own is as fast


def _serves(condition: Any, x: Any, y: Any) -> bool:
    """Whether the values have one dtype whose bits an integer type holds, and are many."""
    return (condition.dtype == bool and x.dtype == y.dtype and x.dtype.itemsize in BITS and x.dtype.kind in "fiu"
            and max(condition.size, x.size, y.size) >= SMALL)


@kernel("where", device="numpy", when=_serves)
def where(condition: np.ndarray, x: np.ndarray, y: np.ndarray, *, out: Any = None) -> np.ndarray:
    """`y ^ ((x ^ y) * condition)`, on the bits of the numbers."""
    kind = BITS[x.dtype.itemsize]
    result = fresh(np, np.broadcast_shapes(condition.shape, x.shape, y.shape), x.dtype, out)
    a, b, bits = x.view(kind), y.view(kind), result.view(kind)
    if b.ndim == 0 and not b:
        np.multiply(a, condition, out=bits)
    else:
        np.bitwise_xor(a, b, out=bits)
        np.multiply(bits, condition, out=bits)
        np.bitwise_xor(bits, b, out=bits)
    return deliver(result, out)
