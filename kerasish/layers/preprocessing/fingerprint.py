"""Hashes of byte strings that are the same everywhere: FarmHash's Fingerprint64, SipHash-2-4, and crossings.

Files depend on them: a bin that Keras learned to mean something must be the same bin here.
"""

from collections.abc import Iterable
from struct import unpack_from
from typing import Any

MASK = (1 << 64) - 1
K0, K1, K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
CROSSING_MULTIPLIER = 0xC6A4A7935BD1E995
CROSSING_KEY = 0xDECAFCAFFE  # with which TensorFlow's crossings begin


def _rotate_right(x: int, n: int) -> int:
    return (x >> n | x << (64 - n)) & MASK


def _shift_mix(x: int) -> int:
    return x ^ x >> 47


def _mix(u: int, v: int, multiplier: int) -> int:
    a = _shift_mix((u ^ v) * multiplier & MASK)
    b = _shift_mix((v ^ a) * multiplier & MASK)
    return b * multiplier & MASK


def fingerprint(data: bytes) -> int:
    """Return the 64-bit fingerprint of bytes (FarmHash `Fingerprint64`)."""
    n = len(data)
    if n <= 16:
        return _short(data, n)
    if n <= 32:
        return _middle(data, n)[1]
    if n <= 64:
        return _longer(data, n)
    return _long(data, n)


def _short(data: bytes, n: int) -> int:
    multiplier = K2 + 2 * n & MASK
    if n >= 8:
        first, last = unpack_from("<Q", data)[0], unpack_from("<Q", data, n - 8)[0]
        a = first + K2 & MASK
        c = _rotate_right(last, 37) * multiplier + a & MASK
        d = (_rotate_right(a, 25) + last) * multiplier & MASK
        return _mix(c, d, multiplier)
    if n >= 4:
        first, last = unpack_from("<I", data)[0], unpack_from("<I", data, n - 4)[0]
        return _mix(n + (first << 3), last, multiplier)
    if n == 0:
        return K2
    y, z = data[0] + (data[n >> 1] << 8), n + (data[-1] << 2)
    return _shift_mix((y * K2 ^ z * K0) & MASK) * K2 & MASK


def _middle(data: bytes, n: int) -> tuple[int, int, int]:
    """Two words (y, z) of the first and last 16 bytes, and the first word times a constant."""
    multiplier = K2 + 2 * n & MASK
    # Up to 32 bytes begin with another constant than longer ones.
    a = unpack_from("<Q", data)[0] * (K1 if n <= 32 else K2) & MASK
    b = unpack_from("<Q", data, 8)[0]
    c = unpack_from("<Q", data, n - 8)[0] * multiplier & MASK
    d = unpack_from("<Q", data, n - 16)[0] * K2 & MASK
    y = _rotate_right(a + b & MASK, 43) + _rotate_right(c, 30) + d & MASK
    z = _mix(y, a + _rotate_right(b + K2 & MASK, 18) + c & MASK, multiplier)
    return y, z, a


def _longer(data: bytes, n: int) -> int:
    multiplier = K2 + 2 * n & MASK
    y, z, a = _middle(data, n)
    e, f = unpack_from("<2Q", data, 16)
    third, fourth = unpack_from("<2Q", data, n - 32)
    e = e * multiplier & MASK
    g, h = (y + third) * multiplier & MASK, (z + fourth) * multiplier & MASK
    return _mix(_rotate_right(e + f & MASK, 43) + _rotate_right(g, 30) + h & MASK,
                e + _rotate_right(f + a & MASK, 18) + g & MASK, multiplier)


def _weak(words: tuple[int, ...], a: int, b: int) -> tuple[int, int]:
    w, x, y, z = words
    a = a + w & MASK
    b = _rotate_right(b + a + z & MASK, 21)
    c, a = a, a + x + y & MASK
    return a + z & MASK, b + _rotate_right(a, 44) + c & MASK


def _round(block: tuple[int, ...], state: tuple, multiplier: int, last: bool) -> tuple:
    """One block of 64 bytes into (x, y, z, v, w); the last one weighs two words by 9."""
    x, y, z, v, w = state
    weight = 9 if last else 1
    x = _rotate_right(x + y + v[0] + block[1] & MASK, 37) * multiplier & MASK
    y = _rotate_right(y + v[1] + block[6] & MASK, 42) * multiplier & MASK
    x ^= w[1] * weight & MASK
    y = y + v[0] * weight + block[5] & MASK
    z = _rotate_right(z + w[0] & MASK, 33) * multiplier & MASK
    v = _weak(block[:4], v[1] * multiplier & MASK, x + w[0] & MASK)
    w = _weak(block[4:], z + w[1] & MASK, y + block[2] & MASK)
    return z, y, x, v, w


def _long(data: bytes, n: int) -> int:
    seed = 81
    y = seed * K1 + 113 & MASK
    z = _shift_mix(y * K2 + 113 & MASK) * K2 & MASK
    state = (seed * K2 + unpack_from("<Q", data)[0] & MASK, y, z, (0, 0), (0, 0))
    for start in range(0, (n - 1) // 64 * 64, 64):
        state = _round(unpack_from("<8Q", data, start), state, K1, False)
    x, y, z, v, w = state
    multiplier = K1 + ((z & 0xFF) << 1) & MASK
    first_w = w[0] + (n - 1 & 63) & MASK
    first_v = v[0] + first_w & MASK
    w = (first_w + first_v & MASK, w[1])
    x, y, z, v, w = _round(unpack_from("<8Q", data, n - 64), (x, y, z, (first_v, v[1]), w), multiplier, True)
    # `_round` hands its x and z over swapped, so here they stand as the formula names them.
    return _mix(_mix(v[0], w[0], multiplier) + _shift_mix(y) * K0 + z & MASK,
                _mix(v[1], w[1], multiplier) + x & MASK, multiplier)


def siphash(data: bytes, key: tuple[int, int]) -> int:
    """Return the 64-bit SipHash-2-4 of bytes (Aumasson and Bernstein, 2012) under a key of two 64-bit integers."""
    k0, k1 = key[0] & MASK, key[1] & MASK
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]
    n = len(data)
    padded = data + bytes(7 - n % 8) + bytes([n & 0xFF])
    for (word,) in (unpack_from("<Q", padded, i) for i in range(0, len(padded), 8)):
        v[3] ^= word
        _sip_rounds(v, 2)
        v[0] ^= word
    v[2] ^= 0xFF
    _sip_rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def _sip_rounds(v: list[int], count: int) -> None:
    a, b, c, d = v
    for _ in range(count):
        a, c = a + b & MASK, c + d & MASK
        b, d = _rotate_right(b, 51) ^ a, _rotate_right(d, 48) ^ c
        a = _rotate_right(a, 32)
        c, a = c + b & MASK, a + d & MASK
        b, d = _rotate_right(b, 47) ^ c, _rotate_right(d, 43) ^ a
        c = _rotate_right(c, 32)
    v[:] = a, b, c, d


def crossed(fingerprints: Iterable[int], key: int = CROSSING_KEY) -> int:
    """Return one 64-bit number for several, in order (TensorFlow's `FingerprintCat64`, from a key on)."""
    out = key
    for x in fingerprints:
        word = _shift_mix((x & MASK) * CROSSING_MULTIPLIER & MASK) * CROSSING_MULTIPLIER & MASK
        out = (out ^ CROSSING_MULTIPLIER ^ word) * CROSSING_MULTIPLIER & MASK
        out = _shift_mix(_shift_mix(out) * CROSSING_MULTIPLIER & MASK)
    return out


def bucket_of(data: bytes, buckets: int, salt: tuple[int, int] | list[int] | None = None) -> int:
    """Return the number, below `buckets`, of the bucket for some bytes; a salt chooses SipHash under that key."""
    return (fingerprint(data) if salt is None else siphash(data, (salt[0], salt[1]))) % buckets


def checked_salt(salt: Any) -> list[int] | None:
    """Return a salt as two integers; a single integer stands for both.

    Raises:
        ValueError: it is neither.
    """
    if salt is None or (isinstance(salt, list | tuple) and len(salt) == 2 and all(isinstance(s, int) for s in salt)):
        return None if salt is None else list(salt)
    if isinstance(salt, int):
        return [salt, salt]
    raise ValueError(f"argument `salt` must be an integer, a pair of integers or None, got {salt!r}")
