"""Every row of the op table on the GPU: values, first and second gradients; sums and extremes at indices."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.core.dtypes import numpy_dtype
from tests import device_checks as checks

pytestmark = pytest.mark.gpu
FORWARD = [(name, dtype) for name, case in checks.CASES.items() for dtype in checks.harness.dtypes_of(case)]


@pytest.mark.parametrize(("name", "dtype"), FORWARD)
def test_forward(gpu, name, dtype):
    checks.check_forward(gpu, name, dtype)


@pytest.mark.parametrize("name", checks.WITH_GRADIENT)
def test_gradient(gpu, name):
    checks.check_gradient(gpu, name, rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("name", [name for name in checks.WITH_GRADIENT if checks.CASES[name].second])
def test_second_gradient(gpu, name):
    checks.check_gradient(gpu, name, rtol=1e-7, atol=1e-7, kind=checks.harness.Slope)


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint32", "float16", "bfloat16", "float32", "float64",
                                   "complex64"])
def test_sums_at_indices(gpu, dtype):
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 7, (1000, 1))
    values = rng.integers(-3, 4, (1000, 5)).astype(numpy_dtype(dtype))  # whole numbers: any order gives one sum
    checks.assert_alike(gpu, lambda: ops.scatter(indices, values, (7, 5)), 0, 0)


@pytest.mark.parametrize("reduction", ["max", "min"])
@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint32", "float16", "bfloat16", "float32", "float64"])
def test_extremes_at_indices(gpu, dtype, reduction):
    rng = np.random.default_rng(1)
    values = (rng.normal(size=(500, 4)) * 50).astype(numpy_dtype(dtype))
    if "float" in dtype:
        values[::37, 1], values[5, 2], values[9, 3] = np.nan, np.inf, -np.inf
    indices, start = rng.integers(0, 40, (500, 1)), np.ones((40, 4), values.dtype)
    checks.assert_alike(gpu, lambda: ops.scatter_update(start, indices, values, reduction=reduction), 0, 0)


def test_large_shapes(gpu):
    """More elements than a kernel's grid holds at once, and shapes that fill several blocks."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=(64, 56, 56, 16)).astype("float32")
    w = rng.normal(size=(3, 3, 16, 32)).astype("float32") / 12
    for run in (lambda: ops.conv(x, w, padding="same"), lambda: ops.max_pool(x, 2), lambda: ops.softmax(x, axis=-1),
                lambda: ops.mean(x, axis=(0, 1, 2)), lambda: ops.cumsum(x[0], axis=0),
                lambda: ops.matmul(x[:8], w[0, 0]), lambda: ops.sort(x[:2].reshape(-1))):
        checks.assert_alike(gpu, run, 1e-5, 1e-5)
