"""Ops that run at once: what is written over, what must not be, and what is let go of early."""

import weakref

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from kerasish.core.dispatch import to_tensor
from kerasish.ops.elementwise import add_to_own, over


def draw(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
@pytest.mark.parametrize("own", [0, 1])
def test_an_op_is_written_over_the_array_that_is_given_up(name, own):
    x, y = draw(4, 3), draw(4, 3, seed=1)
    tensors = [to_tensor(x.copy()), to_tensor(y.copy())]
    other = tensors[1 - own].data.copy()
    out = over(name, *tensors, own=own)
    np.testing.assert_array_equal(out, getattr(np, name)(x, y))
    assert out.data is tensors[own].data
    np.testing.assert_array_equal(tensors[1 - own], other)


@pytest.mark.parametrize("x, y", [
    (draw(3), draw(4, 3)), (draw(4, 1), draw(4, 3)), (draw(4, 3), draw(4, 3).astype("float64")),
    (np.broadcast_to(draw(3), (4, 3)), draw(4, 3)), (np.arange(3), 0.5),
])  # fmt: skip
def test_an_array_that_does_not_fit_the_result_is_left_alone(x, y):
    before = x.copy()
    out = over("add", to_tensor(x), y)
    np.testing.assert_allclose(out, before + np.asarray(y), rtol=1e-6)
    np.testing.assert_array_equal(x, before)


def test_nothing_is_written_over_while_a_tape_records():
    x = keras.Variable(draw(5))
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = ops.sum(ops.erf(x) * 2.0)
        (slope,) = inner.gradient(y, [x])
        (curve,) = outer.gradient(ops.sum(slope), [x])
    v = x.numpy().astype("float64")
    bell = 4 / np.sqrt(np.pi) * np.exp(-v * v)
    np.testing.assert_allclose(slope, bell, rtol=1e-5)
    np.testing.assert_allclose(curve, -2 * v * bell, rtol=1e-5)


def test_a_bias_and_relu_change_no_array_of_anybody_else():
    layer = layers.Dense(3, activation="relu", bias_initializer="ones")
    x = draw(4, 5)
    layer.build(x.shape)
    before = x.copy(), layer.kernel.numpy(), layer.bias.numpy()
    first = layer(x)
    kept = first.numpy()
    second = layer(2 * x)
    assert not np.may_share_memory(first.data, second.data)
    np.testing.assert_allclose(kept, np.maximum(before[0] @ before[1] + 1, 0), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(first, kept)
    for now, then in zip((x, layer.kernel, layer.bias), before, strict=True):
        np.testing.assert_array_equal(now, then)
    assert type(add_to_own(keras.Input((3,)), layer.bias)) is keras.KerasTensor


class Watch(layers.Layer):
    """Passes a copy on and remembers it weakly, and how many of those before it were alive when it was called."""

    made: list = []

    def call(self, x):
        self.alive = sum(ref() is not None for ref in Watch.made)
        out = x * 1.0
        if out.is_concrete:
            Watch.made.append(weakref.ref(out.data))
        return out


def test_a_graph_lets_go_of_what_no_later_layer_asks_for():
    watches = [Watch() for _ in range(6)]
    i = x = keras.Input((3,))
    for n, watch in enumerate(watches):
        x = watch(x)
        if n == 1:
            skipped = x
    model = keras.Model(i, layers.Add()([x, skipped]))
    Watch.made = []
    out = model(draw(2, 3))
    assert [w.alive for w in watches] == [0, 1, 1, 2, 2, 2]  # the input of each, and what goes round
    np.testing.assert_array_equal(out, 2 * draw(2, 3))


def test_a_tape_lets_go_of_what_an_op_kept_once_its_gradient_is_known():
    refs, alive = [], []

    @keras.ops.custom_gradient
    def probe(x):
        def grad(g, upstream=None):
            alive.append(sum(ref() is not None for ref in refs))
            return g if upstream is None else upstream

        return x * 1.0, grad

    x = keras.Variable(draw(3))
    with keras.GradientTape() as tape:
        y = probe(x)
        for _ in range(4):
            y = ops.exp(y)
            refs.append(weakref.ref(y.data))
        y = ops.sum(y)
    tape.gradient(y, [x])
    assert len(alive) == 1 and alive[0] <= 1


def test_zeros_keep_their_sign():
    assert not np.signbit(ops.full((3,), 0.0)).any() and np.signbit(ops.full((3,), -0.0)).all()
