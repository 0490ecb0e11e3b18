"""Reading and adding rows at indices against the array kernels."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import movers, rows  # noqa: F401
from tests.native.trials import assert_same, lowered

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("shape, axis, at", [
    ((50, 16), 0, (7, 3)), ((50, 37), 0, (200,)), ((1, 5), 0, (3,)), ((9,), 0, (4, 4)), ((30, 4, 5), 0, ()),
    ((3, 20, 7), 1, (11,)), ((3, 4, 20), -1, (2, 5)),
])
def test_take(lanes, shape, axis, at):
    for dtype, kind in (("float32", "int32"), ("float64", "int64"), ("int16", "uint8"), ("bool", "int32"))[:lanes // 4]:
        x = RNG.normal(size=shape).astype(dtype)
        n = shape[axis]
        indices = RNG.integers(0 if kind[0] == "u" else -n, n, at).astype(kind)
        assert_same("take", [x, indices], axis=axis)


@pytest.mark.parametrize("shape, at", [
    ((300, 16), (900,)), ((7000, 33), (40, 7)), ((5,), (60,)), ((9, 2, 3), (4,)), ((4, 3), (0,)), ((6, 3), ()),
])
def test_scatter_rows(lanes, shape, at):
    for dtype, kind in (("float32", "int32"), ("float64", "int64"), ("int32", "int32"))[:lanes // 4]:
        values = (100 * RNG.normal(size=(*at, *shape[1:]))).astype(dtype)
        indices = RNG.integers(-shape[0], shape[0], at).astype(kind)
        indices.reshape(-1)[::3] = 2  # one row that many add to
        want = np.zeros(shape, dtype)
        np.add.at(want, indices, values)
        got, = lowered("scatter_item", [values, indices], [want], shape=shape, index=("array",))
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("shape, count", [((128, 10), 1), ((4, 3, 50), 7), ((5,), 9)])
def test_along_axis(lanes, shape, count):
    for kind in ("int32", "int64"):
        x = RNG.normal(size=shape).astype("float32")
        indices = RNG.integers(-shape[-1], shape[-1], (*shape[:-1], count)).astype(kind)
        assert_same("take_along_axis", [x, indices], axis=len(shape) - 1)
        values = RNG.normal(size=indices.shape).astype("float32")
        assert_same("add_along_axis", [values, indices], shape=shape, axis=len(shape) - 1)


def test_out_of_range(lanes):
    """Nothing outside the arrays is read or written."""
    x, indices = np.arange(6, dtype="float32").reshape(3, 2), np.array([5, -9, 1 << 30], "int32")
    got, = lowered("take", [x, indices], [np.empty((3, 2), "float32")], axis=0)
    np.testing.assert_array_equal(got, x[[2, 0, 2]])
    got, = lowered("scatter_item", [x, indices], [x], shape=(3, 2), index=("array",))
    assert not got.any()


def test_what_is_left_to_numpy():
    x, i = np.zeros((3, 4), "float32"), np.zeros((3, 4), "int32")
    assert LOWERINGS["take_along_axis"]([x, i[:1]], [x], dict(axis=1)) is None
    assert LOWERINGS["take_along_axis"]([x, i], [x], dict(axis=0)) is None
    assert LOWERINGS["scatter_item"]([x.astype("float16"), i[0, :3]], [x.astype("float16")],
                                     dict(shape=(3, 4), index=("array",))) is None
