"""Elementwise arithmetic, exponents, angles, rounding, bits and complex numbers.

Gradients follow JAX at ties and kinks: |x| has slope 0 at 0, `maximum` shares equally among equals,
rounding has slope 0 everywhere. For complex numbers they are d/dz without conjugation, as in JAX.
"""

from math import log as math_log
from math import pi
from math import sqrt as math_sqrt
from typing import Any

import numpy as np

from kerasish.core.dispatch import apply_over, state, to_tensor
from kerasish.core.dtypes import numpy_dtype, standardize_dtype
from kerasish.core.op import CARDS, Card, public
from kerasish.core.spec import Spec, broadcast, broadcast_shapes, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import as_float, elementwise, widened
from kerasish.ops.comparison import greater, isnan, logical_or, where

__all__ = [
    "abs", "absolute", "add", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan", "arctan2", "arctanh",
    "bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_not", "bitwise_or", "bitwise_right_shift",
    "bitwise_xor", "cast", "cbrt", "ceil", "clip", "conj", "conjugate", "cos", "cosh", "deg2rad", "divide",
    "divide_no_nan", "erf", "erfc", "erfinv", "exp", "exp2", "expm1", "fabs", "floor", "floor_divide", "fmax", "fmin",
    "fmod", "gcd", "heaviside", "hypot", "i0", "imag", "lcm", "ldexp", "left_shift", "log", "log10", "log1p", "log2",
    "logaddexp", "logaddexp2", "maximum", "minimum", "mod", "multiply", "nan_to_num", "negative", "nextafter", "polar",
    "power", "rad2deg", "real", "reciprocal", "right_shift", "round", "rsqrt", "sign", "sin", "sinc", "sinh", "sqrt",
    "square", "subtract", "tan", "tanh", "true_divide", "trunc",
]  # fmt: skip

_REAL = {"complex64": "float32", "complex128": "float64"}
_COMPLEX = {"float32": "complex64", "float64": "complex128"}


def _real_part(x: Any) -> Spec:
    return Spec(x.shape, _REAL.get(x.dtype.name, x.dtype))


def _share(g: Any, x: Any, other: Any, out: Any) -> Any:
    """The gradient of the extreme of two for one of them: equals get half each."""
    return where(x == out, where(x == other, 0.5 * g, g), 0)


# ---- Conversion -------------------------------------------------------------------------------

_cast = Card(
    "cast", ("x",), spec=lambda x, dtype: Spec(x.shape, dtype), vjp=(lambda g, x_spec: cast(g, x_spec.dtype),)
)


@public
def cast(x: Any, dtype: Any) -> Any:
    """Convert a tensor to another dtype.

    Args:
        x: tensor.
        dtype: name of the dtype. Complex numbers lose their imaginary part on the way to real ones.
    """
    x, name = to_tensor(x), standardize_dtype(dtype)
    return x if x.dtype == numpy_dtype(name) else _cast(x, dtype=name)


# ---- Arithmetic -------------------------------------------------------------------------------


@elementwise(vjp=(lambda g: g, lambda g: g))
def add(x1, x2):
    """Sum x1 + x2, element by element."""


def add_to_own(x: Any, y: Any) -> Any:
    """Return x + y, written over x where ops run at once.

    Args:
        x: the product of others, which the caller alone holds and does not use any more.
        y: broadcasts to the shape of `x`.
    """
    return apply_over(CARDS["add"], (x, y)) if type(x) is Tensor else OPS["add"](x, y)


def over(name: str, x: Any, y: Any, own: int = 0) -> Any:
    """Return what the op of a name makes of x and y, written over one of them where ops run at once and unrecorded.

    Args:
        name: of an op of two inputs.
        x: its first input.
        y: its second input.
        own: which of them (0 or 1) the caller alone holds and does not use any more.
    """
    return OPS[name](x, y) if state.tapes else apply_over(CARDS[name], (x, y), own)


@elementwise(vjp=(lambda g: g, lambda g: -g))
def subtract(x1, x2):
    """Difference x1 - x2, element by element."""


@elementwise(vjp=(lambda g, x2: g * x2, lambda g, x1: g * x1))
def multiply(x1, x2):
    """Product x1 x2, element by element."""


@elementwise(promote="float", vjp=(lambda g, x2: g / x2, lambda g, x2, out: -g * (out / x2)))
def divide(x1, x2):
    """Quotient x1 / x2, element by element, in floating point."""


@elementwise(promote="number")
def floor_divide(x1, x2):
    """Largest integer not above x1 / x2, element by element."""


@elementwise(promote="number", vjp=(lambda g: g, lambda g, x1, x2: -g * floor_divide(x1, x2)))
def mod(x1, x2):
    """Remainder x1 - floor(x1 / x2) x2, with the sign of `x2`, element by element."""


@elementwise(promote="number", vjp=(lambda g: g, lambda g, x1, x2: -g * trunc(x1 / x2)))
def fmod(x1, x2):
    """Remainder x1 - trunc(x1 / x2) x2, with the sign of `x1`, element by element."""


@elementwise(promote="float", vjp=(
    lambda g, x2: OPS["divide_no_nan"](g, x2), lambda g, x2, out: -OPS["divide_no_nan"](g * out, x2)))
def divide_no_nan(x1, x2):
    """Quotient x1 / x2, and 0 where x2 is 0, element by element."""


@elementwise(vjp=lambda g: -g)
def negative(x):
    """Negative -x, element by element."""


@elementwise()
def sign(x):
    """Sign -1, 0 or 1, element by element; x / |x| of complex numbers."""


@elementwise(spec=_real_part, vjp=lambda g, x: g * conj(sign(x)))
def absolute(x):
    """Absolute value |x|, element by element."""


@public
def fabs(x: Any) -> Any:
    """Absolute value |x| in floating point, element by element."""
    x = as_float(x)
    if x.dtype.kind == "c":
        raise TypeError(f"ops.fabs needs real numbers, got dtype {x.dtype.name}: use ops.absolute")
    return absolute(x)


@elementwise(promote="number", vjp=lambda g, x: 2 * g * x)
def square(x):
    """Square x^2, element by element."""


@elementwise(promote="float", vjp=lambda g, out: 0.5 * g / out)
def sqrt(x):
    """Square root, element by element; NaN for negative numbers."""


@elementwise(promote="float", vjp=lambda g, out: -0.5 * g * out * out * out)
def rsqrt(x):
    """Reciprocal of the square root 1 / sqrt(x), element by element."""


@elementwise(promote="float", vjp=lambda g, out: g / (3 * out * out))
def cbrt(x):
    """Real cube root, element by element."""


@elementwise(promote="float", vjp=lambda g, out: -g * out * out)
def reciprocal(x):
    """Reciprocal 1 / x, element by element."""


@elementwise(
    promote="float", vjp=(lambda g, x1, out: g * divide_no_nan(x1, out), lambda g, x2, out: g * divide_no_nan(x2, out))
)
def hypot(x1, x2):
    """Length sqrt(x1^2 + x2^2) of a vector, without overflow, element by element."""


@elementwise(promote="float", vjp=(None, lambda g, x1: where(x1 == 0, g, 0)))
def heaviside(x1, x2):
    """Step: 0 where x1 < 0, `x2` where x1 = 0, 1 where x1 > 0, element by element."""


@elementwise()
def gcd(x1, x2):
    """Greatest common divisor of integers, element by element."""


@elementwise()
def lcm(x1, x2):
    """Least common multiple of integers, element by element."""


# ---- Extremes ---------------------------------------------------------------------------------


@elementwise(vjp=(lambda g, x1, x2, out: _share(g, x1, x2, out), lambda g, x1, x2, out: _share(g, x2, x1, out)))
def maximum(x1, x2):
    """The larger of the two, element by element; NaN if either is."""


@elementwise(vjp=(lambda g, x1, x2, out: _share(g, x1, x2, out), lambda g, x1, x2, out: _share(g, x2, x1, out)))
def minimum(x1, x2):
    """The smaller of the two, element by element; NaN if either is."""


def _first_is_fmax(x1: Any, x2: Any) -> Any:
    return logical_or(greater(x1, x2), isnan(x2))


def _first_is_fmin(x1: Any, x2: Any) -> Any:
    return logical_or(greater(x2, x1), isnan(x2))


@elementwise(
    vjp=(
        lambda g, x1, x2: where(_first_is_fmax(x1, x2), g, 0),
        lambda g, x1, x2: where(_first_is_fmax(x1, x2), 0, g),
    )
)
def fmax(x1, x2):
    """The larger of the two, element by element; the number, where the other is NaN."""


@elementwise(
    vjp=(
        lambda g, x1, x2: where(_first_is_fmin(x1, x2), g, 0),
        lambda g, x1, x2: where(_first_is_fmin(x1, x2), 0, g),
    )
)
def fmin(x1, x2):
    """The smaller of the two, element by element; the number, where the other is NaN."""


@elementwise(
    promote="number",
    vjp=(
        lambda g, x, x_min, x_max, out: where(x == out, where((x == x_min) | (x == x_max), 0.5 * g, g), 0),
        lambda g, x, x_min, out: _share(g, x_min, x, out),
        lambda g, x, x_max, out: _share(g, x_max, x, out),
    ),
)
def clip(x, x_min, x_max):
    """Limit to an interval: min(max(x, x_min), x_max), element by element."""


# ---- Exponents and logarithms -----------------------------------------------------------------


@elementwise(promote="float", vjp=lambda g, out: g * out)
def exp(x):
    """Exponential e^x, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * out * math_log(2))
def exp2(x):
    """Power 2^x, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * (out + 1))
def expm1(x):
    """e^x - 1, accurate near 0, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g / x)
def log(x):
    """Natural logarithm, element by element; NaN for negative numbers."""


@elementwise(promote="float", vjp=lambda g, x: g / (x + 1))
def log1p(x):
    """log(1 + x), accurate near 0, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g / (x * math_log(2)))
def log2(x):
    """Logarithm to base 2, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g / (x * math_log(10)))
def log10(x):
    """Logarithm to base 10, element by element."""


_power = Card(
    "power", ("x1", "x2"), spec=broadcast(), promote="number",
    vjp=(
        lambda g, x1, x2: g * x2 * power(x1, where(x2 == 0, 1, x2 - 1)),
        lambda g, x1, out: g * out * log(where(x1 == 0, 1, x1)),
    ),
    broadcasts=True,
)  # fmt: skip


@public
def power(x1: Any, x2: Any) -> Any:
    """Power x1 ** x2, element by element; integers stay integers."""
    return square(x1) if type(x2) is int and x2 == 2 else _power(x1, x2)


def _excess(x: Any, out: Any) -> Any:
    # Equal infinities differ by nothing.
    return where(x == out, 0, x - out)


@elementwise(
    promote="float", vjp=(lambda g, x1, out: g * exp(_excess(x1, out)), lambda g, x2, out: g * exp(_excess(x2, out)))
)
def logaddexp(x1, x2):
    """log(e^x1 + e^x2) without overflow, element by element."""


@elementwise(
    promote="float", vjp=(lambda g, x1, out: g * exp2(_excess(x1, out)), lambda g, x2, out: g * exp2(_excess(x2, out)))
)
def logaddexp2(x1, x2):
    """log2(2^x1 + 2^x2) without overflow, element by element."""


_ldexp = Card("ldexp", ("x1", "x2"), spec=lambda x1, x2: Spec(broadcast_shapes(x1.shape, x2.shape), x1.dtype),
              vjp=(lambda g, x2: ldexp(g, x2), None), broadcasts=True)  # fmt: skip


@public
def ldexp(x1: Any, x2: Any) -> Any:
    """x1 2^x2 for integer `x2`, element by element, in floating point.

    Raises:
        TypeError: `x2` is not of an integer dtype.
    """
    x1, x2 = as_float(x1), to_tensor(x2)
    if x2.dtype.kind not in "iu":
        raise TypeError(f"ops.ldexp needs integer exponents `x2`, got dtype {x2.dtype.name}")
    return _ldexp(x1, x2)


# ---- Angles -----------------------------------------------------------------------------------


@elementwise(promote="float", vjp=lambda g, x: g * cos(x))  # type: ignore[has-type]
def sin(x):
    """Sine of an angle in radians, element by element."""


@elementwise(promote="float", vjp=lambda g, x: -g * sin(x))
def cos(x):
    """Cosine of an angle in radians, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * (1 + out * out))
def tan(x):
    """Tangent of an angle in radians, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * rsqrt(1 - x * x))
def arcsin(x):
    """Angle in [-pi/2, pi/2] whose sine is x, element by element."""


@elementwise(promote="float", vjp=lambda g, x: -g * rsqrt(1 - x * x))
def arccos(x):
    """Angle in [0, pi] whose cosine is x, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g / (1 + x * x))
def arctan(x):
    """Angle in (-pi/2, pi/2) whose tangent is x, element by element."""


@elementwise(
    promote="float",
    vjp=(lambda g, x1, x2: g * x2 / (x1 * x1 + x2 * x2), lambda g, x1, x2: -g * x1 / (x1 * x1 + x2 * x2)),
)
def arctan2(x1, x2):
    """Angle in [-pi, pi] of the point with ordinate `x1` and abscissa `x2`, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * cosh(x))  # type: ignore[has-type]
def sinh(x):
    """Hyperbolic sine, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * sinh(x))
def cosh(x):
    """Hyperbolic cosine, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * (1 - out * out))
def tanh(x):
    """Hyperbolic tangent, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * rsqrt(x * x + 1))
def arcsinh(x):
    """Inverse of the hyperbolic sine, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * rsqrt((x - 1) * (x + 1)))
def arccosh(x):
    """Inverse of the hyperbolic cosine for x >= 1, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g / (1 - x * x))
def arctanh(x):
    """Inverse of the hyperbolic tangent for -1 < x < 1, element by element."""


@elementwise(promote="float", vjp=lambda g: g * (pi / 180))
def deg2rad(x):
    """Degrees to radians, element by element."""


@elementwise(promote="float", vjp=lambda g: g * (180 / pi))
def rad2deg(x):
    """Radians to degrees, element by element."""


def _sinc_slope(x: Any, out: Any) -> Any:
    """(cos(pi x) - sinc(x)) / x, by its series near 0 so that the second derivative is right there too."""
    near = absolute(x) < 1e-3
    series = x * (-pi**2 / 3) * (1 - x * x * (pi**2 / 10))
    return where(near, series, (cos(pi * x) - out) / where(near, 1, x))


@elementwise(promote="float", vjp=lambda g, x, out: g * _sinc_slope(x, out))
def sinc(x):
    """sin(pi x) / (pi x), and 1 at 0, element by element."""


# ---- Special functions ------------------------------------------------------------------------


@elementwise(promote="float", vjp=lambda g, x: over("multiply", exp(-x * x), g * (2 / math_sqrt(pi))))
def erf(x):
    """Error function 2 / sqrt(pi) * integral of exp(-t^2) from 0 to x, element by element."""


@elementwise(promote="float", vjp=lambda g, x: g * (-2 / math_sqrt(pi)) * exp(-x * x))
def erfc(x):
    """Complementary error function 1 - erf(x), accurate where erf(x) is near 1, element by element."""


@elementwise(promote="float", vjp=lambda g, out: g * (math_sqrt(pi) / 2) * exp(out * out))
def erfinv(x):
    """Inverse of the error function on [-1, 1], element by element."""


_bessel_i: Card = Card(
    "bessel_i", ("x",), spec=like(0),
    vjp=(lambda g, x, order: 0.5 * g * (_bessel_i(x, order=order - 1) + _bessel_i(x, order=order + 1)),),
)  # fmt: skip


@elementwise(promote="float", vjp=lambda g, x: g * _bessel_i(x, order=1))
def i0(x):
    """Modified Bessel function of the first kind and order 0, element by element."""


# ---- Rounding ---------------------------------------------------------------------------------


@elementwise(promote="float")
def floor(x):
    """Largest integer not above x, in floating point, element by element."""


@elementwise(promote="float")
def ceil(x):
    """Smallest integer not below x, in floating point, element by element."""


_trunc = Card("trunc", ("x",), spec=like(0))


@public
def trunc(x: Any) -> Any:
    """The integer next to x on the side of 0, element by element; integers as they are."""
    x = to_tensor(x)
    return x if x.dtype.kind in "biu" else _trunc(x)


@elementwise(promote="number")
def round(x, decimals=0):
    """Round to a number of decimals, halves to the even neighbour, element by element."""


@elementwise(promote="float")
def nextafter(x1, x2):
    """The next representable number after x1 towards x2, element by element."""


@public
def nan_to_num(x: Any, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
    """Replace what is not a finite number, element by element.

    Args:
        x: tensor; integers come back as they are.
        nan: what stands for NaN.
        posinf: what stands for +infinity; by default the largest number of the dtype.
        neginf: what stands for -infinity; by default the smallest number of the dtype.
    """
    x = to_tensor(x)
    if x.dtype.kind in "biu":
        return x
    if x.dtype.kind == "c":
        return complex_of(*[nan_to_num(part, nan, posinf, neginf) for part in (real(x), imag(x))])
    top = largest(x.dtype)
    x = where(x == float("inf"), top if posinf is None else posinf, where(isnan(x), nan, x))
    return where(x == float("-inf"), -top if neginf is None else neginf, x)


def largest(dtype: Any) -> float:
    """Return the largest finite number of a floating-point dtype."""
    # The largest bfloat16 is the float32 with the same leading 16 bits.
    return (2 - 2.0**-7) * 2.0**127 if dtype.name == "bfloat16" else float(np.finfo(dtype).max)


# ---- Bits of integers -------------------------------------------------------------------------


@elementwise()
def bitwise_and(x, y):
    """Bits set in both integers, element by element."""


@elementwise()
def bitwise_or(x, y):
    """Bits set in at least one of two integers, element by element."""


@elementwise()
def bitwise_xor(x, y):
    """Bits set in exactly one of two integers, element by element."""


@elementwise()
def bitwise_not(x):
    """All bits of an integer turned over, element by element."""


@elementwise(promote="number")
def left_shift(x, y):
    """Bits of x moved y places up: x 2^y, element by element."""


@elementwise(promote="number")
def right_shift(x, y):
    """Bits of x moved y places down: floor(x / 2^y), element by element."""


# ---- Complex numbers --------------------------------------------------------------------------

_real = Card("real", ("x",), spec=_real_part, vjp=(lambda g, x_spec: cast(g, x_spec.dtype),))
_imag = Card("imag", ("x",), spec=_real_part, vjp=(lambda g: g * -1j,))
_conj = Card("conj", ("x",), spec=like(0), vjp=(lambda g: conj(g),))
complex_of = Card(
    "complex", ("re", "im"), promote="float", broadcasts=True, vjp=(lambda g: real(g), lambda g: -imag(g)),
    spec=lambda re, im: Spec(broadcast_shapes(re.shape, im.shape), _COMPLEX[re.dtype.name]),
)  # fmt: skip


@public
def real(x: Any) -> Any:
    """Real part, element by element."""
    x = to_tensor(x)
    return _real(x) if x.dtype.kind == "c" else x


@public
def imag(x: Any) -> Any:
    """Imaginary part, 0 of real numbers, element by element."""
    x = to_tensor(x)
    return _imag(x) if x.dtype.kind == "c" else OPS["zeros_like"](x)


@public
def conj(x: Any) -> Any:
    """Complex conjugate, real numbers as they are, element by element."""
    x = to_tensor(x)
    return _conj(x) if x.dtype.kind == "c" else x


@public
def angle(x: Any) -> Any:
    """Angle in [-pi, pi] of complex numbers in the plane, element by element: 0 or pi for real ones."""
    x = as_float(x)
    return arctan2(imag(x), real(x))


@public
def polar(abs_: Any, angle: Any) -> Any:
    """Complex numbers abs_ (cos(angle) + i sin(angle)), element by element; half precision becomes float32."""
    abs_, angle = map(widened, as_float(abs_, angle))
    return complex_of(abs_ * cos(angle), abs_ * sin(angle))


# ---- Other names ------------------------------------------------------------------------------

abs = absolute
true_divide = divide
conjugate = conj
bitwise_invert = bitwise_not
bitwise_left_shift = left_shift
bitwise_right_shift = right_shift
