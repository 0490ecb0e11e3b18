"""Random draws on the GPU: the CPU's bits; where a logarithm or sine is taken, the CPU's values to rounding."""

import numpy as np
import pytest

from kerasish.backend.common import philox
from tests import device_checks as checks

pytestmark = pytest.mark.gpu
# An element near the border may be accepted on one device and not on the other: it then differs altogether.
BY_REJECTION = ("gamma", "beta", "binomial", "categorical")


@pytest.mark.parametrize(("seed", "start", "count", "stream"), [
    ((1, 2), 0, 1, 0), ((1, 2), 0, 4_000_003, 0), ((2**32 - 1, 2**31), 4 * (2**32 - 3), 64, 7), ((0, 0), 400, 0, 0),
])
def test_words(gpu, seed, start, count, stream):
    seed = np.array(seed, "uint32")
    here = philox.random_words(np, seed, start=start, count=count, stream=stream)
    with gpu() as device:
        there = device.kernel("random_words")(device.asarray(seed), start=start, count=count, stream=stream)
        common = philox.random_words(device.xp, device.asarray(seed), start=start, count=count, stream=stream)
        np.testing.assert_array_equal(device.to_numpy(there), here)
        np.testing.assert_array_equal(device.to_numpy(common), here)


@pytest.mark.parametrize("name", checks.EXACT_DRAWS)
def test_equal_bits(gpu, name):
    checks.assert_alike(gpu, checks.DRAWS[name], 0, 0)


@pytest.mark.parametrize("name", [n for n in checks.DRAWS if n not in (*checks.EXACT_DRAWS, *BY_REJECTION)])
def test_equal_values(gpu, name):
    checks.assert_alike(gpu, checks.DRAWS[name], 1e-5, 1e-6)


@pytest.mark.parametrize("name", BY_REJECTION)
def test_nearly_all_values_are_equal(gpu, name):
    for here, there in zip(*checks.on_both(gpu, checks.DRAWS[name]), strict=True):
        assert np.mean(~np.isclose(there, here, rtol=1e-4, atol=1e-5)) < 0.01
