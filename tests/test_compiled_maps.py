"""`vectorized_map` in compiled functions: all slices at once."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from tests.test_compiled_control import W, compiled_is_eager, draw, names, with_gradients

V = draw(4, 3, seed=3)

# Functions of a matrix (4, 3), a vector (3,) and a number.
AT_ONCE = {
    "elementwise": lambda m, v, n: ops.tanh(m * v + n) / (1 + ops.exp(-v)),
    "ranks": lambda m, v, n: ops.where(m > n, m + V, n * ops.maximum(v, V)),
    "reductions": lambda m, v, n: (ops.sum(m), ops.mean(m, axis=0), ops.max(m, axis=-1, keepdims=True)),
    "shapes": lambda m, v, n: ops.reshape(ops.transpose(m), (2, 6)) + ops.broadcast_to(n, (2, 6)),
    "broadcast": lambda m, v, n: ops.broadcast_to(v, (4, 2, 3)),
    "joined": lambda m, v, n: ops.concatenate([m, V, ops.expand_dims(v, 0)], axis=0),
    "split": lambda m, v, n: ops.split(m, [1, 3], axis=0),
    "items": lambda m, v, n: (m[0], m[1:3, ::2], m[..., None, -1], v[1]),
    "padded": lambda m, v, n: ops.flip(ops.pad(m, ((1, 0), (0, 2))), axis=1),
    "softmax": lambda m, v, n: ops.softmax(m, axis=0) * ops.cumsum(v),
    "matrix and slice": lambda m, v, n: (ops.matmul(V, v), ops.matmul(ops.transpose(V), m[:, 0])),
    "slice and matrix": lambda m, v, n: (ops.matmul(m, ops.transpose(V)), ops.matmul(v, W)),
    "slices": lambda m, v, n: (ops.matmul(m, v), ops.matmul(ops.transpose(m), m), ops.einsum("ij,kj->ki", m, m)),
    "same for all": lambda m, v, n: (ops.sum(V), m),
    "untouched": lambda m, v, n: (v, v),
    "branch-free norm": lambda m, v, n: m / ops.sqrt(ops.sum(ops.square(m), axis=-1, keepdims=True) + 1e-3),
}
# Those that keep a loop, for the part that cannot be done at once.
IN_PART = {
    "sorted": lambda m, v, n: ops.top_k(m * n, 2)[0] + 1,
    "condition": lambda m, v, n: ops.cond(n > 0, lambda: ops.sin(m), lambda: v + m * 0),
    "inner loop": lambda m, v, n: ops.scan(lambda c, row: (ops.tanh(c + row) * n, c), v, m)[0],
}


def mapped(f):
    return lambda m, v, n: ops.vectorized_map(lambda x: f(*x), (m, v, n))


@pytest.mark.parametrize("name", AT_ONCE)
def test_all_slices_at_once(name):
    arguments = draw(6, 4, 3), draw(6, 3, seed=1), draw(6, seed=2)
    assert "scan" not in names(compiled_is_eager(mapped(AT_ONCE[name]), *arguments))
    assert "scan" not in names(compiled_is_eager(with_gradients(mapped(AT_ONCE[name]), [W]), *arguments))


@pytest.mark.parametrize("name", IN_PART)
def test_in_part(name):
    arguments = draw(6, 4, 3), draw(6, 3, seed=1), draw(6, seed=2)
    assert names(compiled_is_eager(mapped(IN_PART[name]), *arguments)).count("scan") == 1
    compiled_is_eager(with_gradients(mapped(IN_PART[name]), [W]), *arguments)


def test_gradients_of_single_samples():
    def f(xs, ys):
        def one(sample):
            x, y = sample
            with GradientTape() as tape:
                tape.watch(W.value)
                w = W.value
                tape.watch(w)
                loss = ops.sum(ops.square(ops.tanh(ops.matmul(x, w)) - y))
            return tape.gradient(loss, w)

        return ops.vectorized_map(one, (xs, ys))

    program = compiled_is_eager(f, draw(5, 3), draw(5, 3, seed=1))
    assert "scan" not in names(program)


def test_random_draws_of_slices_differ_as_eagerly():
    def draws(wrap):
        generator = keras.random.SeedGenerator(5)
        f = wrap(lambda x: ops.vectorized_map(lambda v: v + keras.random.normal((2,), seed=generator), x))
        return np.stack([np.asarray(f(to_tensor(np.zeros((4, 2), "float32")))) for _ in range(4)])

    np.testing.assert_array_equal(draws(lambda f: f), draws(keras.function))


def test_map_goes_one_by_one():
    program = compiled_is_eager(lambda xs: ops.map(lambda x: ops.sin(x) + 1, xs), draw(5, 3))
    assert names(program) == ["scan"]
