"""Rows for kerasish.ops.elementwise."""

import math
from itertools import product

import numpy as np

from tests.ops.case import Case, away, booleans, distinct, integers, normal, positive, uniform

SINGLE = ("float64", "float32")
INF, NAN = float("inf"), float("nan")
EDGES = np.array([0.0, -0.0, 1.0, -1.0, 0.5, -2.5, 3.0, INF, -INF, NAN])
PAIRS = np.array(list(product([0.0, 1.0, -2.5, INF, -INF, NAN], repeat=2)))


def _each(function):
    """A function of Python floats as a function of arrays."""
    return lambda x: np.vectorize(function, otypes=["float64"])(x)


def _one(op, x, **fields):
    """A row of a function of one array."""
    return Case(op, [x], elementwise=True, **fields)


def _two(op, x1, x2, **fields):
    """A row of a function of two arrays that broadcast."""
    return Case(op, [x1, x2], elementwise=True, **fields)


def _edges(op, **fields):
    """A row at zeros, infinities and NaN."""
    return Case(op, [EDGES], differentiable=False, id="edges", **fields)


def _edge_pairs(op, **fields):
    """A row at all pairs of zeros, infinities and NaN."""
    return Case(op, [PAIRS[:, 0], PAIRS[:, 1]], differentiable=False, id="edges", **fields)


def _erfinv(x):
    """Bisection on `math.erf`."""
    low, high = -6.0, 6.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if math.erf(middle) < x else (low, middle)
    return low


def _i0(x):
    return sum((x / 2) ** (2 * k) / math.factorial(k) ** 2 for k in range(60))


SMOOTH = [
    _one("negative", normal(3, 4)),
    _one("absolute", away(3, 4)),
    _one("fabs", away(3, 4)),
    _one("square", normal(3, 4)),
    _one("sqrt", positive(3, 4)),
    _one("rsqrt", positive(3, 4), reference=lambda x: 1 / np.sqrt(x)),
    _one("cbrt", away(3, 4)),
    _one("reciprocal", away(3, 4, gap=0.3), reference=lambda x: 1 / x),
    _one("exp", normal(3, 4)),
    _one("exp2", normal(3, 4)),
    _one("expm1", normal(3, 4)),
    _one("log", positive(3, 4)),
    _one("log1p", positive(3, 4)),
    _one("log2", positive(3, 4)),
    _one("log10", positive(3, 4)),
    _one("sin", normal(3, 4)),
    _one("cos", normal(3, 4)),
    _one("tan", uniform(3, 4)),
    _one("arcsin", uniform(3, 4, low=-0.9, high=0.9)),
    _one("arccos", uniform(3, 4, low=-0.9, high=0.9)),
    _one("arctan", normal(3, 4)),
    _one("sinh", normal(3, 4)),
    _one("cosh", normal(3, 4)),
    _one("tanh", normal(3, 4)),
    _one("arcsinh", normal(3, 4)),
    _one("arccosh", uniform(3, 4, low=1.3, high=3)),
    _one("arctanh", uniform(3, 4, low=-0.9, high=0.9)),
    _one("deg2rad", normal(3, 4, scale=90)),
    _one("rad2deg", normal(3, 4)),
    _one("sinc", away(3, 4)),
    _one("sinc", uniform(2, 3, low=-9e-4, high=9e-4), id="near 0", dtypes=SINGLE),
    _one("erf", normal(3, 4), reference=_each(math.erf)),
    _one("erf", uniform(40, low=-5, high=5), reference=_each(math.erf), id="wide", differentiable=False),
    _one("erfc", normal(3, 4), reference=_each(math.erfc)),
    Case("erfc", [np.linspace(-5, 9, 40)], reference=_each(math.erfc), id="tail", differentiable=False, dtypes=SINGLE,
         check=lambda out, x: np.testing.assert_allclose(
             out.astype(float), _each(math.erfc)(x.astype(float)), rtol=1e-14 if x.dtype == "float64" else 1e-6)),
    _one("erfinv", uniform(3, 4, low=-0.9, high=0.9), reference=_each(_erfinv)),
    Case("erfinv", [np.array([0.0, 0.3, 0.999, -0.9999, 1e-5])], reference=_each(_erfinv), id="tail", dtypes=SINGLE,
         differentiable=False, rtol=1e-9),
    _one("i0", normal(3, 4), reference=_i0),
    _one("imag", normal(3, 4), differentiable=False, reference=lambda x: np.zeros_like(x)),
    _one("real", normal(3, 4)),
    _one("conj", normal(3, 4)),
    _one("angle", normal(3, 4), differentiable=False),
]  # fmt: skip

STEPS = [
    _one("sign", away(3, 4), differentiable=False),
    _one("floor", normal(3, 4, scale=3), differentiable=False),
    _one("ceil", normal(3, 4, scale=3), differentiable=False),
    _one("trunc", normal(3, 4, scale=3), differentiable=False),
    _one("round", normal(3, 4, scale=3), differentiable=False),
    Case("round", [normal(3, 4)], {"decimals": 2}, differentiable=False, dtypes=SINGLE),
    Case("round", [np.array([0.5, 1.5, 2.5, -0.5])], differentiable=False, id="halves"),
    Case("round", [np.array([1234, -1267], "int32")], {"decimals": -2}),
    Case("trunc", [integers(3, low=-5)], id="integers"),
    Case("nextafter", [normal(3), normal(3)], differentiable=False, dtypes=["float64"]),
]

BINARY = [
    _two("add", normal(3, 4), normal(3, 4)),
    _two("add", normal(3, 4), normal(4), id="row"),
    _two("add", normal(3, 1), normal(1, 4), id="outer"),
    _two("subtract", normal(3, 4), normal(4)),
    _two("multiply", normal(3, 4), normal(3, 1)),
    _two("divide", normal(3, 4), away(4, gap=0.4)),
    _two("divide_no_nan", normal(3, 4), away(4, gap=0.4), reference=np.divide),
    Case("divide_no_nan", [normal(3), np.array([2.0, 0.0, -4.0])], id="zero",
         reference=lambda x, y: np.where(y == 0, 0, x / np.where(y == 0, 1, y)), differentiable=[0]),
    _two("floor_divide", normal(3, 4, scale=5), away(4, gap=0.4), differentiable=False, dtypes=SINGLE),
    _two("mod", uniform(3, 4, low=4.1, high=4.9), np.array([-3.0, 3.0, 5.0, -5.0])),
    _two("mod", integers(3, 4, low=-9), np.array([-3, 3, 5, -5], "int32"), id="integers"),
    _two("fmod", uniform(3, 4, low=-4.9, high=-4.1), np.array([-3.0, 3.0, 5.0, -5.0])),
    _two("power", positive(3, 4), normal(4)),
    Case("power", [normal(3, 4), 2], id="square"),
    Case("power", [normal(3, 4), 3], id="cube"),
    Case("power", [np.array([0.0, -1.5, 2.0]), np.array([2.0, 3.0, 0.0])], id="zero", differentiable=[0]),
    Case("power", [integers(3, 4), 2], id="integers"),
    _two("hypot", normal(3, 4), away(4)),
    _two("arctan2", normal(3, 4), away(4)),
    _two("logaddexp", normal(3, 4), normal(4)),
    _two("logaddexp2", normal(3, 4), normal(4)),
    Case("logaddexp", [np.array([1e3, -1e3, 0.0]), np.array([1e3, 0.0, -INF])], id="large", differentiable=False,
         dtypes=["float64", "float32", "bfloat16"]),
    _two("heaviside", np.array([[-1.0, 0.0, 2.0]]), normal(2, 1), differentiable=[1]),
    _two("maximum", distinct(3, 4), normal(4)),
    _two("minimum", distinct(3, 4), normal(4)),
    _two("fmax", distinct(3, 4), normal(4)),
    _two("fmin", distinct(3, 4), normal(4)),
    Case("fmax", [PAIRS[:, 0], PAIRS[:, 1]], differentiable=False, id="edges"),
    Case("fmin", [PAIRS[:, 0], PAIRS[:, 1]], differentiable=False, id="edges"),
    Case("clip", [distinct(3, 4), -0.32, 0.33], id="numbers"),
    Case("clip", [distinct(3, 4), np.full(4, -0.32), np.full(4, 0.33)], id="tensors", elementwise=True),
    Case("clip", [integers(3, 4), 2, 5], id="integers"),
    Case("ldexp", [normal(3, 4), integers(4, low=-3, high=4)], elementwise=True),
    _two("gcd", integers(3, 4), integers(4)),
    _two("lcm", integers(3, 4), integers(4)),
    Case("polar", [positive(3, 4), normal(4)], dtypes=SINGLE, differentiable=False, elementwise=True,
         reference=lambda r, a: r * np.exp(1j * a)),
]  # fmt: skip

BITS = [
    _two("bitwise_and", integers(3, 4), integers(4)),
    _two("bitwise_or", integers(3, 4), integers(4)),
    _two("bitwise_xor", integers(3, 4), integers(4)),
    _one("bitwise_not", integers(3, 4)),
    _two("left_shift", integers(3, 4), integers(4, high=5)),
    _two("right_shift", integers(3, 4, low=-100, high=100), integers(4, high=5)),
]

CONVERSIONS = [
    Case("cast", [normal(3, 4)], {"dtype": "float64"}, reference=lambda x, dtype: x, elementwise=True),
    Case("cast", [normal(3, 4, scale=5)], {"dtype": "int32"}, reference=lambda x, dtype: x.astype(dtype),
         differentiable=False),
    Case("cast", [booleans(3, 4)], {"dtype": "float32"}, reference=lambda x, dtype: x.astype(dtype)),
    Case("saturate_cast", [np.array([-5.0, 300.0, 3.7, NAN, INF])], {"dtype": "uint8"}, differentiable=False,
         reference=lambda x, dtype: np.array([0, 255, 3, 0, 255])),
    Case("saturate_cast", [np.array([-3e10, 3e10, 7.0])], {"dtype": "int32"}, differentiable=False, dtypes=SINGLE,
         reference=lambda x, dtype: np.array([-(2**31), 2**31 - 1, 7])),
    Case("saturate_cast", [np.array([-1, 300, 7], "int32")], {"dtype": "uint8"},
         reference=lambda x, dtype: np.array([0, 255, 7])),
    Case("saturate_cast", [np.array([-1, 70000, 7], "int32")], {"dtype": "float16"},
         reference=lambda x, dtype: np.array([-1.0, 65504.0, 7.0])),
    Case("saturate_cast", [np.array([-1e9, 7.0])], {"dtype": "float16"}, differentiable=False, dtypes=SINGLE,
         reference=lambda x, dtype: np.array([-65504.0, 7.0])),
    Case("saturate_cast", [booleans(4)], {"dtype": "int8"}, reference=lambda x, dtype: x.astype(dtype)),
    Case("view_as_complex", [normal(3, 2)], dtypes=SINGLE, differentiable=False,
         reference=lambda x: x[..., 0] + 1j * x[..., 1]),
    Case("nan_to_num", [away(3, 4)]),
    Case("nan_to_num", [EDGES], {"nan": 7.0, "posinf": 8.0, "neginf": -9.0}, differentiable=False),
    Case("nan_to_num", [EDGES], differentiable=False, id="defaults", dtypes=["float64"]),
    Case("nan_to_num", [integers(3)], id="integers"),
]  # fmt: skip

Z = np.array([[1 + 2j, -3 - 1j], [0.5j, 2 + 0j]])
COMPLEX = [Case(op, [Z], id="complex", dtypes=SINGLE) for op in
           ("absolute", "real", "imag", "conj", "angle", "square", "exp", "nan_to_num")]  # fmt: skip

COMPLEX += [
    Case("view_as_real", [Z], reference=lambda x: np.stack([x.real, x.imag], -1)),
]

EDGE_OPS = ["absolute", "sign", "square", "sqrt", "exp", "exp2", "expm1", "log", "log1p", "sin", "arctan", "sinh",
            "tanh", "floor", "ceil", "trunc", "arcsinh", "cbrt"]  # fmt: skip
EDGE_PAIR_OPS = ["add", "multiply", "divide", "power", "maximum", "minimum", "arctan2", "hypot"]

CASES = [
    *SMOOTH, *STEPS, *BINARY, *BITS, *CONVERSIONS, *COMPLEX,
    *[_edges(op) for op in EDGE_OPS], *[_edge_pairs(op) for op in EDGE_PAIR_OPS],
    _edges("erf", reference=_each(math.erf)),
    _edges("erfc", reference=_each(math.erfc)),
]  # fmt: skip
