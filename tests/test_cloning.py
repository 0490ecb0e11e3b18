"""Copies: `clone_model`, `copy.deepcopy`, `pickle`."""

import copy
import pickle

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from tests.small_models import assert_same, fill, mlp, normal, two_inputs

DATA = [normal(3, 4), normal(3, 4, seed=3)]


def clone_with_weights(model, **kwargs):
    clone = keras.models.clone_model(model, **kwargs)
    clone.set_weights(model.get_weights())
    return clone


def test_a_clone_is_the_same_with_layers_of_its_own():
    model = two_inputs()
    nodes = [len(layer._inbound_nodes) for layer in model.layers]
    clone = clone_with_weights(model)
    assert not {id(o) for o in model.operations} & {id(o) for o in clone.operations}
    assert [o.name for o in clone.operations] == [o.name for o in model.operations] and clone.name == model.name
    assert [len(layer._inbound_nodes) for layer in model.layers] == nodes
    assert_same(model, clone, DATA)
    fill(clone, 7)
    assert not np.allclose(clone.get_weights()[0], model.get_weights()[0])


def test_functions_that_copy_and_call_layers():
    model = two_inputs()
    shared = keras.models.clone_model(model, clone_function=lambda layer: layer)
    assert shared.get_layer("shared") is model.get_layer("shared")
    assert_same(model, shared, DATA)

    def tanh(layer):
        config = layer.get_config()
        return type(layer).from_config({**config, "activation": "tanh"} if "activation" in config else config)

    assert clone_with_weights(model, clone_function=tanh).get_layer("out").activation is keras.activations.tanh

    def with_dropout(layer, *args, **kwargs):
        out = layer(*args, **kwargs)
        return layers.Dropout(0.5, name=f"drop_{layer.name}")(out) if layer.name == "out" else out

    dropped = keras.models.clone_model(model, clone_function=lambda layer: layer, call_function=with_dropout)
    assert "drop_out" in [layer.name for layer in dropped.layers]
    assert_same(model, dropped, DATA)


def test_inputs_may_be_given():
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    clone = clone_with_weights(two_inputs(), input_tensors=[a, b])
    assert clone.inputs[0] is a
    assert_same(two_inputs(), clone, DATA)
    assert keras.models.clone_model(mlp(), input_tensors=keras.Input((4,), name="new")).inputs[0].name == "new"


def test_nested_models_are_copied_by_the_same_functions_if_asked():
    i = keras.Input((4,))
    model = keras.Model(i, layers.Dense(2, name="top")(mlp("inner")(i)))
    seen = []

    def copy_of(layer):
        seen.append(layer.name)
        return type(layer).from_config(layer.get_config())

    for recursive, expected in ((False, ["inner", "top"]), (True, ["a", "b", "top"])):
        seen.clear()
        keras.models.clone_model(model, recursive=recursive, clone_function=copy_of)
        assert sorted(seen) == expected


def test_a_compiled_model_gives_a_compiled_clone():
    model = mlp()
    assert not keras.models.clone_model(model).compiled
    model.compile("sgd", "mse")
    clone = keras.models.clone_model(model)
    assert clone.compiled and clone.optimizer is not model.optimizer
    unbuilt = keras.Sequential([layers.Dense(2)])
    assert not keras.models.clone_model(unbuilt).built
    unbuilt.build((None, 3))
    assert keras.models.clone_model(unbuilt).input_shape == (None, 3)


class WithArguments(keras.Model):
    """Made of whatever a functional model is made of."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.tracker = keras.metrics.Mean(name="loss")


class OfItsOwn(keras.Model):
    """Made of numbers."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units, self.dense = units, layers.Dense(units)

    def call(self, x):
        return self.dense(x)


def test_classes_of_the_users():
    i = keras.Input((3,))
    model = WithArguments(i, layers.Dense(2)(i))
    assert type(keras.models.clone_model(model)) is type(model)
    own = OfItsOwn(3)
    own(normal(1, 2))
    assert keras.models.clone_model(own).units == 3
    with pytest.raises(ValueError, match="class of its own"):
        keras.models.clone_model(own, clone_function=lambda layer: layer)


@pytest.mark.parametrize(("kwargs", "words"), [
    ({"foo": 1}, "Unrecognized keyword"), ({"input_tensors": [keras.Input((4,))]}, "2 inputs"),
    ({"input_tensors": DATA}, "symbolic"),
])  # fmt: skip
def test_refuses(kwargs, words):
    with pytest.raises(ValueError, match=words):
        keras.models.clone_model(two_inputs(), **kwargs)
    with pytest.raises(ValueError, match="copies models"):
        keras.models.clone_model(layers.Dense(2))
    with pytest.raises(ValueError, match="functional"):
        keras.models.clone_model(mlp(), call_function=lambda layer, x: layer(x))


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])  # noqa: S301
def test_a_copy_trains_on_by_itself(duplicate):
    model, x, y = mlp(), normal(8, 4), normal(8, 2)
    model.compile(keras.optimizers.Adam(0.1), "mse", metrics=["mae"])
    model.fit(x, y, verbose=0)
    twin = duplicate(model)
    weights = model.get_weights()
    losses = [twin.fit(x, y, verbose=0, shuffle=False).history["loss"][0] for _ in range(2)]
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert losses == pytest.approx([model.fit(x, y, verbose=0, shuffle=False).history["loss"][0] for _ in range(2)])
    assert duplicate(OfItsOwn(2)).units == 2
    assert_same(two_inputs(), duplicate(two_inputs()), DATA)
