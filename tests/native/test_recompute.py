"""What is computed again instead of kept: only what the reader can, and what is cheaper than to keep."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import kerasish as keras
from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.codegen.drawing import prepare
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify

SHAPE = (256, 128)


def tensors(*shapes):
    rng = np.random.default_rng(0)
    return [ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in shapes]


def weights(n):
    return ops.convert_to_tensor(np.random.default_rng(1).normal(size=(n, n)).astype("float32") / n)


def kernels(f, *args):
    """The fused instructions of a function, which is held to eager: names of what each does, how many results."""
    program = optimize(trace(f, args, {})[0])
    ready = prepare(program)
    verify(ready)
    for got, want in zip(machine_code(program)([x.data for x in args]), f(*args), strict=True):
        want = np.asarray(want)
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-5 * max(1e-6, np.abs(want).max()))
    return [([b.card.name for b in i.card.body], len(i.outputs))
            for i in ready.instructions if i.card.name == "fused"]


def gradient_of(activation, w, *more):
    """A function with a product before the activation, one behind it, and the gradient of the first."""
    def f(x, b):
        with GradientTape() as tape:
            tape.watch(b)
            h = activation(ops.matmul(x, w) + b, *more)
            loss = ops.sum(ops.square(ops.matmul(h, w)))
        return [loss, tape.gradient(loss, b)]

    return f


@pytest.mark.parametrize("name, costly", [("gelu", ["erf", "exp"]), ("silu", ["sigmoid"])])
def test_gradients_of_activations_keep_only_what_comes_in_and_out(name, costly):
    w = weights(128)
    first, *_, last = kernels(gradient_of(getattr(keras.activations, name), w), *tensors(SHAPE, (128,)))
    assert first[1] == 2 and all(op in last[0] for op in costly)


def test_what_would_need_another_large_value_is_kept():
    """The gradient of softplus reads the sigmoid alone: to compute it, it would have to read what came in."""
    w = weights(128)
    *_, last = kernels(gradient_of(keras.activations.softplus, w), *tensors(SHAPE, (128,)))
    assert last[0] == ["multiply", "sum"]


def test_what_is_dear_is_kept():
    """Five exponentials cost more than to write and read them once."""
    w = weights(128)

    def f(x):
        h = ops.matmul(x, w)
        y = h
        for n in range(5):
            y = ops.exp(ops.tanh(y) * (n + 0.5))
        return [ops.matmul(y, w), ops.matmul(ops.relu(h), w) * y]

    found = kernels(f, *tensors(SHAPE))
    assert sum(names.count("exp") for names, _ in found) == 5


def test_small_values_are_kept():
    w = weights(8)
    found = kernels(gradient_of(keras.activations.gelu, w), *tensors((16, 8), (8,)))
    assert sum(names.count("erf") for names, _ in found) == 1


def test_what_somebody_else_reads_is_kept():
    w = weights(128)

    def f(x):
        h = ops.matmul(x, w)
        y = ops.exp(h) + 1.0
        return [ops.matmul(y, w) * y, ops.matmul(h * 2.0, w) + h]  # the product reads y

    found = kernels(f, *tensors(SHAPE))
    assert sum(names.count("exp") for names, _ in found) == 1


def test_one_recomputed_value_follows_from_another():
    w = weights(128)

    def f(x):
        h = ops.matmul(x, w)
        a = ops.abs(h) + 1.0
        b = ops.square(a) - a
        late = ops.matmul(ops.relu(b) + h, w)  # reads neither a nor b
        return [late * a + b * h + a * b]

    (first, count), (last, _) = kernels(f, *tensors(SHAPE))
    assert count == 3 and "square" in first and "square" in last  # b follows from a, which is kept, with b * h


def test_updates_of_variables_still_read_what_was():
    w, bias = weights(128), tensors((128,))[0]
    weight = keras.Variable(w)

    def step(x):
        with GradientTape() as tape:
            h = keras.activations.gelu(ops.matmul(x, weight) + bias)
            loss = ops.mean(ops.square(ops.matmul(h, weight)))
        weight.assign(weight - 0.1 * tape.gradient(loss, weight))
        return loss

    (x,) = tensors(SHAPE)
    program = optimize(trace(step, (x,), {})[0])
    run = machine_code(program)
    got = [float(run([x.data])[0]) for _ in range(4)]
    weight.assign(w)
    np.testing.assert_allclose(got, [float(step(x)) for _ in range(4)], rtol=1e-5)
