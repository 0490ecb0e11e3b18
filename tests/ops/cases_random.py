"""Rows of the random ops: what is known of a draw from a fixed seed. Distributions: `tests/test_random.py`."""

import numpy as np

from tests.ops.case import Case, normal

ARRAYS = {"dtypes": ("float32",), "differentiable": False}


def drawn(op: str, *inputs, low: float = -np.inf, high: float = np.inf, mean: float, spread: float, **kwargs) -> Case:
    """A row whose values lie in [low, high] and have the mean and standard deviation, within five standard errors."""

    def check(out, *_, **given):
        dtype = given.get("dtype", "float32")
        assert out.dtype.name == dtype, f"dtype {out.dtype.name}, expected {dtype}"
        x = out.astype("float64")
        assert ((low <= x) & (x <= high)).all(), f"values from {x.min()} to {x.max()}"
        error = 5 * spread / np.sqrt(x.size)
        np.testing.assert_allclose([x.mean(), x.std()], [mean, spread], atol=2 * error)

    return Case(f"random.{op}", inputs, {"seed": 3, **kwargs}, check=check, **ARRAYS)


def rearranges(out, x, **_):
    """The result has the same elements in another order."""
    assert out.shape == x.shape and not np.array_equal(out, x)
    np.testing.assert_array_equal(np.sort(out, axis=None), np.sort(x, axis=None))


def drops(out, x, rate, noise_shape=None, **_):
    """Elements are zero or divided by the probability of being kept, alike along broadcast axes of the mask."""
    kept = out != 0
    np.testing.assert_allclose(out[kept], (x / (1 - rate))[kept], rtol=1e-6)
    assert abs(kept.mean() - (1 - rate)) < 0.2
    for axis, n in enumerate(noise_shape or ()):
        if n == 1:
            assert (kept == kept.take([0], axis)).all()


HALF = 0.5 / np.sqrt(3)
CASES = [
    *[drawn("uniform", (40, 50), low=0, high=1, mean=0.5, spread=HALF, dtype=d) for d in
      ("float32", "float64", "float16", "bfloat16")],
    drawn("uniform", (2000,), low=-2, high=3, mean=0.5, spread=5 * HALF, minval=-2, maxval=3),
    *[drawn("truncated_normal", (2000,), low=-2, high=2, mean=0.0, spread=0.8796, dtype=d) for d in
      ("float32", "float64", "float16", "bfloat16")],
    drawn("randint", (2000,), 3, 13, low=3, high=12, mean=7.5, spread=2.872, dtype="int32"),
    drawn("randint", (2000,), 0, 256, low=0, high=255, mean=127.5, spread=73.9, dtype="uint8"),
    drawn("gamma", (2000,), 2.5, low=0, mean=2.5, spread=2.5**0.5),
    drawn("beta", (2000,), 2.0, 5.0, low=0, high=1, mean=2 / 7, spread=0.1597),
    drawn("binomial", (2000,), 20, 0.3, low=0, high=20, mean=6.0, spread=2.049),
    drawn("binomial", (2000,), 200, 0.3, low=0, high=200, mean=60.0, spread=6.48),
    Case("random.normal", [(41, 49)], {"seed": 3, "dtype": "float64"}, **ARRAYS,
         check=lambda out, *_, **__: np.testing.assert_allclose([out.mean(), out.std()], [0, 1], atol=0.1)),
    Case("random.categorical", [normal(4, 7), 5], {"seed": 3}, **ARRAYS,
         check=lambda out, *_, **__: np.testing.assert_array_less(out, 7)),
    Case("random.shuffle", [normal(20, 2)], {"seed": 3}, **ARRAYS, check=rearranges),
    Case("random.shuffle", [normal(2, 20)], {"seed": 3, "axis": -1}, **ARRAYS, check=rearranges),
    Case("random.dropout", [normal(8, 25), 0.3], {"seed": 3}, check=drops, dtypes=("float64", "float32")),
    Case("random.dropout", [normal(4, 25, 3), 0.5], {"seed": 3, "noise_shape": (None, None, 1)}, check=drops,
         dtypes=("float64", "float32"), dynamic=False),
    Case("random.dropout", [normal(3, 4), 0.0], {"seed": 3}, reference=lambda x, *_, **__: x),
    Case("random.dropout", [normal(3, 4), 1.0], {"seed": 3}, reference=lambda x, *_, **__: 0 * x, differentiable=False),
]  # fmt: skip
