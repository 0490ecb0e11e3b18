"""Places of extremes and running sums against the array kernels, bit for bit."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import scans  # noqa: F401
from tests.native.trials import assert_same

CASES = [((128, 10), 1), ((7, 1000), 1), ((40,), 0), ((9, 5), 0), ((3, 40, 37), 1), ((2, 3, 65), 2), ((4, 1), 1)]


def numbers(shape, dtype):
    x = np.random.default_rng(0).integers(-20, 20, shape).astype(dtype)  # with ties
    if dtype[0] == "f":
        x.reshape(-1)[11 % x.size :: 97] = np.nan
        x.reshape(-1)[17 % x.size :: 53] = np.inf
    return x


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("shape, axis", [*CASES, ((6, 7), None)])
def test_positions(lanes, name, shape, axis):
    for dtype in ("float32", "float64", "int32"):
        assert_same(name, [numbers(shape, dtype)], axis=axis)
    assert_same(name, [np.full(shape, -np.inf, "float32")], axis=axis)
    assert_same(name, [np.full(shape, np.nan, "float32")], axis=axis)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("shape, axis", CASES)
def test_running_sums(lanes, shape, axis, reverse):
    for dtype in ("float32", "float64", "int32"):
        x = (10 * np.random.default_rng(0).normal(size=shape)).astype(dtype)
        assert_same("cumsum", [x], axis=axis, reverse=reverse)


def test_what_is_left_to_numpy():
    half, places = np.zeros((3, 4), "float16"), np.zeros(3, "int32")
    assert LOWERINGS["argmax"]([half], [places], dict(axis=1)) is None
    assert LOWERINGS["cumsum"]([half], [half], dict(axis=1)) is None
