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
}
ANGLES = ("sin", "cos", "tan")


def computed(name, x):
    def write(k):
        a, out = k.pointer(0, "f4"), k.pointer(1, "f4")
        k.sweep(k.lo, k.hi, lambda i, mask: out.store(
            i, getattr(vector_math, name)(a.load(i, k.lanes, mask)), mask))

    out = np.empty_like(x)
    slots, table = (np.array(v, np.int64) for v in ([x.ctypes.data, out.ctypes.data], [0, 1]))
    run = engine.callable_of(engine.function(f"test of {name}", write))
    run(ctypes.c_void_p(slots.ctypes.data), ctypes.c_void_p(table.ctypes.data), 0, x.size)
    return out


@pytest.mark.parametrize("name", EXACT)
def test_close_to_exact(lanes, name):
    x = np.concatenate([np.linspace(-30, 30, 100_001), np.geomspace(1e-7, 88, 5001), -np.geomspace(1e-7, 85, 5001)])
    x = np.unique(x.astype("float32"))
    if name.startswith("log"):
        x = x[x > (0 if name == "log" else -1)]
    want = EXACT[name](x.astype("float64"))
    keep = np.abs(want) > 1e-36  # smaller ones may be zero
    got = computed(name, x)
    error = np.abs(got[keep] / want[keep] - 1)
    assert error.max() < 6e-7, (x[keep][error.argmax()], error.max())


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
