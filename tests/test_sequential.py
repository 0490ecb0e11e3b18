"""Stacks of layers: when they are built, how they grow and shrink, what they refuse."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from tests.small_models import fill, mlp, normal, run


def test_is_built_by_the_first_data():
    model = keras.Sequential([layers.Dense(3, activation="relu"), layers.Dense(2)])
    assert not model.built and model.weights == [] and model.input_spec is None
    with pytest.raises(ValueError, match="not built"):
        model.count_params()
    with pytest.raises(AttributeError, match="not built"):
        _ = model.input_shape
    assert model(normal(5, 4)).shape == (5, 2)
    assert model.built and model.count_params() == 4 * 3 + 3 + 3 * 2 + 2
    assert model(normal(7, 4)).shape == (7, 2)
    with pytest.raises(ValueError, match="incompatible"):
        model(normal(5, 3))


@pytest.mark.parametrize("first", [
    lambda: [keras.Input((4,)), layers.Dense(3)], lambda: [layers.InputLayer(shape=(4,)), layers.Dense(3)],
    lambda: [layers.Dense(3, input_shape=(4,))], lambda: [layers.Dense(3, input_dim=4)],
    lambda: [mlp(), layers.Dense(3)], lambda: [keras.Input(batch_shape=(None, 4)), layers.Dense(3)],
])  # fmt: skip
def test_an_input_shape_builds_at_once(first):
    model = keras.Sequential(first())
    assert model.built and model.input_shape == (None, 4) and model.output_shape == (None, 3)


def test_grows_and_shrinks():
    model = mlp()
    out = run(model, normal(3, 4))
    model.add(layers.ReLU(name="r"))
    np.testing.assert_allclose(run(model, normal(3, 4))[0], np.maximum(out[0], 0))
    assert model.pop().name == "r" and [layer.name for layer in model.layers] == ["a", "b"]
    np.testing.assert_array_equal(run(model, normal(3, 4))[0], out[0])
    model.pop()
    assert model.output_shape == (None, 3) and len(model.weights) == 2


@pytest.mark.parametrize(("make", "error", "words"), [
    (lambda: keras.Sequential([3]), ValueError, "Only instances of keras.Layer"),
    (lambda: keras.Sequential([lambda x: x]), ValueError, "Lambda"),
    (lambda: keras.Sequential([layers.Dense]), ValueError, "Only instances of keras.Layer"),
    (lambda: keras.Sequential([layers.Dense(2)(keras.Input((3,)))]), ValueError, "Only instances of keras.Layer"),
    (lambda: keras.Sequential([keras.Input((3,)), keras.Input((3,))]), ValueError, "input"),
    (lambda: keras.Sequential([layers.Dense(2), keras.Input((3,))]), ValueError, "input"),
    (lambda: keras.Sequential([layers.Dense(2, name="d"), layers.Dense(2, name="d")]), ValueError, "unique"),
    (lambda: keras.Sequential([]).pop(), IndexError, "no layers"),
    (lambda: keras.Sequential([]).build((None, 3)), ValueError, "no layers"),
    (lambda: mlp().get_layer("nope"), ValueError, "No such layer: 'nope'"),
    (lambda: mlp().get_layer(index=9), ValueError, "2 layers"),
    (lambda: mlp().get_layer(), ValueError, "name or an index"),
    (lambda: setattr(mlp(), "layers", []), AttributeError, "another name"),
])  # fmt: skip
def test_refuses(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_outputs_of_its_layers_make_a_model():
    model = mlp()
    features = keras.Model(model.inputs, [layer.output for layer in model.layers])
    first, last = run(features, normal(2, 4))
    assert first.shape == (2, 3) and first.min() >= 0
    np.testing.assert_array_equal(last, run(model, normal(2, 4))[0])


def test_layers_may_take_dicts_and_lists():
    class Sum(layers.Layer):
        def call(self, x):
            return x["a"] + x["b"]

    model = keras.Sequential([Sum(), layers.Dense(2)])
    assert model({"a": normal(2, 3), "b": normal(2, 3)}).shape == (2, 2) and len(model.weights) == 2
    assert keras.Sequential([layers.Concatenate(), layers.Dense(2)])([normal(2, 3), normal(2, 1)]).shape == (2, 2)


def test_masks_and_training_reach_the_layers():
    seen = []

    class Look(layers.Layer):
        supports_masking = True

        def call(self, x, mask=None, training=None):
            seen.append((mask is not None, training))
            return x

    x = normal(1, 2, 3)
    x[:, 1] = 0
    model = keras.Sequential([layers.Masking(), Look()])
    model(x, training=True)
    assert seen[-1] == (True, True)


def test_freezing_a_model_freezes_its_layers_and_a_frozen_layer_stays_so():
    model = mlp()
    model.trainable = False
    assert model.trainable_weights == [] and not model.layers[0].trainable
    model.trainable = True
    model.layers[0].trainable = False
    copy = keras.Sequential.from_config(model.get_config())
    assert [w.path for w in copy.trainable_weights] == ["b/kernel", "b/bias"]
    assert keras.Sequential([keras.Input((3,)), layers.Dense(2)], trainable=False).trainable_weights == []


def test_further_layers_may_be_attached():
    model = mlp()
    model.head = layers.Dense(1)
    assert [layer.name for layer in model.layers] == ["a", "b"]
    assert fill(model).head(normal(1, 2)).shape == (1, 1)


def test_stays_built_when_it_shrinks_after_its_first_data():
    model = keras.Sequential([layers.Dense(4), layers.Dense(5)])
    model(np.zeros((3, 2), "float32"))
    model.pop()
    assert model.built and model.output_shape == (3, 4) and len(model.weights) == 2
    model.add(layers.Dense(6))
    assert model.built and model(np.zeros((3, 2), "float32")).shape == (3, 6)


def test_a_layer_of_two_inputs_and_set_layers_are_refused():
    class Scaled(layers.Layer):
        def call(self, x, factor):
            return x * factor

    with pytest.raises(ValueError, match=r"can only have a single required argument.*\['x', 'factor'\]"):
        keras.Sequential([keras.Input((2,)), Scaled()])
    with pytest.raises(AttributeError, match=r"Use `add\(\)` and `pop\(\)`"):
        keras.Sequential().layers = []


def test_takes_other_lengths_than_those_of_its_first_data():
    model = keras.Sequential([layers.Reshape((-1, 4)), layers.Dense(3)])
    assert model(normal(2, 4, 2)).shape == (2, 2, 3)
    assert model(normal(2, 6, 2)).shape == (2, 3, 3)
