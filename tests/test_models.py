"""Models that users write as classes: building, what they hold, their state, copies of layers."""

import copy
import pickle

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.small_models import fill, mlp, normal, run


class OneInput(keras.Model):
    def __init__(self):
        super().__init__()
        self.first, self.rest = layers.Dense(2, name="first"), [layers.Dense(3, name="second")]

    def call(self, x):
        return self.rest[0](self.first(x))


class TwoInputs(OneInput):
    def call(self, a, b):
        return self.first(a) + self.rest[0](b)[:, :2]


class OfDict(OneInput):
    def call(self, x):
        return {"sum": self.first(x["a"]) + self.rest[0](x["b"])[:, :2]}


class OfList(OneInput):
    def call(self, x):
        a, b = x
        return self.first(a) + self.rest[0](b)[:, :2]


@pytest.mark.parametrize(("cls", "data", "shapes"), [
    (OneInput, (normal(2, 4),), (None, 4)), (TwoInputs, (normal(2, 4), normal(2, 5)), None),
    (OfDict, ({"a": normal(2, 4), "b": normal(2, 5)},), {"a": (None, 4), "b": (None, 5)}),
    (OfList, ([normal(2, 4), normal(2, 5)],), [(None, 4), (None, 5)]),
])  # fmt: skip
def test_built_by_data_by_shapes_and_from_a_file(cls, data, shapes, tmp_path):
    model = cls()
    assert not model.built and model.weights == []
    out = model(*data)
    assert model.built and [layer.name for layer in model.layers] == ["first", "second"]
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras", custom_objects={cls.__name__: cls})
    for a, b in zip(keras.tree.flatten(out), keras.tree.flatten(loaded(*data)), strict=True):
        np.testing.assert_allclose(np.asarray(a), np.asarray(b), atol=1e-6)
    if shapes is not None:
        built = cls()
        built.build(shapes)
        assert [w.shape for w in built.weights] == [w.shape for w in model.weights]


def test_paths_name_the_layers_around():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(2, name="dense")

        def call(self, x):
            return self.dense(x)

    block = Block(name="block")
    block.build((None, 3))
    assert [w.path for w in block.weights] == ["block/dense/kernel", "block/dense/bias"]
    model = keras.Sequential([Block(name="one"), Block(name="two")], name="s")
    model(normal(1, 3))
    assert [w.path for w in model.weights][::2] == ["s/one/dense/kernel", "s/two/dense/kernel"]


def test_a_functional_model_in_a_constructor():
    class Own(keras.Model):
        def __init__(self, units):
            i = keras.Input((units,))
            super().__init__(i, layers.Dense(1, name="out")(i))
            self.units, self.extra = units, layers.Dense(2)

        def call(self, x):
            return super().call(x) * 2

        def get_config(self):
            return {"units": self.units}

    model = fill(Own(3))
    plain = keras.Model(model.input, model.output)
    np.testing.assert_allclose(run(model, normal(2, 3))[0], 2 * run(plain, normal(2, 3))[0], atol=1e-6)
    assert [layer.name for layer in model.layers][1:] == ["out"] and Own.from_config(model.get_config()).units == 3
    assert model.extra(normal(1, 4)).shape == (1, 2)


def test_a_class_made_like_a_functional_model_comes_back_as_itself():
    class Like(keras.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.seen = keras.metrics.Mean()

    i = keras.Input((3,))
    model = Like(i, layers.Dense(2)(i), name="like")
    copied = Like.from_config(model.get_config())
    assert type(copied) is type(model) and copied.count_params() == 8


@pytest.mark.parametrize(("call", "error", "words"), [
    (lambda: keras.Model()(normal(2, 2)), NotImplementedError, "call"),
    (lambda: OneInput().get_layer("no"), ValueError, "No such layer: 'no'"),
    (lambda: OneInput().set_weights([1]), ValueError, "not built"),
    (lambda: TwoInputs().build((None, 3)), ValueError, "cannot be built"),
    (lambda: _without_super()(normal(2, 2)), RuntimeError, r"super\(\).__init__"),
    (lambda: mlp().fit(normal(2, 4), normal(2, 2)), ValueError, "compile"),
])  # fmt: skip
def test_refuses(call, error, words):
    with pytest.raises(error, match=words):
        call()


def _without_super():
    class Hasty(keras.Model):
        def __init__(self):
            self.dense = layers.Dense(2)

    return Hasty()


def test_state_as_a_tree():
    model, other = mlp(), fill(mlp(), 5)
    model.compile("adam", "mse")
    model.fit(normal(4, 4), normal(4, 2), verbose=0)
    state = model.get_state_tree("numpy_array")
    assert sorted(state) == ["metrics_variables", "non_trainable_variables", "optimizer_variables",
                             "trainable_variables"]
    other.set_state_tree({"trainable_variables": state["trainable_variables"]})
    np.testing.assert_array_equal(run(model, normal(2, 4))[0], run(other, normal(2, 4))[0])
    with pytest.raises(ValueError, match="unknown part"):
        other.set_state_tree({"foo": {}})


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])  # noqa: S301
def test_a_copied_layer_is_a_layer_of_its_own(duplicate):
    i = keras.Input((4,))
    layer = layers.Dense(3, name="d")
    keras.Model(i, ops.relu(layer(i)) + 1)
    twin = duplicate(layer)
    np.testing.assert_array_equal(twin.get_weights()[0], layer.get_weights()[0])
    twin.set_weights([w + 1 for w in twin.get_weights()])
    assert not np.allclose(twin.get_weights()[0], layer.get_weights()[0])
    assert twin.weights[0] is twin.kernel and twin(normal(2, 4)).shape == (2, 3)
