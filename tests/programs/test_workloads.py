"""The six programs of the benchmarks, in small: fifty steps run compiled as they run eagerly, step by step."""

import numpy as np
import pytest

import kerasish as keras
from benchmarks.workloads import SMALL, WORKLOADS
from tests.compiled_modes import assert_compiled, compiled_mode  # noqa: F401  (a fixture)

STEPS = 50


def losses_of(name, **how):
    """The loss of each step, the model's answers at the end, and the model."""
    keras.utils.set_random_seed(11)
    model, x, y, size = WORKLOADS[name](keras, **SMALL[name])
    model.run_eagerly = bool(how.get("run_eagerly"))
    batches = [slice(n * size, (n + 1) * size) for n in range(STEPS)]
    losses = [model.train_on_batch(x[b], y[b], return_dict=True)["loss"] for b in batches]
    return losses, [model.predict_on_batch(x[:size]) for _ in range(3)][-1], model


@pytest.fixture(scope="module")
def eager():
    return {name: losses_of(name, run_eagerly=True)[:2] for name in WORKLOADS}


@pytest.mark.parametrize("name", WORKLOADS)
def test_fifty_steps(name, eager, compiled_mode):  # noqa: F811
    losses, answers, model = losses_of(name)
    assert_compiled(model.train_function)
    assert len(set(losses)) > STEPS // 2  # it learns
    np.testing.assert_allclose(losses, eager[name][0], rtol=1e-5)
    np.testing.assert_allclose(answers, eager[name][1], rtol=1e-4, atol=1e-4)
