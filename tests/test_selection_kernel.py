"""The kernel of `where` that selects bits gives what NumPy's own does."""

import numpy as np
import pytest

from kerasish.backend.device import current
from kerasish.backend.numpy.selection import SMALL, where

RNG = np.random.default_rng(0)
SHAPES = [((70, 80), (70, 80), (70, 80)), ((70, 80), (70, 80), ()), ((70, 80), (), (70, 80)), ((70, 1), (80,), (70, 1)),
          ((), (70, 80), (1, 80)), ((80,), (70, 80), ()), ((70, 80), (), ())]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float32", "float64", "int32", "uint32", "int64"])
@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("zero", [False, True])
def test_as_numpy(dtype, shapes, zero):
    condition = np.asarray(RNG.random(shapes[0]) < 0.5)
    x, y = (np.asarray(100 * RNG.normal(size=s)).astype(dtype) for s in shapes[1:])
    if zero:
        x, y = (v * v.dtype.type(0) if v.ndim == 0 else v for v in (x, y))
        x, y = np.asarray(x), np.asarray(y)
    for strided in (False, True):
        if strided:
            condition, x, y = (np.asfortranarray(v)[::-1] if v.ndim else v for v in (condition, x, y))
        out = where(condition, x, y)
        assert out.dtype == dtype
        np.testing.assert_array_equal(out, np.where(condition, x, y))


def test_special_values_pass_unchanged():
    x = np.resize(np.array([np.nan, np.inf, -np.inf, -0.0, 0.0, 1e-45], "float32"), 2 * SMALL)
    condition = np.arange(len(x)) % 5 < 2
    kernel = current().kernel("where")
    for y in (np.float32(0.0), np.float32(-0.0), x[::-1]):
        out = kernel(condition, x, np.asarray(y))
        assert out.tobytes() == np.where(condition, x, y).tobytes()
