"""Kernels that work element by element, inputs broadcast: arithmetic, exponents, angles, rounding, tests, bits.

Most are functions of the array module under Keras's name or another. Written out below is what the module
lacks, or what it answers in a dtype other than the one it was given (bfloat16 is a foreign dtype to it).
"""

from math import cos, pi

from kerasish.backend.common.domain import only_real
from kerasish.backend.common.halves import through_float32
from kerasish.backend.common.windows import deliver
from kerasish.backend.registry import kernel, ufunc_kernel

# Arithmetic.
ufunc_kernel("add", "subtract", "multiply", "divide", "floor_divide", "mod", "fmod", "power", "negative")
ufunc_kernel("absolute", "sign", "square", "sqrt", "cbrt", "reciprocal", "hypot", "gcd", "lcm", "heaviside")
ufunc_kernel("maximum", "minimum", "fmax", "fmin", "nextafter")
# Exponents and logarithms.
ufunc_kernel("exp", "exp2", "expm1", "log", "log1p", "log2", "log10", "logaddexp", "logaddexp2")
# Angles.
ufunc_kernel("sin", "cos", "tan", "arcsin", "arccos", "arctan", "arctan2", "deg2rad", "rad2deg")
ufunc_kernel("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh")
# Rounding.
ufunc_kernel("floor", "ceil", "trunc")
# Tests and comparisons, answered in booleans.
ufunc_kernel("isnan", "isinf", "isfinite", "signbit")
ufunc_kernel("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
ufunc_kernel("logical_and", "logical_or", "logical_xor", "logical_not")
# Bits of integers.
ufunc_kernel("bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift", bitwise_not="invert")
# Complex numbers.
ufunc_kernel("real", "imag", conj="conjugate")


@kernel("rsqrt")
def rsqrt(xp, x, *, out=None):
    """1 / sqrt(x)."""
    return xp.reciprocal(xp.sqrt(x, out=out), out=out)


@kernel("round")
@through_float32
def round_to(xp, x, *, decimals=0):
    """Round halves to even, at a number of decimals."""
    return xp.round(x, decimals)


@kernel("clip")
def clip(xp, x, low, high, *, out=None):
    """min(max(x, low), high); `numpy.clip` would turn bfloat16 into float32."""
    only_real(x)
    return xp.minimum(xp.maximum(x, low, out=out), high, out=out)


@kernel("where")
def where(xp, condition, x, y, *, out=None):
    if out is None:
        return xp.where(condition, x, y)
    out[...] = y
    xp.copyto(out, x, where=condition.astype(bool, copy=False))
    return out


@kernel("divide_no_nan")
@through_float32
def divide_no_nan(xp, x1, x2, *, out=None):
    zero = x2 == 0
    quotient = xp.divide(x1, x2, out=out)
    return where(xp, zero, xp.zeros((), quotient.dtype), quotient, out=out)


@kernel("cast")
def cast(xp, x, *, dtype, out=None):
    """Convert to a dtype; what is no number becomes an unspecified integer, as in Keras."""
    if x.dtype.kind == "c" and xp.dtype(dtype).kind != "c":
        x = x.real
    return x.astype(dtype) if out is None else deliver(x, out)


@kernel("ldexp")
@through_float32
def ldexp(xp, x, exponent):
    """x * 2 ** exponent for integer exponents."""
    return xp.ldexp(x, exponent)


@kernel("sinc")
@through_float32
def sinc(xp, x):
    """sin(pi x) / (pi x), 1 at 0."""
    return xp.sinc(x)


@kernel("i0")
@through_float32
def i0(xp, x):
    """Modified Bessel function of the first kind, order 0."""
    return xp.i0(x).astype(x.dtype, copy=False)


@kernel("bessel_i")
@through_float32
def bessel_i(xp, x, *, order):
    """Modified Bessel function of the first kind, of any integer order.

    The integral of exp(x cos t) cos(order t) over a period by the midpoint rule, which converges faster
    than any power: 128 points on half a period are exact to rounding wherever the result is finite.
    """
    angles = [pi * (k + 0.5) / 128 for k in range(128)]
    total = xp.zeros_like(x)
    for t in angles:
        total += xp.exp(x * cos(t)) * (cos(order * t) / len(angles))
    return total


@kernel("complex")
def complex_of(xp, re, im):
    """re + 1j im, without a product that would turn infinities into NaN."""
    only_real(re)
    out = xp.empty(xp.broadcast(re, im).shape, "complex64" if re.dtype == "float32" else "complex128")
    out.real, out.imag = re, im
    return out
