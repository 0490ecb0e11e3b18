"""`keras.remat`: the same values and gradients, with the inputs alone kept for the latter."""

import tracemalloc

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops

X = np.random.default_rng(3).normal(size=(4, 5)).astype("float32")


def gradients(function, sources, *args):
    """The gradient of the sum of squares of a function's floating results, and the tape."""
    with keras.GradientTape(persistent=True) as tape:
        tape.watch([s for s in sources if isinstance(s, keras.Tensor)])
        out = [o for o in keras.tree.flatten(function(*args)) if keras.backend.is_float_dtype(o.dtype)]
        loss = sum(ops.sum(ops.square(o)) for o in out)
    return [np.asarray(g) for g in tape.gradient(loss, sources)], tape


def block(x, y):
    return ops.tanh(x * y) + ops.exp(-ops.square(x)), ops.argmax(x), {"more": ops.sin(y)}


def test_gradients_and_entries():
    x, y = ops.convert_to_tensor(X), ops.convert_to_tensor(X + 1)
    plain, long = gradients(block, [x, y], x, y)
    again, short = gradients(keras.remat(block), [x, y], x, y)
    np.testing.assert_allclose(again[0], plain[0], rtol=1e-6)
    np.testing.assert_allclose(again[1], plain[1], rtol=1e-6)
    assert len(long._entries) - len(short._entries) == 6
    first = short._entries[0]
    assert (first.card.name, first.kept) == ("remat", {})


def test_memory():
    x = ops.ones((1 << 18,))  # 1 MiB

    def deep(x):
        for _ in range(8):
            x = ops.tanh(x)
        return x

    def held(function):
        with keras.GradientTape() as tape:
            tape.watch(x)
            tracemalloc.start()
            out = function(function(x))
            size = tracemalloc.get_traced_memory()[0]
            tracemalloc.stop()
        return size / 2**20, np.asarray(tape.gradient(out, x))

    (much, plain), (little, again) = held(deep), held(keras.remat(deep))
    assert much > 15.5 and little < 3.5
    np.testing.assert_array_equal(plain, again)


def test_layers_variables_and_closures():
    dense, scale = layers.Dense(3, activation="gelu"), ops.convert_to_tensor(2.0)
    x = ops.convert_to_tensor(X)
    dense(x)
    function = lambda x: dense(x) * scale + dense(x)
    sources = [x, scale, *dense.trainable_variables]
    plain, again = gradients(function, sources, x)[0], gradients(keras.remat(function), sources, x)[0]
    for a, b in zip(plain, again, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    bare = gradients(keras.remat(dense), dense.trainable_variables, x)[0]
    np.testing.assert_allclose(bare[0], gradients(dense, dense.trainable_variables, x)[0][0], rtol=1e-5)


def test_the_same_random_numbers_and_variables():
    drop = layers.Dropout(0.5, seed=7)
    count = keras.Variable(0.0, trainable=False)
    x = ops.convert_to_tensor(X)

    def function(x):
        out = drop(x, training=True) * (count + 1.0)
        count.assign_add(1.0)
        return out * count

    with keras.GradientTape() as tape:
        tape.watch(x)
        out = keras.remat(function)(x)
        count.assign(10.0)
    np.testing.assert_allclose(tape.gradient(out, x), np.asarray(out) / X, rtol=1e-6)
    assert float(count) == 10.0
    assert np.array(drop.seed_generator.state).tolist() == [7, 1]


def test_a_variable_changed_before_it_is_read():
    count = keras.Variable(0.0, trainable=False, name="count")

    def function(x):
        count.assign_add(1.0)
        return x * count

    with keras.GradientTape(), pytest.raises(ValueError, match="adds to variable 'count' before it reads it"):
        keras.remat(function)(ops.ones(3))


def test_inside_a_layer_that_trains():
    class Outer(keras.Layer):
        def __init__(self, wrap):
            super().__init__()
            self.drop = layers.Dropout(0.5, seed=3)
            self.inner = wrap(lambda x: self.drop(ops.exp(x)))

        def call(self, x):
            return self.inner(x)

    x = ops.convert_to_tensor(X)
    plain = gradients(Outer(lambda f: f), [x], x), gradients(lambda x: Outer(lambda f: f)(x, training=True), [x], x)
    again = gradients(Outer(keras.remat), [x], x), gradients(lambda x: Outer(keras.remat)(x, training=True), [x], x)
    for (a, _), (b, _) in zip(plain, again, strict=True):
        np.testing.assert_allclose(a[0], b[0], rtol=1e-6)
    assert 0 < np.count_nonzero(again[1][0][0] == 0) < X.size


def test_second_derivatives():
    function = lambda x: ops.sum(ops.exp(x) * x)
    slope = lambda f: lambda x: ops.sum(ops.square(keras.grad(f)(x)))
    plain = keras.grad(slope(function))(X)
    np.testing.assert_allclose(keras.grad(slope(keras.remat(function)))(X), plain, rtol=1e-5)


def test_results_that_are_inputs():
    x = ops.convert_to_tensor(X)
    (g,), _ = gradients(keras.remat(lambda x: (x, ops.square(x))), [x], x)
    np.testing.assert_allclose(g, 2 * X + 4 * X**3, rtol=1e-5)


def test_without_a_tape_nothing_is_added():
    with pytest.raises(ZeroDivisionError):
        keras.remat(lambda: 1 / 0)()
    assert keras.remat(len)([1, 2]) == 2
    assert keras.remat(layers.Dense(2))(keras.Input((3,))).shape == (None, 2)


@pytest.mark.parametrize(("mode", "entries"), [
    ({"mode": "full"}, 1),
    ({"mode": "activations"}, 3),
    ({"mode": "larger_than", "output_size_threshold": 11}, 1),
    ({"mode": "larger_than", "output_size_threshold": 12}, 3),
    ({"mode": "list_of_layers", "layer_names": ["chosen"]}, 1),
    ({"mode": "list_of_layers", "layer_names": ["other"]}, 3),
    ({"mode": None}, 3),
])
def test_layers_made_in_a_scope(mode, entries):
    def made(again):
        with keras.RematScope(**(mode if again else {"mode": None})):
            return layers.Dense(3, activation="tanh", kernel_initializer="ones", name="chosen")

    plain, again = made(False), made(True)
    (want, _), (got, tape) = ([gradients(layer, [layer(X) is not None and layer.kernel], X)[i] for i in (0, 1)]
                              for layer in (plain, again))
    np.testing.assert_allclose(got[0], want[0], rtol=1e-6)
    names = [entry.card.name for entry in tape._entries]
    assert len(names) == entries + len(names[names.index("square"):])
    assert ("remat" in names) == (entries == 1 or mode["mode"] == "activations")


def test_a_scope_of_no_mode_is_refused():
    with pytest.raises(ValueError, match="mode"):
        keras.RematScope("most")
