"""Checks of indices and labels as machine code: wrong ones raise before anything has changed."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import kerasish as keras
from kerasish import ops
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.machine.machine import CheckStep
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace
from kerasish.ops.checks import check_range


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "uint8", "uint32"])
def test_wrong_numbers_are_found(dtype):
    good = np.array([[0, 3], [9, 4], [1, 2]], dtype)
    program = trace(lambda x: check_range(x, 10, "found {value}", ignore=77) + 1, (ops.convert_to_tensor(good),), {})[0]
    run = machine_code(optimize(program))
    assert [type(s) for s in run.machine.steps][0] is CheckStep
    np.testing.assert_array_equal(run([good])[0], good + 1)
    for wrong in (10, 100, *([] if dtype[0] == "u" else [-1, -100])):
        bad = good.copy()
        bad[2, 1] = wrong
        with pytest.raises(ValueError, match=f"found {wrong}"):
            run([bad])
        np.testing.assert_array_equal(run([good])[0], good + 1)
    ignored = good.copy()
    ignored[0, 0] = 77
    np.testing.assert_array_equal(run([ignored])[0], ignored + 1)


def test_a_failing_step_changes_nothing(monkeypatch):
    monkeypatch.setenv("KERASISH_JIT", "always")
    model = keras.Sequential([keras.Input((5,), dtype="int32"), keras.layers.Embedding(7, 4), keras.layers.Flatten(),
                              keras.layers.Dense(3)])
    model.compile("adam", "mse")
    x, y = np.arange(30).reshape(6, 5) % 7, np.ones((6, 3), "float32")
    for _ in range(3):
        model.train_on_batch(x, y)
    before = [np.array(v) for v in model.variables + model.optimizer.variables]
    x[3, 2] = 7
    with pytest.raises(ValueError, match="7"):
        model.train_on_batch(x, y)
    for now, then in zip(model.variables + model.optimizer.variables, before, strict=True):
        np.testing.assert_array_equal(now, then)
