"""Graphs of layers: the programs of Keras's guide, and what they refuse."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.small_models import assert_same, fill, mlp, normal, run, two_inputs


def again(model):
    """The model from its JSON, with the same weights."""
    copy = keras.models.model_from_json(model.to_json())
    copy.set_weights(model.get_weights())
    return copy


def test_an_autoencoder_of_nested_models():
    i = keras.Input((8, 8, 1), name="image")
    x = layers.MaxPooling2D(3)(layers.Conv2D(2, 3, activation="relu")(i))
    encoder = keras.Model(i, layers.Flatten()(x), name="encoder")
    j = keras.Input((8,), name="code")
    x = layers.Conv2DTranspose(1, 3)(layers.UpSampling2D(3)(layers.Reshape((2, 2, 2))(j)))
    decoder = keras.Model(j, x, name="decoder")
    k = keras.Input((8, 8, 1))
    both = fill(keras.Model(k, decoder(encoder(k)), name="both"))
    data = normal(2, 8, 8, 1)
    np.testing.assert_allclose(run(both, data)[0], run(decoder, encoder(data))[0], atol=1e-6)
    assert both.get_config()["output_layers"] == ["decoder", 1, 0]  # Keras counts the calls of nested models from 1
    assert_same(both, again(both), data)


def test_a_nested_model_called_twice():
    inner = mlp("inner")
    i, j = keras.Input((4,)), keras.Input((4,))
    a, b = inner(i), inner(j)
    model = keras.Model([i, j], [layers.Subtract()([a, b]), b])
    assert len(model.weights) == 4
    assert_same(model, again(model), [normal(2, 4), normal(2, 4, seed=5)])


def test_an_ensemble_shares_nothing():
    models = [mlp(f"m{k}") for k in range(3)]
    i = keras.Input((4,))
    ensemble = fill(keras.Model(i, layers.average([m(i) for m in models])))
    assert len(ensemble.weights) == 12
    expected = np.mean([run(m, normal(2, 4))[0] for m in models], axis=0)
    np.testing.assert_allclose(run(ensemble, normal(2, 4))[0], expected, atol=1e-6)
    assert_same(ensemble, again(ensemble), normal(2, 4))


def test_a_layer_called_thrice_and_other_models_of_it():
    dense, i = layers.Dense(4, name="d"), keras.Input((4,))
    x = dense(i)
    once = keras.Model(i, x)
    thrice = fill(keras.Model(i, dense(dense(x))))
    assert len(thrice.weights) == 2 and dense.output is x and dense.input is i
    x = normal(2, 4)
    np.testing.assert_allclose(run(thrice, x)[0], run(once, once(once(x)))[0], atol=1e-5)
    assert_same(thrice, again(thrice), x)


@pytest.mark.parametrize("structure", ["list", "tuple", "dict", "nested"])
def test_structures_of_inputs_and_outputs(structure):
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    x = layers.Concatenate()([a, b])
    p, q = layers.Dense(1, name="p")(x), layers.Dense(2, name="q")(x)
    data = {"a": normal(2, 2), "b": normal(2, 3)}
    inputs, outputs, fed = {
        "list": ([a, b], [p, q], [data["a"], data["b"]]), "tuple": ((a, b), (p, q), (data["a"], data["b"])),
        "dict": ({"b": b, "a": a}, {"q": q, "p": p}, data),
        "nested": ([a, {"b": b}], {"both": [p, q]}, [data["a"], {"b": data["b"]}]),
    }[structure]
    model = fill(keras.Model(inputs, outputs))
    out = model(fed)
    assert keras.tree.flatten(keras.tree.map_structure(lambda y: y.shape[-1], out))
    assert type(out) is type(outputs)
    assert_same(model, again(model), fed)
    if structure in ("list", "dict"):
        for y, z in zip(run(model, data), run(model, fed), strict=True):
            np.testing.assert_array_equal(y, z)


def test_features_from_the_middle_and_a_model_from_there():
    i = keras.Input((6, 6, 2))
    x = layers.ReLU(name="r")(layers.BatchNormalization(name="bn")(layers.Conv2D(3, 3, name="c")(i)))
    model = fill(keras.Model(i, layers.Dense(2)(layers.Flatten()(x))))
    data = normal(2, 6, 6, 2)
    middle, out = keras.Function(model.inputs, [model.get_layer("c").output, model.output])([data])
    rest = keras.Model(model.get_layer("c").output, model.output)
    np.testing.assert_allclose(run(rest, middle)[0], np.asarray(out), atol=1e-6)
    # The graph of the first model is as it was, though its layers were called again.
    assert keras.Model(model.input, model.get_layer("r").output)(data).shape == (2, 4, 4, 3)


def test_the_first_call_says_what_input_and_output_are():
    with pytest.raises(AttributeError, match="never been called"):
        _ = layers.Dense(2).output


OPS = {
    "arithmetic": lambda x: 1 / (1 + x) - x**2 // 0.3 + 2.0**x,
    "slices": lambda x: x[:, 1:, ::2, None][..., 0],
    "logic": lambda x: ops.where((x > 0) & ~(x > 1), x, -x),
    "casts": lambda x: ops.cast(ops.cast(x, "int32"), "float32"),
    "padding": lambda x: ops.pad(x, ((0, 0), (1, 0), (0, 2)), constant_values=2.0),
    "joins": lambda x: ops.concatenate([ops.stack([x, x], axis=1)[:, 0], x], axis=-1),
    "einsum": lambda x: ops.einsum("bij,bkj->bik", x, x),
    "several outputs": lambda x: ops.split(x, 2, axis=1) + list(ops.top_k(x, 2)) + ops.meshgrid(x[0, 0], x[0, 1]),
    "constants": lambda x: x * np.arange(4, dtype="float32") + ops.ones((4,)),
    "images": lambda x: ops.image.resize(x[..., None], (2, 2)),
    "statistics": lambda x: ops.moments(x, axes=[1]),
    "aliases": lambda x: ops.true_divide(x, 3.0),
    "norm without scale": lambda x: ops.rms_normalization(x),
}


@pytest.mark.parametrize("name", OPS)
def test_ops_in_a_graph(name):
    i = keras.Input((6, 4))
    model = keras.Model(i, OPS[name](i))
    data = normal(2, 6, 4)
    expected = keras.tree.flatten(OPS[name](ops.convert_to_tensor(data)))
    for y, z in zip(run(model, data), expected, strict=True):
        np.testing.assert_allclose(y, np.asarray(z), atol=1e-6)
    assert_same(model, again(model), data)


def test_arguments_of_calls_are_saved():
    class Scale(layers.Layer):
        def call(self, x, y=None, scale=1.0):
            return x * scale + (0 if y is None else y)

    i, j = keras.Input((3,)), keras.Input((3,))
    model = keras.Model([i, j], Scale()(i, j, scale=2.5))
    with keras.saving.custom_object_scope({"Scale": Scale}):
        assert_same(model, again(model), [normal(2, 3), normal(2, 3, seed=4)])


def test_transfer_learning_leaves_the_base_alone():
    i = keras.Input((3,))
    base = fill(keras.Model(i, layers.BatchNormalization()(layers.Dense(4, name="c")(i)), name="base"))
    before = base.get_weights()
    j = keras.Input((3,))
    model = keras.Model(j, layers.Dense(1, name="head")(base(j, training=False)))
    base.trainable = False
    assert [w.path for w in model.trainable_weights] == ["head/kernel", "head/bias"]
    model.compile("sgd", "mse")
    model.fit(normal(8, 3), normal(8, 1), verbose=0)
    base.trainable = True
    model(normal(8, 3), training=True)  # still in inference mode, as the call in the graph said
    for a, b in zip(before, base.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    base.layers[1].trainable = False
    assert len(again(model).trainable_weights) == 4


def test_a_training_flag_that_only_repeats_the_default_is_no_order():
    i = keras.Input((50,))
    config = keras.Model(i, layers.Dropout(0.5)(i)).get_config()
    config["layers"][1]["inbound_nodes"][0]["kwargs"]["training"] = False  # as Keras writes it
    model = keras.Model.from_config(config)
    assert np.any(np.asarray(model(np.ones((2, 50), "float32"), training=True)) == 0)


def test_ranks_dtypes_and_batches_that_nearly_fit():
    i = keras.Input((1,))
    model = keras.Model(i, i * 2)
    assert model(normal(4)).shape == (4, 1) and model(normal(4, 1)).shape == (4, 1)
    whole = keras.Input((2,), dtype="int32")
    assert np.asarray(keras.Model(whole, whole + 1)(np.array([[1.7, 2.2]]))).tolist() == [[2, 3]]
    assert keras.Model(i, i * 2).compute_output_shape((7, 1)) == (7, 1)


def _input():
    return keras.Input((3,), name="i")


@pytest.mark.parametrize(("make", "words"), [
    (lambda i: keras.Model(i, layers.Dense(2)(keras.Input((3,)))), "disconnected"),
    (lambda i: keras.Model(i, np.ones(3)), "values must be KerasTensors"),
    (lambda i: keras.Model(i, None), "values must be KerasTensors"),
    (lambda i: keras.Model(i, layers.Dense(2, name="q")(layers.Dense(3, name="q")(i))), "names of their own"),
    (lambda i: keras.Model([i, i], i), None), (lambda i: keras.Model([], []), "empty"),
    (lambda i: keras.Model(i, layers.Dense(2)(i))(normal(2, 5)), "incompatible"),
    (lambda i: keras.Model(i, layers.Dense(2)(i))([normal(2, 3)] * 2), "1 input"),
    (lambda i: keras.Model(i, layers.Dense(2)(i))({"x": normal(2, 3)}), "missing"),
    (lambda i: two_inputs()({"i": normal(2, 4)}), "missing"),
    (lambda i: keras.Model({"i": i, "k": keras.Input((3,), name="k")}, i)(normal(2, 3)), r"with keys \['i', 'k'\]"),
    (lambda i: keras.Model({"k": i, "j": keras.Input((3,))}, i)([normal(2, 3)] * 2), r"with keys \['k', 'j'\]"),
    (lambda i: keras.Model({"j": i, "k": keras.Input((3,))}, i)({"j": normal(2, 3), "l": normal(2, 3)}),
     r"missing the inputs \['k'\]"),
    (lambda i: keras.Model({"j": i}, i * 2)({"j": None}), "not optional"),
    (lambda i: keras.Model({"j": {"k": i}}, i * 2)({}), "missing the inputs"),
    (lambda i: keras.Model({"j": {"k": i}}, i * 2)({"j": {"k": normal(2, 3, 4)}}), "name 'i' and path 'j.k'"),
    (lambda i: keras.Model(i, i * 2)(normal(2, 4)), r"expected shape=\(None, 3\), found shape=\(2, 4\)"),
])  # fmt: skip
def test_refuses(make, words):
    if words is None:
        assert make(_input()) is not None  # the same input twice is odd, but well defined
    else:
        with pytest.raises(ValueError, match=words):
            make(_input())


def test_symbolic_tensors_have_no_values():
    i = _input()
    for use, error in ((bool, TypeError), (len, TypeError), (np.sin, ValueError), (list, NotImplementedError)):
        with pytest.raises(error, match="no values|actual numerical value|as a boolean"):
            use(i)


def test_inputs_of_another_structure_are_taken_with_a_warning():
    a, b = keras.Input((2,), name="a"), keras.Input((2,), name="b", optional=True)
    model = keras.Model({"a": a, "b": b}, a * 2)
    x = normal(3, 2)
    with pytest.warns(UserWarning, match="taken in this order"):
        np.testing.assert_allclose(model([x, None]), x * 2)
    with pytest.warns(UserWarning, match=r"no inputs \['c'\]"):
        np.testing.assert_allclose(model({"a": x, "c": x}), x * 2)
    np.testing.assert_allclose(model({"a": x}), x * 2)


def test_an_input_spec_can_be_set():
    i = keras.Input((None, 3))
    model = keras.Model(i, i * 2)
    model.input_spec = keras.InputSpec(shape=(None, 4, 3))
    assert model.input_spec.shape == (None, 4, 3) and model(normal(2, 4, 3)).shape == (2, 4, 3)
    with pytest.raises(ValueError, match=r"expected shape=\(None, 4, 3\), found shape=\(2, 3, 3\)"):
        model(normal(2, 3, 3))
