"""Random draws with a closed form: one or two Philox words an element, no loop, no rejection.

Every kernel takes a seed of two uint32, and where it says so a contiguous `out`. float16 and bfloat16 are
drawn in float32 and rounded.
"""

import math
from typing import Any

from kerasish.backend.common.philox import words
from kerasish.backend.registry import kernel

CHUNK = 1 << 16  # elements worked on at a time on the CPU, a multiple of 4

# sqrt(2) erfinv(t) / t as a polynomial in w - 1.25, w = -log(1 - t^2), where the result is within 2;
# fitted at Chebyshev nodes. Largest relative error 3e-8 and 2e-15.
NORMAL_INVERSE = {
    "float32": (
        1.68229411, 0.352873887, 0.0035522266, -0.00318645909,
        0.000202501477, 4.29041543e-05, -6.55787183e-06,
    ),
    "float64": (
        1.6822941156675817, 0.35287404952730406, 0.003552059302680737, -0.0031873242847643216,
        0.00020306788984872083, 4.4061093698234844e-05, -7.1349934976707424e-06, -4.4208658756540854e-07,
        1.8040159943045016e-07, -1.752279849219777e-09, -3.8391038303526991e-09, 2.6965749058423928e-10,
        6.4525363330906871e-11, -8.4298879022975072e-12,
    ),
}  # fmt: skip


def wide(dtype: Any) -> str:
    """Return the dtype that a draw of `dtype` is computed in."""
    return "float64" if str(dtype) == "float64" else "float32"


def _fill(xp, seed, shape, dtype, words_each, transform, out):
    """Fill an array by chunks with `transform(words)`; a chunk holds whole blocks of four words."""
    count = math.prod(shape)
    out = xp.empty(count, dtype) if out is None else out.reshape(-1)
    chunk = CHUNK if xp.__name__ == "numpy" else max(count, 1)
    for start in range(0, count, chunk):
        size = min(chunk, count - start)
        drawn = words(xp, seed, start * words_each, -(-size * words_each // 4) * 4)
        out[start : start + size] = transform(drawn)[:size]
    return out.reshape(shape)


def unit(xp: Any, drawn: Any, dtype: Any) -> Any:
    """Return numbers in [0, 1) with as many bits as the dtype's significand has.

    Args:
        drawn: uint32 words, one an element, two for float64.
    """
    bits = {"float16": 11, "bfloat16": 8, "float32": 24, "float64": 53}[str(dtype)]
    if bits == 53:
        high, low = drawn[0::2] >> xp.uint32(5), drawn[1::2] >> xp.uint32(6)
        return (high * 67108864.0 + low) * 2.0**-53
    out = (drawn >> xp.uint32(32 - bits)).view("int32").astype("float32")
    out *= xp.float32(2.0**-bits)
    return out


def _open_unit(xp, drawn, dtype):
    """Return numbers in (0, 1], with all 32 bits (53 for float64), to take the logarithm of."""
    if dtype == "float64":
        return unit(xp, drawn, dtype) + 2.0**-54
    out = drawn.astype("float32")
    out += xp.float32(0.5)
    out *= xp.float32(2.0**-32)
    return out


@kernel("random_uniform")
def random_uniform(xp, seed, *, shape, minval=0.0, maxval=1.0, dtype="float32", out=None):
    """Uniform in [minval, maxval): `minval + (maxval - minval) u`, never rounded up to `maxval`."""
    each = 2 if str(dtype) == "float64" else 1
    if (minval, maxval) == (0.0, 1.0):
        return _fill(xp, seed, shape, dtype, each, lambda drawn: unit(xp, drawn, dtype), out)
    below = xp.nextafter(xp.asarray(maxval, dtype=dtype), xp.asarray(-math.inf, dtype=dtype))

    def scale(drawn):
        out = unit(xp, drawn, dtype)
        out *= maxval - minval
        out += minval
        out = xp.minimum(out.astype(dtype, copy=False), below)
        return xp.maximum(out, xp.asarray(minval, dtype=dtype), out=out)

    return _fill(xp, seed, shape, dtype, each, scale, out)


@kernel("random_normal")
def random_normal(xp, seed, *, shape, mean=0.0, stddev=1.0, dtype="float32", out=None):
    """Normal by Box and Muller (1958): a pair `sqrt(-2 log u) (cos 2 pi v, sin 2 pi v)` from a (u, v)."""
    work = wide(dtype)

    def transform(drawn):
        u = _open_unit(xp, drawn, work)
        radius, angle = u[0::2], u[1::2] * (2 * math.pi)
        radius = xp.sqrt(xp.log(radius) * -2.0) * stddev
        out = xp.empty_like(u)
        out[0::2] = radius * xp.cos(angle)
        out[1::2] = radius * xp.sin(angle)
        if mean:
            out += mean
        return out

    return _fill(xp, seed, shape, dtype, 2 if work == "float64" else 1, transform, out)


@kernel("random_truncated_normal")
def random_truncated_normal(xp, seed, *, shape, mean=0.0, stddev=1.0, dtype="float32", out=None):
    """Normal within two standard deviations, by the inverse of the distribution function.

    `x = sqrt(2) erfinv(t)`, t uniform in (-erf(sqrt 2), erf(sqrt 2)).
    """
    work = wide(dtype)
    bound = math.erf(math.sqrt(2.0))
    coefficients = NORMAL_INVERSE[work][::-1]

    def transform(drawn):
        t = _open_unit(xp, drawn, work)
        t -= 0.5
        t *= 2 * bound
        w = xp.log1p(-t * t)
        xp.subtract(-1.25, w, out=w)
        ratio = xp.full_like(w, coefficients[0])
        for c in coefficients[1:]:
            ratio *= w
            ratio += c
        ratio *= t
        xp.clip(ratio, -2.0, 2.0, out=ratio)
        ratio *= stddev
        if mean:
            ratio += mean
        return ratio

    return _fill(xp, seed, shape, dtype, 2 if work == "float64" else 1, transform, out)


@kernel("random_randint")
def random_randint(xp, seed, *, shape, minval, maxval, dtype="int32", out=None):
    """Integers in [minval, maxval) by `floor(word * range / 2^b)` (Lemire 2019, without rejection).

    A word has 32 bits for ranges up to 2^16, else 64, so that no value is favoured by more than 2^-16 of
    its probability, or 2^-32.
    """
    span = maxval - minval
    u64 = xp.uint64

    def transform(drawn):
        if span <= 1 << 16:
            out = (drawn * u64(span)) >> u64(32)
        elif span <= 1 << 32:
            high, low = drawn[0::2] * u64(span), drawn[1::2] * u64(span)
            out = (high + (low >> u64(32))) >> u64(32)
        else:
            out = (drawn[0::2].astype("uint64") << u64(32)) | drawn[1::2]
            out = out % u64(span) if span < 1 << 64 else out
        return (out.view("int64") + minval if minval < 0 else out + u64(minval)).astype(dtype)

    return _fill(xp, seed, shape, dtype, 1 if span <= 1 << 16 else 2, transform, out)


@kernel("random_bernoulli")
def random_bernoulli(xp, seed, *, shape, probability, out=None):
    """True with the given probability, to 32 bits: `word < probability 2^32`."""
    threshold = round(probability * 2.0**32)
    if threshold >= 1 << 32:
        out = xp.empty(shape, "bool") if out is None else out
        out[...] = True
        return out
    return _fill(xp, seed, shape, "bool", 1, lambda drawn: drawn < xp.uint32(threshold), out)


@kernel("random_permutation")
def random_permutation(xp, seed, *, n):
    """A permutation of 0..n-1 as int32: the order of n random 64-bit keys."""
    keys = words(xp, seed, 0, 2 * n).astype("uint64")
    return xp.argsort((keys[0::2] << xp.uint64(32)) | keys[1::2]).astype("int32")


@kernel("random_categorical")
def random_categorical(xp, logits, seed, *, num_samples, dtype="int32"):
    """Class indices of shape (rows, num_samples) by the inverse of each row's distribution function."""
    z = logits.astype("float64")
    cumulative = xp.cumsum(xp.exp(z - z.max(axis=1, keepdims=True)), axis=1)
    u = random_uniform(xp, seed, shape=(logits.shape[0], num_samples), dtype="float64")
    u *= cumulative[:, -1:]
    out = xp.empty(u.shape, dtype)
    columns = max(1, (1 << 20) // max(cumulative.size, 1))  # bounds the memory of the comparison
    for start in range(0, num_samples, columns):
        some = u[:, start : start + columns, None]
        out[:, start : start + columns] = (cumulative[:, None, :] <= some).sum(axis=2)
    return out
