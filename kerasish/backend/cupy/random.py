"""Random words by one kernel launch, equal bit for bit to those of the array program."""

from functools import cache
from typing import Any

from kerasish.backend.common.philox import KEY_STEPS, MULTIPLIERS, ROUNDS
from kerasish.backend.registry import kernel

THREADS, BLOCKS = 256, 4096

# One thread makes the four words of a counter; products of 32 bits are taken in 64.
SOURCE = f"""
typedef unsigned int u32;
typedef unsigned long long u64;

extern "C" __global__ void philox_words(const u32* seed, u64 first, u32 stream, u64 count, u32* out) {{
  for (u64 i = (u64)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (u64)gridDim.x * blockDim.x) {{
    u64 index = first + i;
    u32 x0 = (u32)index, x1 = (u32)(index >> 32), x2 = stream, x3 = 0, key0 = seed[0], key1 = seed[1];
    for (int turn = 0; turn < {ROUNDS}; ++turn) {{
      u64 p0 = (u64)x0 * {MULTIPLIERS[0]}u, p1 = (u64)x2 * {MULTIPLIERS[1]}u;
      x0 = (u32)(p1 >> 32) ^ x1 ^ key0;
      x2 = (u32)(p0 >> 32) ^ x3 ^ key1;
      x1 = (u32)p1;
      x3 = (u32)p0;
      key0 += {KEY_STEPS[0]}u;
      key1 += {KEY_STEPS[1]}u;
    }}
    u32* words = out + 4 * i;
    words[0] = x0; words[1] = x1; words[2] = x2; words[3] = x3;
  }}
}}
"""


@cache
def _compiled() -> Any:
    import cupy

    return cupy.RawKernel(SOURCE, "philox_words")


@kernel("random_words", device="cupy")
def random_words(seed: Any, *, start: int, count: int, stream: int = 0) -> Any:
    """Return words `start` to `start + count` of a draw; see the common kernel of this name."""
    import cupy

    counters = -(-count // 4)
    out = cupy.empty(4 * counters, "uint32")
    if counters:
        grid = min(-(-counters // THREADS), BLOCKS)
        seed = cupy.ascontiguousarray(cupy.asarray(seed, dtype="uint32"))
        arguments = (seed, cupy.uint64(start // 4), cupy.uint32(stream), cupy.uint64(counters), out)
        _compiled()((grid,), (THREADS,), arguments)
    return out[:count]
