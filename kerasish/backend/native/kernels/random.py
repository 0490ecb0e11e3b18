"""Random draws from Philox words: the same bits as the array kernels give.

Draws by way of logarithms and sines (normal ones) stay with NumPy, whose functions would have to be met to the bit.
"""

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native import engine
from kerasish.backend.native.jobs import Job, Plan, lowering, split
from kerasish.backend.native.language import Pointer, Value, kind_of, real_bits
from kerasish.backend.native.philox import philox_words

_COST = 0.6  # nanoseconds a word
Words = tuple[Value, ...]


def _draw(kind: str, each: int, transform: Callable[[Any, Words], Value]) -> Callable[[Any], None]:
    """Return the writer of a draw of `each` words an element.

    Table: seed, out; then the number of elements, and what `transform` reads. A unit is a block of words for each
    lane.

    Args:
        kind: of what is stored.
        each: words an element.
        transform: returns the elements of four vectors of words, in order, in one vector.
    """

    def write(k: Any) -> None:
        seed, out, count = k.pointer(0, "u4"), k.pointer(1, kind), k.size(2)
        seed0, seed1, room = seed.load(0), seed.load(1), 4 * k.lanes // each
        rest = k.scratch(kind, room)
        with k.loop(k.lo, k.hi) as unit:
            words = philox_words(k, seed0, seed1, unit * k.lanes + k.lane_numbers(k.lanes))
            at = unit * room
            left = count - at
            short = left < room
            target = k.builder.select(short.code, rest.code, (out + at).code)
            Pointer(k, target, "u4" if kind == "b" else kind).store(0, transform(k, words))
            with k.when(short), k.loop(0, left) as i:
                out.store(at + i, rest.load(i))

    return write


def _interleave(words: Words) -> Value:
    """Return the lanes of vectors in turn: the first of each, the second of each, ..."""
    if len(words) == 1:
        return words[0]
    half = len(words) // 2
    left, right = _interleave(words[:half]), _interleave(words[half:])
    order = []
    for start in range(0, left.lanes, half):
        order += [*range(start, start + half), *range(left.lanes + start, left.lanes + start + half)]
    return left.shuffle(right, order)


def _plan(name: str, outs: list[Any], kind: str, each: int, transform: Callable[[Any, Words], Value],
          sizes: tuple[int, ...] = ()) -> Plan | None:
    if sys.byteorder != "little" or not outs[0].size:
        return None
    return Plan((Job(f"{name} {kind} {each}", _draw(kind, each, transform), ("i0", "o0"), (outs[0].size, *sizes),
                     *_parts(outs[0].size, each)),))


def _parts(count: int, each: int) -> tuple[int, int]:
    room = 4 * engine.lanes() // each
    total = -(-count // room)
    return total, split(total, _COST * room * each)


@lowering("random_bernoulli")
def bernoulli(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    def transform(k: Any, words: Words) -> Value:
        threshold = k.size(3)
        always, below = threshold > 0xFFFFFFFF, threshold.to("u4")
        # The four truth values of a block, a byte each, make up a word.
        first, *others = [((w < below) | always).to("u4") for w in words]
        for n, other in enumerate(others, 1):
            first = first | (other << 8 * n)
        return first

    return _plan("random_bernoulli", outs, "b", 1, transform, (round(params["probability"] * 2.0**32),))


def _unit(kind: str, words: Words) -> Value:
    """Numbers in [0, 1), see `unit` of the array kernels."""
    if kind == "f4":
        return (_interleave(words) >> 8).to("i4").to("f4") * 2.0**-24
    high, low = (_interleave(tuple(w >> s for w in pair)).to("i4").to("f8") for pair, s in (
        (words[0::2], 5), (words[1::2], 6)))
    return (high * 67108864.0 + low) * 2.0**-53


@lowering("random_uniform")
def uniform(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    kind = kind_of(outs[0].dtype)
    low, high = params.get("minval", 0.0), params.get("maxval", 1.0)
    if kind not in ("f4", "f8") or not all(type(v) in (int, float) for v in (low, high)):
        return None
    each = 1 if kind == "f4" else 2
    if (low, high) == (0.0, 1.0):
        return _plan("random_unit", outs, kind, each, lambda k, words: _unit(kind, words))

    def transform(k: Any, words: Words) -> Value:
        span, least, most = (k.real(3 + n).to(kind) for n in range(3))
        u, build = _unit(kind, words), k.builder
        # Rounded after the product too, as the array kernel does.
        scaled = u.like(build.fadd(build.fmul(u.code, span.splat(u.lanes).code), least.splat(u.lanes).code))
        return scaled.minimum(most).maximum(least)

    dtype = outs[0].dtype
    most = np.nextafter(np.asarray(high, dtype), np.asarray(-math.inf, dtype))
    return _plan("random_uniform", outs, kind, each, transform, tuple(real_bits(v) for v in (high - low, low, most)))


@lowering("random_randint")
def randint(ins: list[Any], outs: list[Any], params: dict[str, Any]) -> Plan | None:
    kind, span = kind_of(outs[0].dtype), params["maxval"] - params["minval"]
    if kind is None or kind == "b" or span > 1 << 32 or not -(1 << 63) <= params["minval"] < 1 << 63:
        return None
    each = 1 if span <= 1 << 16 else 2

    def transform(k: Any, words: Words) -> Value:
        span, least = k.size(3).to("u8"), k.size(4).to("u8")
        if each == 1:
            picked = (_interleave(words).to("u8") * span) >> 32
        else:
            high, low = (_interleave(pair).to("u8") * span for pair in (words[0::2], words[1::2]))
            picked = (high + (low >> 32)) >> 32
        return (picked + least).to(kind)

    return _plan("random_randint", outs, kind, each, transform, (span, params["minval"]))
