"""Philox 4x32-10 inside kernels: the words of many blocks at once, equal to `backend.common.philox` bit for bit."""

from typing import Any

from kerasish.backend.common.philox import KEY_STEPS, LOW_32, MULTIPLIERS, ROUNDS
from kerasish.backend.native.language import Value


def philox_words(k: Any, seed0: Value, seed1: Value, blocks: Value, stream: int = 0) -> tuple[Value, ...]:
    """Return the four words of each block, as u4 vectors.

    Args:
        k: the kernel.
        seed0, seed1: the seed, two u4 numbers.
        blocks: whole numbers, a vector of 64-bit ones: which blocks of the draw.
        stream: which of the seed's independent sequences.
    """
    blocks, key0, key1 = blocks.to("u8"), seed0.to("u8"), seed1.to("u8")
    x0, x1 = blocks & LOW_32, blocks >> 32
    x2, x3 = (k.number(n, "u8", blocks.lanes) for n in (stream, 0))
    for _ in range(ROUNDS):
        p0, p1 = x0 * MULTIPLIERS[0], x2 * MULTIPLIERS[1]  # of numbers below 2^32: one instruction
        x0, x2 = ((p1 >> 32) ^ x1 ^ key0) & LOW_32, ((p0 >> 32) ^ x3 ^ key1) & LOW_32
        x1, x3 = p1, p0  # their high bits go where words are cut to 32 bits
        key0, key1 = (key0 + KEY_STEPS[0]) & LOW_32, (key1 + KEY_STEPS[1]) & LOW_32
    return tuple(x.to("u4") for x in (x0, x1, x2, x3))
