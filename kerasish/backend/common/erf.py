"""The error function, its complement and its inverse, to the last digits of float64.

For float64 two expansions meet at 0.5: below it erf(x) / x is its Taylor series in x^2; above it
(1 + 2x) exp(x^2) erfc(x) is a polynomial in t = (x - 3) / (x + 3), which maps 0.5 to infinity onto
[-0.71, 1] (the form of M. M. Shepherd and J. G. Laframboise, Math. Comp. 36, 1981; the coefficients
are our own, relative error 2.5e-17). For float32 erf(x) / x is one rational function of x^2 up to
|x| = 4, where erf is 1 to within float32 (relative error 2.5e-8).
"""

from math import factorial, pi, sqrt

from kerasish.backend.common.domain import only_real
from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import deliver, fresh, spans, tile_bytes
from kerasish.backend.registry import kernel

_SPLIT = 0.5
_NEAR = [2 / sqrt(pi) * (-1) ** n / (factorial(n) * (2 * n + 1)) for n in range(13)]
_FAR = [
    1.2530080582697296, -0.13562110612458192, -0.04756229435345605, 0.12964515870285045,
    -0.11927366341500047, 0.0683080273407135, -0.02377051492527256, 0.002529391871425354,
    0.00188869042641798, -0.0007798327961757355, -0.00010516013979189974, 0.00012510237344951197,
    4.950161084000716e-06, -2.011158750594516e-05, -7.303059398785898e-07, 3.497918240622141e-06,
    3.471097532166902e-07, -6.527437372301098e-07, -1.1919919365788557e-07, 1.2985440105134064e-07,
    1.7338931995673464e-08, -2.157034743605127e-08, 2.8895179522521514e-09,
]  # fmt: skip
SINGLE_ABOVE = [
    1.1283791393470428, 0.19354678596280073, 0.053101922336931125,
    0.0038833991845629613, 0.0002845641392088547, 1.986733675633512e-06,
]  # fmt: skip
SINGLE_BELOW = [
    1.0, 0.5048589290692213, 0.11535066470027062,
    0.015207369980337244, 0.0011855785208613684, 3.7419568891441274e-05,
]  # fmt: skip


@kernel("erf")
@through_float32
def erf(xp, x, *, out=None):
    """Error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x."""
    return _by_tiles(xp, _write_erf, x, out=out)


@kernel("gelu")
@through_float32
def gelu(xp, x, *, out=None):
    """x (1 + erf(x / sqrt(2))) / 2."""
    return _by_tiles(xp, _write_gelu, x, out=out)


@kernel("gelu_grad")
@through_float32
def gelu_grad(xp, g, x, *, out=None):
    """g ((1 + erf(x / sqrt(2))) / 2 + x exp(-x^2 / 2) / sqrt(2 pi))."""
    return _by_tiles(xp, _write_gelu_grad, x, g, out=out)


def _by_tiles(xp, write, x, *others, out):
    """Call `write(xp, *pieces, result)` for pieces small enough that what is made of them stays in the cache."""
    only_real(x)
    result = fresh(xp, x.shape, x.dtype, out)
    arrays = [a.reshape(-1) for a in (x, *others, result)]
    for part in spans(x.size, tile_bytes(xp) // 64):
        write(xp, *[a[part] for a in arrays])
    return deliver(result, out)


def _write_gelu(xp, x, out):
    _write_twice_below(xp, x, out)
    out *= x * x.dtype.type(0.5)


def _write_gelu_grad(xp, x, g, out):
    _write_twice_below(xp, x, out)
    slope = x * x
    slope *= -0.5
    xp.exp(slope, out=slope)
    slope *= sqrt(2 / pi)
    slope *= x
    out += slope
    out *= 0.5
    out *= g


def _write_twice_below(xp, x, out):
    """Write to `out` 1 + erf(x / sqrt(2)), twice the probability that a standard normal number is below x."""
    _write_erf(xp, x * x.dtype.type(sqrt(0.5)), out)
    out += 1


def _write_erf(xp, x, out):
    if x.dtype == "float64":
        out[...] = _erf64(xp, x)
        return
    xp.minimum(xp.maximum(x, -4, out=out), 4, out=out)
    z = out * out
    out *= _polynomial(SINGLE_ABOVE, z)
    out /= _polynomial(SINGLE_BELOW, z)
    xp.minimum(xp.maximum(out, -1, out=out), 1, out=out)


@kernel("erfc")
def erfc(xp, x):
    """Complement 1 - erf(x), accurate in the tail where erf(x) rounds to 1."""
    only_real(x)
    return _erfc64(xp, x.astype("float64", copy=False)).astype(x.dtype, copy=False)


@kernel("erfinv")
def erfinv(xp, x):
    """Inverse of erf on [-1, 1]; -inf and inf at the ends, nan outside."""
    only_real(x)
    y = x.astype("float64", copy=False)
    a = xp.minimum(xp.abs(y), 1 - 2.0**-53)
    # S. Winitzki's closed form, good to 2e-3, then Halley's steps: each triples the digits.
    w = xp.log1p(-a * a)
    b = 2 / (pi * 0.147) + w / 2
    root = xp.sqrt(xp.maximum(xp.sqrt(b * b - w / 0.147) - b, 0))
    for _ in range(2 if x.dtype == "float64" else 1):
        miss = xp.where(a < _SPLIT, _erf64(xp, root) - a, (1 - a) - _erfc64(xp, root))
        step = miss * (sqrt(pi) / 2) * xp.exp(root * root)
        root = root - step / (1 + root * step)
    root = xp.where(xp.abs(y) < 1, root, xp.where(xp.abs(y) == 1, xp.inf, xp.nan))
    return xp.copysign(root, y).astype(x.dtype, copy=False)


def _polynomial(coefficients, x):
    """Horner's rule, lowest power first."""
    total = x * coefficients[-1]
    for c in coefficients[-2:0:-1]:
        total += c
        total *= x
    total += coefficients[0]
    return total


def _erf64(xp, x):
    near = xp.clip(x, -_SPLIT, _SPLIT)
    below = near * _polynomial(_NEAR, near * near)
    above = xp.copysign(1 - _tail(xp, xp.abs(x)), x)
    return xp.where(xp.abs(x) < _SPLIT, below, above)


def _erfc64(xp, x):
    near = xp.clip(x, -_SPLIT, _SPLIT)
    tail = _tail(xp, xp.abs(x))
    far = xp.where(x > 0, tail, 2 - tail)
    return xp.where(xp.abs(x) < _SPLIT, 1 - near * _polynomial(_NEAR, near * near), far)


def _tail(xp, x):
    """erfc(x) for x >= 0.5; exp(-x^2) is split as W. J. Cody does, so that x^2 loses no digits."""
    x = xp.clip(x, _SPLIT, 28.0)
    high = xp.trunc(x * 16) / 16
    bell = xp.exp(-high * high) * xp.exp(-(x - high) * (x + high))
    return bell * _polynomial(_FAR, (x - 3) / (x + 3)) / (1 + 2 * x)
