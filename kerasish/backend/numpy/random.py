"""Random words by a compiled loop, five times as fast as the array program and equal to it bit for bit."""

import sys
from functools import cache
from typing import Any

import numpy as np

from kerasish.backend.common.philox import KEY_STEPS, LOW_32, MULTIPLIERS, ROUNDS
from kerasish.backend.registry import kernel


def numba_is_loaded(*_: Any, **__: Any) -> bool:
    """Tell whether something has imported numba already: it takes half a second, more than most draws."""
    return "numba" in sys.modules


@cache
def _compiled():
    import numba

    u64, u32 = np.uint64, np.uint32
    low, half = u64(LOW_32), u64(32)
    m0, m1 = map(u64, MULTIPLIERS)
    w0, w1 = map(u64, KEY_STEPS)

    @numba.njit("void(uint64, uint64, uint64, uint64, uint32[:, ::1])", nogil=True)
    def fill(seed0, seed1, first, stream, out):
        for block in range(out.shape[0]):
            index = first + u64(block)
            x0, x1, x2, x3 = index & low, index >> half, stream, u64(0)
            key0, key1 = seed0, seed1
            for _ in range(ROUNDS):
                p0, p1 = x0 * m0, x2 * m1
                x0, x2 = ((p1 >> half) ^ x1 ^ key0) & low, ((p0 >> half) ^ x3 ^ key1) & low
                x1, x3 = p1 & low, p0 & low
                key0, key1 = (key0 + w0) & low, (key1 + w1) & low
            out[block, 0], out[block, 1], out[block, 2], out[block, 3] = u32(x0), u32(x1), u32(x2), u32(x3)

    return fill


@kernel("random_words", device="numpy", when=numba_is_loaded)
def random_words(seed: Any, *, start: int, count: int, stream: int = 0) -> np.ndarray:
    """Return words `start` to `start + count` of a draw; see the common kernel of this name."""
    out = np.empty((-(-count // 4), 4), np.uint32)
    _compiled()(np.uint64(seed[0]), np.uint64(seed[1]), np.uint64(start // 4), np.uint64(stream), out)
    return out.reshape(-1)[:count]
