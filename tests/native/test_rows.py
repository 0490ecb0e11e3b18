"""Rows added to a table of zeros: bit for bit what the array kernel gives, in the order of the indices."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import rows  # noqa: F401  fills the table
from tests.native.trials import assert_same

# length of the table, shape of a row, shape of the indices
SIZES = [(7, (3,), (5,)), (40, (129,), (3, 9)),
         (900, (33,), (2000,)), (30_000, (), (400,)), (5, (2, 3), ()), (4, (3,), (0,))]


@pytest.mark.parametrize("dtype, index", [("float32", "int32"), ("float64", "int64")])
def test_same_bits(lanes, dtype, index):
    rng = np.random.default_rng(0)
    for length, row, shape in SIZES:
        indices = rng.integers(-length, length, shape).astype(index)
        values = rng.standard_normal((*shape, *row)).astype(dtype)
        assert_same("scatter_item", [values, indices], shape=(length, *row), index=("array",))


def test_what_is_left_to_numpy():
    values, indices = np.zeros((2, 3), "float32"), np.zeros(2, "int32")
    out = [np.zeros((5, 3), "float32")]
    for index in ((("array",) * 2), (-1,)):
        assert LOWERINGS["scatter_item"]([values, indices], out, dict(shape=(5, 3), index=index)) is None
    halves = [values.astype("float16"), indices], [out[0].astype("float16")]
    assert LOWERINGS["scatter_item"](*halves, dict(shape=(5, 3), index=("array",))) is None
