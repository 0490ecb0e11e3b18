"""Pooling and its gradients against the array kernels: windows, strides, padding, ties, NaN."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import pooling
from kerasish.backend.native.trial import Trial
from tests.native.trials import assert_close, assert_same, reference

NONE, SAME = ((0, 0), (0, 0)), ((0, 1), (1, 1))
# shape of x, window, strides, padding
CASES = [
    ((3, 6, 8, 32), (2, 2), (2, 2), NONE),
    ((2, 7, 5, 19), (2, 2), (2, 2), NONE),
    ((2, 9, 11, 3), (3, 3), (3, 3), NONE),
    ((2, 8, 9, 17), (3, 3), (2, 2), NONE),
    ((2, 8, 9, 5), (2, 3), (3, 4), NONE),
    ((1, 7, 7, 33), (3, 3), (2, 2), SAME),
    ((2, 6, 6, 4), (3, 3), (1, 1), ((1, 1), (1, 1))),
    ((2, 4, 1, 8), (2, 2), (2, 2), ((0, 0), (0, 1))),
    ((4, 9, 12), (2,), (2,), ((0, 0),)),
    ((4, 9, 12), (4,), (3,), ((1, 2),)),
    ((2, 4, 5, 6, 7), (2, 2, 2), (2, 2, 2), ((0, 0),) * 3),
    ((2, 4, 5, 6, 7), (2, 1, 2), (1, 2, 1), ((1, 0), (0, 0), (1, 1))),
]


def case(shape, window, strides, padding, dtype):
    rng = np.random.default_rng(0)
    x = rng.integers(-4, 4, shape).astype(dtype)  # with many ties
    x.reshape(-1)[::37] = np.nan
    x.reshape(-1)[5::41] = -np.inf
    x[0, :3] = -np.inf
    params = dict(window=window, strides=strides, padding=padding)
    y, = reference("max_pool", [x], **params)
    return x, y, rng.normal(size=y.shape).astype(dtype), params


def kinds(row, lanes):
    return ("float32", "float64") if lanes == 8 and row == CASES[5] else ("float32",)


@pytest.mark.parametrize("row", CASES)
def test_max_pool(lanes, row):
    for dtype in kinds(row, lanes):
        x, y, g, params = case(*row, dtype)
        assert_same("max_pool", [x], **params)
        assert_same("max_pool_grad", [g, x, y], **params)


@pytest.mark.parametrize("row", CASES)
def test_avg_pool(lanes, row):
    for dtype in kinds(row, lanes):
        _, _, g, params = case(*row, dtype)
        x = np.random.default_rng(1).normal(size=row[0]).astype(dtype)
        assert_same("avg_pool", [x], **params)
        x[0, 1] = np.nan
        assert_same("avg_pool", [x], **params)
        assert_close("avg_pool_grad", [g], input_shape=x.shape, **params)


def test_what_is_left_to_numpy():
    x, y = np.zeros((1, 3, 3, 2), "float32"), np.zeros((1, 3, 3, 2), "float32")
    wholly_outside = dict(window=(1, 1), strides=(2, 2), padding=((1, 1), (1, 1)))
    assert LOWERINGS["max_pool"]([x], [y], wholly_outside) is None
    half = x.astype("float16")
    assert LOWERINGS["max_pool"]([half], [half], dict(window=(1, 1), strides=(1, 1), padding=NONE)) is None


@pytest.mark.parametrize("row", [row for row in CASES if pooling.are_apart(
    dict(zip(("window", "strides", "padding"), row[1:], strict=True)))])
def test_the_gradient_may_be_written_over_the_input(lanes, row):
    x, y, g, params = case(*row, "float32")
    want, = reference("max_pool_grad", [g, x, y], **params)
    for is_shared in (False, True):
        over = x.copy()
        trial = Trial("max_pool_grad", [g, over, y], [over], **params)
        trial._batch.is_shared = is_shared
        trial.run()
        np.testing.assert_array_equal(over, want)
