"""Gradients of gradients where the op table does not lead: through the maps that a pooling gradient is made of."""

import numpy as np
import pytest

import kerasish as keras
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


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gelu_is_the_same_at_once_and_compiled_to_its_second_derivative(dtype):
    x = np.linspace(-6, 6, 4001).astype(dtype)
    density = np.exp(-0.5 * x.astype("f8") ** 2) / np.sqrt(2 * np.pi)

    def slopes(x):
        with keras.GradientTape() as outer:
            outer.watch(x)
            with keras.GradientTape() as inner:
                inner.watch(x)
                y = ops.gelu(x, approximate=False)
            slope = inner.gradient(y, x)
        return y, slope, outer.gradient(slope, x)

    def slope_alone(x):
        with keras.GradientTape() as tape:
            tape.watch(x)
            y = ops.gelu(x, approximate=False)
        return tape.gradient(y, x)

    close = dict(rtol=0, atol=2e-6 if dtype == "float32" else 1e-12)
    tensor = ops.convert_to_tensor(x)
    y, slope, curve = slopes(tensor)
    compiled = keras.function(slopes)
    for _ in range(3):
        for ours, theirs in zip((y, slope, curve), compiled(tensor), strict=True):
            np.testing.assert_allclose(ours, theirs, **close)
    np.testing.assert_allclose(slope_alone(tensor), slope, **close)
    np.testing.assert_allclose(curve, density * (2 - x.astype("f8") ** 2), **close)
    np.testing.assert_allclose(np.diff(y) / np.diff(x), (slope[1:] + slope[:-1]) / 2, atol=1e-3)
