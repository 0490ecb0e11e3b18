"""Elementary functions of vectors: within a few units in the last place, with the limits at infinities, and NaN."""

import ctypes

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.common.erf import erf
from kerasish.backend.native import engine, vector_math

EXACT = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)), "softplus": lambda x: np.logaddexp(x, 0), "erf": lambda x: erf(np, x),
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "arctan": np.arctan,
    "exp2": np.exp2, "log2": np.log2, "log10": np.log10, "sinh": np.sinh, "cosh": np.cosh,
}
ANGLES = ("sin", "cos", "tan")


def computed(name, *xs):
    def write(k):
        *inputs, out = (k.pointer(n, "f4") for n in range(len(xs) + 1))
        k.sweep(k.lo, k.hi, lambda i, mask: out.store(
            i, getattr(vector_math, name)(*[x.load(i, k.lanes, mask) for x in inputs]), mask))

    x, out = xs[0], np.empty_like(xs[0])
    slots = np.array([a.ctypes.data for a in (*xs, out)], np.int64)
    table = np.arange(len(slots))
    run = engine.callable_of(engine.function(f"test of {name}", write))
    run(ctypes.c_void_p(slots.ctypes.data), ctypes.c_void_p(table.ctypes.data), 0, x.size)
    return out


@pytest.mark.parametrize("name", EXACT)
def test_close_to_exact(lanes, name):
    x = np.concatenate([np.linspace(-30, 30, 100_001), np.geomspace(1e-7, 88, 5001), -np.geomspace(1e-7, 85, 5001)])
    x = np.unique(x.astype("float32"))
    if name.startswith("log"):
        x = x[x > (-1 if name == "log1p" else 0)]
    want = EXACT[name](x.astype("float64"))
    keep = np.abs(want) > 1e-36  # smaller ones may be zero
    got = computed(name, x)
    error = np.abs(got[keep] / want[keep] - 1)
    assert error.max() < 6e-7, (x[keep][error.argmax()], error.max())


@np.errstate(all="ignore")
def test_powers(lanes):
    random = np.random.default_rng(0)
    ends = [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 2.0, 3.0, -3.0, 1e30, -1e-30, np.inf, -np.inf, np.nan, 2.0**25,
            1 + 2.0**-23]
    pairs = np.array([(a, b) for a in ends for b in ends], "float32")
    drawn = np.stack([np.exp(random.normal(0, 5, 50_000)), random.normal(0, 5, 50_000)], axis=1)
    x, y = np.concatenate([pairs, drawn]).astype("float32").T
    want = x.astype("float64") ** y
    keep = ~((np.abs(want) < 1.2e-38) & (want != 0))  # others may be zero
    x, y, want = x[keep], np.ascontiguousarray(y[keep]), want[keep].astype("float32")
    got = computed("power", np.ascontiguousarray(x), y)
    np.testing.assert_array_max_ulp(got, want, 1)
    np.testing.assert_array_equal(np.signbit(got[want == 0]), np.signbit(want[want == 0]))


def test_exact_where_the_result_is():
    n = np.arange(-126, 128)
    np.testing.assert_array_equal(computed("exp2", n.astype("float32")), np.exp2(n).astype("float32"))
    np.testing.assert_array_equal(computed("log2", np.exp2(n).astype("float32")), n)
    tens = np.array([10.0**n for n in range(11)], "float32")
    np.testing.assert_array_equal(computed("log10", tens), np.arange(11))


@pytest.mark.parametrize("name", ANGLES)
def test_large_angles(lanes, name):
    quarters = np.arange(1, 600_000, 97) * (np.pi / 2)
    x = np.concatenate([quarters, np.geomspace(1, 3e38, 20_001), np.float32(1e6) + np.arange(-8, 8)]).astype("float32")
    x = np.concatenate([x, -x])
    want = EXACT[name](x.astype("float64"))
    assert np.abs(computed(name, x) / want - 1).max() < 1.5e-7


@pytest.mark.parametrize("name", EXACT)
def test_limits_and_nan(name):
    x = np.array([np.inf, -np.inf, np.nan, 0.0], "float32")
    with np.errstate(all="ignore"):
        want = EXACT[name](x.astype("float64")).astype("float32")
    np.testing.assert_array_equal(computed(name, x), want)
