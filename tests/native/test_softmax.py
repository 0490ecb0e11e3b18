"""Softmax, its logarithm and gradient, and the cross-entropy with integer targets, against the array kernels."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import softmax  # noqa: F401
from tests.native.trials import assert_close, lowered, reference

SHAPES = [(5, 1), (3, 4, 7), (6, 16), (5, 33), (300, 10), (2, 3, 128), (5, 131), (5, 1000)]


def draw(shape, scale=3.0):
    return (np.random.default_rng(0).standard_normal(shape) * scale).astype("f4")


def with_extremes(x):
    """The array with a NaN, infinities, and steep rows among its rows."""
    x = x.copy()
    rows = x.reshape(-1, x.shape[-1])
    rows[0] *= 1000
    rows[1, 0], rows[2, -1] = np.nan, -np.inf
    rows[-1] = -np.inf
    rows[-2, 0] = np.inf
    return x


@pytest.fixture(autouse=True)
def quiet():
    """Nobody warns of the infinities."""
    with np.errstate(all="ignore"):
        yield


def test_rows(lanes):
    for shape in SHAPES:
        for x in (draw(shape), with_extremes(draw(shape))):
            p, = reference("softmax", [x], axis=-1)
            assert_close("softmax", [x], axis=-1)
            assert_close("log_softmax", [x], axis=len(shape) - 1)
            assert_close("softmax_grad", [draw(shape, 1.0), p], 5e-6, axis=-1)


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint8"])
def test_crossentropy(lanes, dtype):
    for shape in SHAPES if dtype == "int32" else SHAPES[1:3]:
        for x in (draw(shape), draw(shape, 100.0), with_extremes(draw(shape))):
            tame = bool(np.isfinite(x).all())
            known = np.random.default_rng(1).integers(0, min(shape[-1], 250), shape[:-1])
            target = np.where(np.arange(known.size).reshape(known.shape) % 3 == 1, shape[-1] if tame else known, known)
            target = target.astype(dtype)
            loss, = reference("sparse_softmax_crossentropy", [x, target])
            assert_close("sparse_softmax_crossentropy", [x, target])
            assert_close("sparse_softmax_crossentropy_grad", [draw(shape[:-1]), x, target, loss], 3e-6)


def test_without_a_class(lanes):
    """No loss and no gradient, but NaN where the row holds NaN or infinity."""
    x, target, g = draw((7, 21)), np.array([-1, 21, 100, 3, -1, -1, -1]), draw(7)
    x[0, 20], x[1, 2], x[2], x[4, 3] = np.nan, np.inf, -np.inf, -np.inf
    loss, = reference("sparse_softmax_crossentropy", [x, target])
    assert (loss[[0, 1, 2, 4, 5, 6]] == 0).all()
    got = lowered("sparse_softmax_crossentropy_grad", [g, x, target, loss], [x])[0]
    wrong = np.zeros((7, 21), bool)
    wrong[0, 20] = wrong[1, 2] = True
    np.testing.assert_array_equal(np.isnan(got), wrong)
    assert (got[3] != 0).all() and (np.delete(got, 3, 0)[~np.delete(wrong, 3, 0)] == 0).all()
    assert_close("sparse_softmax_crossentropy_grad", [g, x, target, loss], 3e-6)


@pytest.mark.parametrize(("name", "inputs", "params"), [
    ("softmax", [draw((3, 4)).astype("f8")], {"axis": -1}), ("softmax", [draw((3, 4))], {"axis": 0}),
    ("log_softmax", [draw((3, 0))], {"axis": 1}), ("softmax_grad", [draw((2, 3, 4))] * 2, {"axis": (1, 2)}),
    ("sparse_softmax_crossentropy", [draw((3, 4)).astype("f2"), np.zeros(3, "i4")], {}),
    ("sparse_softmax_crossentropy", [draw((3, 4)), np.zeros(3, "f4")], {}),
    ("sparse_softmax_crossentropy_grad", [draw(3).astype("f8"), draw((3, 4)), np.zeros(3, "i4"), draw(3)], {})])
def test_what_is_left_to_the_array_kernels(name, inputs, params):
    assert LOWERINGS[name](inputs, [inputs[0]], params) is None
