"""Ops that move elements against the array kernels: ranks, short and long rows, element sizes, strides."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import movers  # noqa: F401
from tests.native.trials import assert_same, lowered

WHOLE = (None, None, None)
CASES = [
    ("transpose", (40, 33), dict(axes=(1, 0))),
    ("transpose", (128, 48), dict(axes=(1, 0))),
    ("transpose", (3, 1), dict(axes=(1, 0))),
    ("transpose", (4, 6, 3, 8), dict(axes=(0, 2, 1, 3))),
    ("transpose", (2, 5, 3, 17), dict(axes=(0, 1, 3, 2))),
    ("transpose", (2, 18, 4, 1, 20), dict(axes=(0, 2, 3, 1, 4))),
    ("transpose", (3, 4, 5, 6), dict(axes=(3, 1, 2, 0))),
    ("transpose", (3, 4, 5, 6), dict(axes=(0, 1, 2, 3))),
    ("transpose", (2, 3, 2, 3, 2, 3), dict(axes=(5, 3, 1, 0, 2, 4))),
    ("transpose", (), dict(axes=())),
    ("broadcast_to", (5, 1), dict(shape=(5, 37))),
    ("broadcast_to", (37,), dict(shape=(4, 3, 37))),
    ("broadcast_to", (3, 1, 4, 1), dict(shape=(2, 3, 5, 4, 6))),
    ("broadcast_to", (), dict(shape=(1000,))),
    ("flip", (5, 37), dict(axis=(1,))),
    ("flip", (5, 37), dict(axis=(0,))),
    ("flip", (6, 7, 3), dict(axis=(0, 1, 2))),
    ("copy", (70, 3), {}),
    ("repeat", (4, 5), dict(repeats=3, axis=1)),
    ("repeat", (4, 5), dict(repeats=3, axis=0)),
    ("tile", (4, 5), dict(repeats=(2, 3))),
    ("tile", (4, 5), dict(repeats=(2, 1, 2))),
    ("tile", (2, 3, 4), dict(repeats=(2, 2, 1))),
    ("roll", (6, 40), dict(shift=(7,), axis=(1,))),
    ("roll", (6, 40), dict(shift=(-2, 3), axis=(0, 1))),
    ("pad", (3, 20), dict(pad_width=((1, 2), (0, 3)), value=2)),
    ("pad", (2, 4, 5, 3), dict(pad_width=((0, 0), (1, 1), (2, 1), (0, 0)), value=0)),
    ("get_item", (7, 5, 18), dict(index=(-1,))),
    ("get_item", (7, 5, 18), dict(index=((2, 6, None), WHOLE, (1, 17, 3)))),
    ("get_item", (7, 5, 18), dict(index=(WHOLE, None, 3, (None, None, -1)))),
    ("get_item", (7, 5, 18), dict(index=((None, None, -2), (1, 4, None)))),
    ("diagonal", (9, 4, 9), dict(offset=0, axis1=0, axis2=2)),
    ("diagonal", (3, 7, 5), dict(offset=-2, axis1=1, axis2=2)),
    ("put_diagonal", (3, 5), dict(shape=(3, 7, 5), offset=-2, axis1=1, axis2=2)),
    ("split", (6, 40), dict(points=(7, 20), axis=1)),
    ("split", (6, 40), dict(points=(2, 4), axis=0)),
]


def numbers(shape, dtype):
    return np.random.default_rng(0).integers(0, 100, shape).astype(dtype)


@pytest.mark.parametrize("name, shape, params", CASES)
def test_one_input(lanes, name, shape, params):
    for dtype in ("float32", "float64", "bool", "float16")[: 4 if lanes == 8 else 1]:
        assert_same(name, [numbers(shape, dtype)], **params)


@pytest.mark.parametrize("shapes, axis", [
    (((3, 5), (3, 20)), 1), (((3, 5), (4, 5), (1, 5)), 0), (((2, 3, 4), (2, 1, 4)), 1), (((2, 0), (2, 4)), 1),
])
def test_concatenate(lanes, shapes, axis):
    assert_same("concatenate", [numbers(s, "float32") + n for n, s in enumerate(shapes)], axis=axis)


@pytest.mark.parametrize("shape, index", [
    ((10, 3, 16), (-1,)), ((10, 3, 16), (WHOLE, 1)), ((10, 7), (WHOLE, (1, 6, 2))), ((9, 5), ((None, None, -1),)),
    ((4, 5), (None, (1, 3, None), WHOLE)),
])
def test_gradient_of_slices(lanes, shape, index):
    cut = np.zeros(shape)[movers.as_index(index, ())]
    assert_same("scatter_item", [numbers(cut.shape, "float32") + 1], shape=shape, index=index)


def test_put_item(lanes):
    x, values = numbers((6, 7), "float32"), numbers((3, 1), "float32") + 1
    assert_same("put_item", [x, values], index=((None, None, 2), (1, 6, None)))


@pytest.mark.parametrize("value, dtype", [(0, "float32"), (-1.5, "float64"), (True, "bool"), (7, "uint8")])
def test_full(lanes, value, dtype):
    for shape in ((1000,), (3, 4), ()):
        got, = lowered("full", [], [np.empty(shape, dtype)], shape=shape, value=value, dtype=dtype)
        np.testing.assert_array_equal(got, np.full(shape, value, dtype))


def test_rows_by_get_item(lanes):
    assert_same("get_item", [numbers((9, 20), "float32"), np.array([[3, -1], [0, 8]], "int32")], index=("array",))


def test_what_is_left_to_numpy():
    x, wide = np.zeros((3, 4), "float32"), np.zeros((3, 4), "complex128")
    assert LOWERINGS["transpose"]([wide], [wide.T], dict(axes=(1, 0))) is None
    assert LOWERINGS["get_item"]([x, np.zeros(2, "int32"), np.zeros(2, "int32")], [np.zeros(2, "float32")],
                                 dict(index=("array", "array"))) is None
    assert LOWERINGS["transpose"]([x[:0]], [x[:0].T], dict(axes=(1, 0))) is None
