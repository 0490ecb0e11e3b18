"""Elementary functions of float32 vectors, as polynomials that stay in registers; angles are reduced in float64.

Each is within a few units in the last place, keeps NaN, and gives the limits at infinities. Results that are
subnormal are zero. The ranges and the reductions are the classical ones (W. J. Cody and W. Waite, Software Manual
for the Elementary Functions, 1980; the coefficients of S. L. Moshier's single-precision Cephes library).
"""

import math
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
# sin(r) / r and cos(r) on [-pi / 4, pi / 4] as polynomials in r^2 (those of FreeBSD's single-precision functions)
_SIN = (2.7183114939898219064e-6, -1.98393348360966317347e-4, 8.3333293858894631756e-3, -0.166666666416265235595, 1.0)
_COS = (2.43904487962774090654e-5, -1.38867637746099294692e-3, 4.16666233237390631894e-2, -0.499999997251031003120, 1.0)
# pi / 2 as a number of 33 bits and the rest: their multiples by whole numbers up to 2^20 are exact, and precise
_HALF_PI_HIGH, _HALF_PI_LOW = 1.57079632673412561417, 6.07710050650619224932e-11
_MOST_ANGLE = 1e6
# log2(m) / s in s^2, where s = (m - 1) / (m + 1), and 2^f on [-1 / 2, 1 / 2]: series, good to 1e-11
_LOG2 = tuple(2 / (math.log(2) * n) for n in range(13, 0, -2))
_EXP2 = tuple(math.log(2) ** n / math.factorial(n) for n in range(7, -1, -1))
_ARCTAN = (8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1)


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


def logaddexp(x: Value, y: Value) -> Value:
    """log(exp(x) + exp(y))."""
    out = x.maximum(y) + log1p(exp(-(x - y).abs()))
    return x.equals(y).where(x + 0.6931471805599453, out)


def arctan(x: Value) -> Value:
    """Inverse of the tangent."""
    a = x.abs()
    large, middle = a > 2.414213562373095, a > 0.4142135623730950
    y = large.where(-1.0 / a, middle.where((a - 1.0) / (a + 1.0), a))
    start = large.where(1.5707963267948966, middle.where(x * 0.0 + 0.7853981633974483, 0.0))
    z = y * y
    return (start + (polynomial(z, _ARCTAN) * z).fma(y, y)).copysign(x)


def sin(x: Value) -> Value:
    """Sine of an angle in radians."""
    sine, cosine, quarter = _turned(x)
    out = _odd(quarter).where(cosine, sine)
    out = _lies_opposite(quarter).where(-out, out).to("f4")
    return _of_any_size("sin", x, x.equals(0.0).where(x, out))  # -0.0 stays


def cos(x: Value) -> Value:
    """Cosine of an angle in radians."""
    sine, cosine, quarter = _turned(x)
    out = _odd(quarter).where(sine, cosine)
    return _of_any_size("cos", x, _lies_opposite(quarter + 1).where(-out, out).to("f4"))


def tan(x: Value) -> Value:
    """Tangent of an angle in radians."""
    sine, cosine, quarter = _turned(x)
    odd = _odd(quarter)
    out = (odd.where(-cosine, sine) / odd.where(sine, cosine)).to("f4")
    return _of_any_size("tan", x, x.equals(0.0).where(x, out))


def _odd(quarter: Value) -> Value:
    return (quarter & 1).differs(0)


def _lies_opposite(quarter: Value) -> Value:
    return (quarter & 2).differs(0)


def _turned(x: Value) -> tuple[Value, Value, Value]:
    """Sine and cosine, in float64, of what an angle has more than whole quarters of a turn; and the quarters."""
    wide = (x.abs() > _MOST_ANGLE).where(0.0, x).to("f8")
    n = (wide * 0.63661977236758134308).rint()
    r = n.fma(-_HALF_PI_LOW, n.fma(-_HALF_PI_HIGH, wide))
    z = r * r
    return polynomial(z, _SIN) * r, polynomial(z, _COS), x.differs(x).where(0.0, n.to("f4")).to("i4")


def _of_any_size(name: str, x: Value, out: Value) -> Value:
    """The result, but of angles that are too large to be reduced here what the system's function says."""
    k, result, large = x.kernel, x.kernel.var(out), x.abs() > _MOST_ANGLE
    with k.when(large.any()):
        for lane in range(x.lanes or 1):
            one = (x[lane] if x.lanes else x).to("f8")
            found = one.like(k.intrinsic(f"llvm.{name}", one.code.type, [one])).to("f4")
            at = (k.lane_numbers(x.lanes).equals(lane) & large) if x.lanes else large
            result.set(at.where(found.splat(x.lanes), result.get()))
    return result.get()


def exp2(x: Value) -> Value:
    """2 to the power x."""
    return _exp2(x.to("f8")).to("f4")


def log2(x: Value) -> Value:
    """Logarithm to the base 2."""
    return (x < 0.0).where(float("nan"), _log2(x.abs()).to("f4"))


def log10(x: Value) -> Value:
    """Logarithm to the base 10."""
    return (x < 0.0).where(float("nan"), (_log2(x.abs()) * math.log10(2)).to("f4"))


def sinh(x: Value) -> Value:
    """Hyperbolic sine."""
    wide = x.to("f8")
    raised = _exp2(wide * math.log2(math.e))
    near = (wide * wide * wide).fma(1.0 / 6.0, wide)
    out = (wide.abs() < 0.003).where(near, (raised - 1.0 / raised) * 0.5).to("f4")
    return out.copysign(x)


def cosh(x: Value) -> Value:
    """Hyperbolic cosine."""
    raised = _exp2(x.to("f8") * math.log2(math.e))
    return ((raised + 1.0 / raised) * 0.5).to("f4")


def power(x: Value, y: Value) -> Value:
    """x to the power y, with the system function's answers for negative x, zeros and infinities."""
    size, half = x.abs(), y * 0.5
    whole, odd = y.floor().equals(y), half.floor().differs(half)
    out = _exp2(_log2(size) * y.to("f8")).to("f4")
    out = size.equals(1.0).where(1.0, out)
    out = (x < 0.0).where((whole & odd).where(-out, out), out)
    undefined = (x < 0.0) & ~whole & size.differs(float("inf"))
    out = (x.equals(0.0) & whole & odd).where(out.copysign(x), undefined.where(float("nan"), out))
    out = (x.differs(x) | y.differs(y)).where(float("nan"), out)
    return (x.equals(1.0) | y.equals(0.0)).where(1.0, out)


def _log2(x: Value) -> Value:
    """Logarithm to the base 2, in float64, of float32 numbers that are not negative."""
    bits = x.to("f8").bits("i8")
    exponent = (bits >> 52) - 1023
    mantissa = ((bits & 0x000FFFFFFFFFFFFF) | 0x3FF0000000000000).bits("f8")  # in [1, 2)
    high = mantissa > 1.4142135623730951
    m = high.where(mantissa * 0.5, mantissa)
    s = (m - 1.0) / (m + 1.0)
    out = (exponent + high.to("i8")).to("i4").to("f8") + s * polynomial(s * s, _LOG2)
    known = (x - x).equals(0.0).where(out, x.to("f8"))
    return x.equals(0.0).where(float("-inf"), known)


def _exp2(t: Value) -> Value:
    """2 to the power t, in float64; 0 and infinities for float32 beyond 1000."""
    low = (t < -1000.0).where(-1000.0, t)
    bounded = (low > 1000.0).where(1000.0, low)
    n = bounded.rint()
    whole = t.differs(t).where(0.0, n).to("i4").to("i8")
    out = polynomial(bounded - n, _EXP2) * ((whole + 1023) << 52).bits("f8")
    return t.differs(t).where(t, out)
