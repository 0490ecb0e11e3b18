"""Philox 4x32-10: random bits as a pure function of (seed, position).

Word `i` of a draw depends only on the seed and on `i`, never on how many words are drawn, in which
order or on which device. Source: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy
as 1, 2, 3", SC 2011.

A block is the four words that one counter gives. The counter of block `b` is
`(b mod 2^32, b div 2^32, stream, 0)` and the key is the seed, so word `i` is word `i mod 4` of block
`i div 4`; `stream` keeps draws apart that one op makes from one seed.
"""

from typing import Any

from kerasish.backend.registry import kernel, lookup

MULTIPLIERS = (0xD2511F53, 0xCD9E8D57)
KEY_STEPS = (0x9E3779B9, 0xBB67AE85)
LOW_32 = 0xFFFFFFFF
ROUNDS = 10
CHUNK = 1 << 15  # counters whose working arrays stay in a second-level cache


def philox(xp: Any, seed: Any, counter: tuple[Any, Any, Any, Any]) -> tuple[Any, Any, Any, Any]:
    """Return the four words of every counter.

    Args:
        seed: two uint32, the key.
        counter: four uint64 arrays or integers below 2^32, at least the first of shape (n,).

    Returns:
        Four uint64 arrays of shape (n,) with values below 2^32.
    """
    n = counter[0].shape[0]
    even, odd = xp.empty((2, n), "uint64"), xp.empty((2, n), "uint64")  # words 0 and 2; 1 and 3
    even[0], odd[0], even[1], odd[1] = counter
    key = xp.asarray(seed).astype("uint64").reshape(2, 1)
    multiplier, step = (xp.asarray(c, dtype="uint64").reshape(2, 1) for c in (MULTIPLIERS, KEY_STEPS))
    low, half = xp.asarray(LOW_32, dtype="uint64"), xp.asarray(32, dtype="uint64")
    product = xp.empty_like(even)
    for _ in range(ROUNDS):
        xp.multiply(even, multiplier, out=product)
        xp.right_shift(product[::-1], half, out=even)
        xp.bitwise_xor(even, odd, out=even)
        xp.bitwise_xor(even, key, out=even)
        xp.bitwise_and(even, low, out=even)
        # The low halves are the next odd words; their high bits go where `even` is masked.
        odd, product = product[::-1], odd
        key = (key + step) & low
    odd &= low
    return even[0], odd[0], even[1], odd[1]


@kernel("random_words")
def random_words(xp: Any, seed: Any, *, start: int, count: int, stream: int = 0) -> Any:
    """Return words `start` to `start + count` of a draw, as uint32 of shape (count,).

    Args:
        seed: two uint32.
        start: the first word, a multiple of 4.
        stream: which of the seed's independent sequences, below 2^32.
    """
    blocks = -(-count // 4)
    out = xp.empty((blocks, 4), "uint32")
    chunk = CHUNK if xp.__name__ == "numpy" else max(blocks, 1)
    for begin in range(0, blocks, chunk):
        end = min(begin + chunk, blocks)
        index = xp.arange(begin + start // 4, end + start // 4, dtype="uint64")
        words = philox(xp, seed, (index & xp.uint64(LOW_32), index >> xp.uint64(32), stream, 0))
        for lane, word in enumerate(words):
            out[begin:end, lane] = word
    return out.reshape(-1)[:count]


def words(xp: Any, seed: Any, start: int, count: int, stream: int = 0) -> Any:
    """Return `random_words` from the fastest kernel of the device that `xp` stands for."""
    return lookup("random_words", xp.__name__, xp)(seed, start=start, count=count, stream=stream)
