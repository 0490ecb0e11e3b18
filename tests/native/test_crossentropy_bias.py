"""The cross-entropy adds the bias of the layer before it, unless somebody else reads the logits."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.codegen.drawing import prepare
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify


def loss_of(logits, target):
    return ops.mean(ops.sparse_categorical_crossentropy(target, logits, from_logits=True))


def step(use):
    """A function that gives the loss, what else is used of the logits, and all gradients."""

    def run(x, w, b, target):
        with GradientTape() as tape:
            tape.watch([x, w, b])
            out = use(ops.matmul(x, w) + b, target)
        return *out, *tape.gradient(out[0], [x, w, b])

    return run


def prepared(use, dtype="float32", lead=(3, 5), classes=37):
    """Hold the compiled function to the eager one; return the number of inputs of each cross-entropy."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal(s).astype(dtype) for s in ((*lead, 6), (6, classes), (classes,))]
    arguments = [ops.convert_to_tensor(a) for a in (*arrays, rng.integers(-1, classes + 1, lead).astype("int32"))]
    program = optimize(trace(step(use), tuple(arguments), {})[0])
    ready = prepare(program)
    verify(ready)
    for got, want in zip(machine_code(program)([a.data for a in arguments]), step(use)(*arguments), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    return [len(i.inputs) for i in ready.instructions if i.card.name.startswith("sparse_softmax")]


def test_bias_is_absorbed():
    assert prepared(lambda logits, target: [loss_of(logits, target)]) == [3, 5]
    assert prepared(lambda logits, target: [loss_of(logits, target)], lead=(4,), classes=1) == [3, 5]


def test_two_losses_of_the_same_logits():
    def use(logits, target):
        return [loss_of(logits, target) + ops.sum(ops.sparse_categorical_crossentropy(target[::-1], logits,
                                                                                      from_logits=True))]

    assert prepared(use) == [3, 3, 5, 5]


def test_logits_that_others_read():
    assert prepared(lambda logits, target: [loss_of(logits, target), logits]) == [2, 4]
    assert prepared(lambda logits, target: [loss_of(logits, target), ops.argmax(logits, axis=-1)]) == [2, 4]
    assert prepared(lambda logits, target: [loss_of(ops.relu(logits), target)]) == [2, 4]


def test_other_kinds_of_sums():
    assert prepared(lambda logits, target: [loss_of(logits, target)], dtype="float64") == [2, 4]
    assert prepared(lambda logits, target: [loss_of(logits + 1.0, target)]) == [2, 4]
