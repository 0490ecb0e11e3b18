"""Elementary functions of float32 vectors, as polynomials that stay in registers.

Each is within a few units in the last place, keeps NaN, and gives the limits at infinities. Results that are
subnormal are zero. The ranges and the reductions are the classical ones (W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980; the coefficients of S. L. Moshier's single-precision Cephes library).
"""

from collections.abc import Sequence

from kerasish.backend.common.erf import SINGLE_ABOVE, SINGLE_BELOW
from kerasish.backend.native.language import Value

_LOG2E, _LN2_HIGH, _LN2_LOW = 1.44269504088896341, 0.693359375, -2.12194440e-4
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
_LOG = (7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1)
# tanh(x) / x on [0, 9] as a quotient of polynomials in x^2, fitted for the smallest relative error (2e-8), then moved
# by 9e-8, so that rounding does not keep it below its limit at 9
_TANH_ABOVE = (1.335461575e-8, 2.060904919e-5, 3.495586286e-3, 1.338102384e-1, 1.0)
_TANH_BELOW = (7.776538756e-7, 3.285631307e-4, 2.587697401e-2, 4.671433944e-1, 1.0)
_EXPM1 = (1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5)
_SMALLEST_NORMAL = 1.17549435e-38


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Return the polynomial with these coefficients, highest power first (Horner's rule)."""
    out = x.fma(coefficients[0], coefficients[1]) if len(coefficients) > 1 else x * 0.0 + coefficients[0]
    for c in coefficients[2:]:
        out = out.fma(x, c)
    return out


def exp(x: Value) -> Value:
    """e to the power x."""
    low = (x < -104.0).where(-104.0, x)
    bounded = (low > 89.0).where(89.0, low)
    n = (bounded * _LOG2E).rint()
    r = n.fma(-_LN2_LOW, n.fma(-_LN2_HIGH, bounded))
    y = polynomial(r, _EXP).fma(r * r, r + 1.0)
    whole = n.to("i4")
    half = whole >> 1
    out = y * _power_of_two(half) * _power_of_two(whole - half)  # in two steps, so that neither leaves the range
    return x.differs(x).where(x, out)


def exp_below(x: Value) -> Value:
    """e to the power of an x that is not much above 0, as in a softmax; 0 below -87."""
    low = x < -87.0
    bounded = low.where(-87.0, x)
    n = (bounded * _LOG2E).rint()
    r = n.fma(-_LN2_LOW, n.fma(-_LN2_HIGH, bounded))
    y = polynomial(r, _EXP).fma(r * r, r + 1.0)
    return low.where(0.0, y * _power_of_two(n.to("i4")))


def _power_of_two(n: Value) -> Value:
    return ((n + 127) << 23).bits("f4")


def expm1(x: Value) -> Value:
    """exp(x) - 1, accurate near 0."""
    near = polynomial(x, _EXPM1).fma(x * x, x).copysign(x)  # -0.0 stays
    return (x.abs() < 0.35).where(near, exp(x) - 1.0)


def log(x: Value) -> Value:
    """Natural logarithm; -inf at 0, NaN below."""
    tiny = x < _SMALLEST_NORMAL
    scaled = tiny.where(x * 8388608.0, x)
    bits = scaled.bits("i4")
    exponent = ((bits >> 23) & 255) - 126
    mantissa = ((bits & 0x007FFFFF) | 0x3F000000).bits("f4")  # in [0.5, 1)
    low = mantissa < 0.70710678118654752
    m = low.where(mantissa + mantissa, mantissa) - 1.0
    e = (exponent - low.to("i4")).to("f4") - tiny.where(x * 0.0 + 23.0, 0.0)
    z = m * m
    y = polynomial(m, _LOG) * m * z
    y = e.fma(_LN2_LOW, y) - z * 0.5
    out = e.fma(_LN2_HIGH, m + y)
    infinite = x.equals(float("inf"))
    out = x.equals(0.0).where(float("-inf"), infinite.where(x, out))
    return ((x < 0.0) | x.differs(x)).where(float("nan"), out)


def log1p(x: Value) -> Value:
    """log(1 + x), accurate near 0."""
    u = x + 1.0
    rest = (u.equals(float("inf")) | u.equals(0.0)).where(0.0, (x - (u - 1.0)) / u)
    return u.equals(1.0).where(x, log(u) + rest)


def tanh(x: Value) -> Value:
    """Hyperbolic tangent."""
    y = _between(x, -9.0, 9.0)
    z = y * y
    return _between(y * polynomial(z, _TANH_ABOVE) / polynomial(z, _TANH_BELOW), -1.0, 1.0)


def _between(x: Value, low: float, high: float) -> Value:
    return (x < low).where(low, (x > high).where(high, x))


def sigmoid(x: Value) -> Value:
    """1 / (1 + exp(-x))."""
    return 1.0 / (exp(-x) + 1.0)


def erf(x: Value) -> Value:
    """Error function, by the rational function of the array kernels."""
    y = _between(x, -4.0, 4.0)
    z = y * y
    return _between(y * polynomial(z, SINGLE_ABOVE[::-1]) / polynomial(z, SINGLE_BELOW[::-1]), -1.0, 1.0)


def softplus(x: Value) -> Value:
    """log(1 + exp(x))."""
    return (x > 0.0).where(x, 0.0) + log1p(exp(-x.abs()))
