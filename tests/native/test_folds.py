"""Sums, means, extremes, moments and variances against the array kernels in double precision."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import folds, moments  # noqa: F401
from tests.native.trials import both, lowered, reference

# shape, axis: rows, columns, neither end; short and long; one and several blocks
CASES = [
    ((5, 7), (1,)), ((5, 128), 1), ((3, 40_001), (1,)), ((70_003,), None), ((4, 3, 50), (1, 2)), ((1,), (0,)),
    ((5, 7), (0,)), ((300, 16), (0,)), ((9, 11, 33), (0, 1)), ((5011, 16), (0,)), ((9, 600), (0,)),
    ((700, 1000), (0,)), ((6, 8, 8, 20), (1, 2)), ((2, 5000, 40), (1,)), ((4, 1, 9, 1), (0,)), ((), None),
    ((3, 1, 5), (0, 1, 2)), ((5, 1, 7), (1,)), ((130, 64), (0,)), ((4, 6, 50), (0, 2)), ((3, 90, 4, 5), (1, 3)),
    ((1, 4500, 4, 5), (1, 3)), ((2, 3, 40_000), (0, 2)),
]


def numbers(shape, dtype):
    return (3 * np.random.default_rng(0).normal(size=shape) + 1).astype(dtype)


@pytest.mark.parametrize("name", ["sum", "mean", "var"])
@pytest.mark.parametrize("shape, axis", CASES)
def test_sums(lanes, name, shape, axis):
    for dtype in ("float32", "float64", "int32")[: 1 if lanes != 8 else 3 if name == "sum" else 2]:
        x = numbers(shape, dtype)
        want, = reference(name, [x.astype("float64")], axis=axis)
        got, = lowered(name, [x], [want.astype(dtype)], axis=axis)
        rounded = np.square(x) if name == "var" else np.abs(x)  # rounding grows with its sum
        size = rounded.sum(axis=axis) / (1 if name == "sum" else x.size / want.size)
        np.testing.assert_array_less(np.abs(got - want), (1e-6 if dtype == "float32" else 1e-13) * size + 1e-30)


@pytest.mark.parametrize("shape, axis", CASES)
def test_moments(lanes, shape, axis):
    axis = tuple(range(len(shape))) if axis is None else (axis,) if isinstance(axis, int) else axis
    for shift in (0, 1000):  # the variance does not suffer from a large mean
        x = numbers(shape, "float32") + np.float32(shift)
        want = reference("moments", [x.astype("float64")], axis=axis)
        mean, variance = lowered("moments", [x], [w.astype("float32") for w in want], axis=axis)
        np.testing.assert_allclose(mean, want[0], rtol=1e-6, atol=3e-6)
        np.testing.assert_allclose(variance, want[1], rtol=2e-6 if not shift else 1e-5, atol=1e-6)


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize("shape, axis", CASES)
def test_extremes(lanes, name, shape, axis):
    for dtype in ("float32", "int32"):
        x = numbers(shape, dtype)
        if dtype == "float32" and x.size > 6:
            x.reshape(-1)[3:5] = np.nan, -np.inf
        for got, want in both(name, [x], axis=axis):
            np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", ["any", "all"])
@pytest.mark.parametrize("shape, axis", CASES)
def test_truth_values(lanes, name, shape, axis):
    for rare in (np.zeros(shape, bool), numbers(shape, "float32") > 8):
        for got, want in both(name, [rare if name == "any" else ~rare], axis=axis):
            np.testing.assert_array_equal(got.view("u1"), want.view("u1"))


def test_not_a_number_and_infinity(lanes):
    x = numbers((40, 20), "float32")
    x[3, 4], x[5, 6] = np.nan, np.inf
    for axis in ((0,), (1,)):
        for name in ("sum", "mean"):
            for got, want in both(name, [x], axis=axis):
                np.testing.assert_allclose(got, want, rtol=1e-5)
        got = lowered("moments", [x], [x.mean(axis, keepdims=True)] * 2, axis=axis)
        assert np.isnan(got[1]).sum() == 2


def test_what_is_left_to_numpy():
    x, half = np.zeros((3, 4, 5, 2, 6), "float32"), np.zeros((3, 4), "float16")
    assert LOWERINGS["moments"]([x], [x[:1, :, :1, :, :1]] * 2, dict(axis=(0, 2, 4))) is None
    assert LOWERINGS["sum"]([half], [half[0]], dict(axis=(0,))) is None
    assert LOWERINGS["max"]([x[:0]], [x[0]], dict(axis=(0,))) is None
    assert LOWERINGS["moments"]([half], [half[:1], half[:1]], dict(axis=(0,))) is None
