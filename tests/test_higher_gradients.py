"""Gradients of gradients where the op table does not lead: through the maps that a pooling gradient is made of."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.functional import grad


def power_sum(x, **steps):
    return ops.sum(ops.max_pool(x, 2, **steps) ** 4)


def differences(function, x, step=1e-5):
    """The gradient of a scalar function by central differences."""
    found = np.zeros(x.shape)
    for i in np.ndindex(x.shape):
        ends = []
        for s in (step, -step):
            moved = x.copy()
            moved[i] += s
            ends.append(function(moved).item())
        found[i] = (ends[0] - ends[1]) / (2 * step)
    return found


@pytest.mark.parametrize("steps", [{}, {"strides": 1, "padding": "same"}])
def test_three_gradients_of_max_pooling(steps):
    x = np.random.default_rng(0).permutation(24).reshape(1, 4, 3, 2) * 0.1
    weights = np.cos(np.arange(24)).reshape(x.shape)
    functions = [lambda x: power_sum(x, **steps)]
    for _ in range(3):
        inner = functions[-1]
        functions.append(lambda x, inner=inner: ops.sum(grad(inner)(x) * weights))
    for function in functions[:3]:
        np.testing.assert_allclose(grad(function)(x), differences(function, x), rtol=1e-6, atol=1e-6)
