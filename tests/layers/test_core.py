"""Core layers: the contract, and what is theirs alone."""

import warnings

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.symbolic import KerasTensor
from kerasish.layers import (
    Activation,
    Dense,
    EinsumDense,
    Embedding,
    Identity,
    Input,
    InputLayer,
    Lambda,
    Masking,
    ReversibleEmbedding,
    Wrapper,
)
from kerasish.layers.serialization import deserialize, serialize
from kerasish.utils.registry import register_keras_serializable
from tests.layers.contract import Row, contract


@register_keras_serializable("tests")
def scaled(x, by=2.0):
    return x * by


ROWS = [
    Row(Dense, {"units": 3}, (4, 5), weights=["kernel", "bias"], wrong=(5,)),
    Row(Dense, {"units": 3, "use_bias": False, "activation": "tanh"}, (2, 3, 4), weights=["kernel"], id="sequence"),
    Row(Dense, {"units": 3, "lora_rank": 2, "lora_alpha": 3}, (4, 5), dtypes=(), gradient=False, id="lora",
        weights=["kernel", "bias", "lora_kernel_a", "lora_kernel_b"]),
    Row(EinsumDense, {"equation": "abc,cd->abd", "output_shape": (None, 6), "bias_axes": "d"}, (2, 3, 4),
        weights=["kernel", "bias"], wrong=(2, 4)),
    Row(EinsumDense, {"equation": "...x,xy->...y", "output_shape": 2}, (2, 3, 2, 4), weights=["kernel"], id="left"),
    Row(EinsumDense, {"equation": "ab...,bc->ac...", "output_shape": 2, "bias_axes": "c"}, (2, 3, 4, 5),
        weights=["kernel", "bias"], id="right"),
    Row(EinsumDense, {"equation": "abc,cde->abde", "output_shape": (None, 2, 3), "lora_rank": 2}, (2, 3, 4), id="lora",
        weights=["kernel", "lora_kernel_a", "lora_kernel_b"], dtypes=(), gradient=False),
    Row(Embedding, {"input_dim": 7, "output_dim": 2}, (4, 3), integers=7, weights=["embeddings"]),
    Row(Embedding, {"input_dim": 7, "output_dim": 3, "lora_rank": 2}, (4, 3), integers=7, dtypes=(), gradient=False,
        weights=["embeddings", "lora_embeddings_a", "lora_embeddings_b"], id="lora"),
    Row(ReversibleEmbedding, {"input_dim": 7, "output_dim": 2}, (4, 3), integers=7, weights=["embeddings"]),
    Row(ReversibleEmbedding, {"input_dim": 7, "output_dim": 2, "tie_weights": False, "logit_soft_cap": 3.0},
        (4, 3, 2), weights=["embeddings", "reverse_embeddings"], call={"reverse": True}, dtypes=("float64",),
        id="reverse"),
    Row(Activation, {"activation": "gelu"}, (4, 5)),
    Row(Identity, {}, (4, 5)),
    Row(Masking, {"mask_value": 0.5}, (4, 3, 2)),
    Row(Lambda, {"function": scaled, "arguments": {"by": 3.0}, "output_shape": (5,)}, (4, 5)),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


# ---- Dense ------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [0, -1, 2.5, "3", None, True])
def test_dense_refuses_units(units):
    with pytest.raises(ValueError, match="units"):
        Dense(units)


def test_dense_checks_features_after_build():
    layer = Dense(2, name="head")
    layer(np.ones((1, 3), "float32"))
    with pytest.raises(ValueError, match=r"head.*3 along axis -1, found 4"):
        layer(np.ones((1, 4), "float32"))


def test_dense_needs_known_features():
    with pytest.raises(ValueError, match="length of its input's last axis"):
        Dense(2)(Input((None,)))


def test_dense_kernel_before_build():
    with pytest.raises(AttributeError, match="before it is built"):
        _ = Dense(2).kernel


def test_quantization_is_refused():
    with pytest.raises(NotImplementedError, match="quantiz"):
        Dense(2, quantization_config={"x": 1})


def test_lora_learns_beside_a_frozen_kernel():
    layer = Dense(3)
    x = np.random.default_rng(0).standard_normal((4, 5)).astype("float32")
    before = np.asarray(layer(x))
    layer.enable_lora(2)
    np.testing.assert_allclose(layer(x), before)  # B starts at zero
    assert [w.name for w in layer.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    layer.lora_kernel_b.assign(np.ones((2, 3)))
    with GradientTape() as tape:
        loss = ops.sum(layer(x))
    np.testing.assert_allclose(tape.gradient(loss, layer.lora_kernel_a), x.sum(0)[:, None] * [[3.0, 3.0]], rtol=1e-5)
    store = {}
    layer.save_own_variables(store)
    assert sorted(store) == ["0", "1"]
    plain = Dense(3)
    plain(x)
    plain.load_own_variables({k: np.asarray(v) for k, v in store.items()})
    np.testing.assert_allclose(plain(x), layer(x), rtol=1e-5)
    layer.load_own_variables({k: np.asarray(v) for k, v in store.items()})
    np.testing.assert_allclose(plain(x), layer(x), rtol=1e-5)
    assert not np.any(np.asarray(layer.lora_kernel_b))
    with pytest.raises(ValueError, match="already enabled"):
        layer.enable_lora(2)


def test_lora_refuses():
    with pytest.raises(ValueError, match="must be built"):
        Dense(3).enable_lora(2)
    layer = Dense(3, kernel_constraint="non_neg")
    layer.build((None, 2))
    with pytest.raises(ValueError, match="kernel_constraint"):
        layer.enable_lora(2)


# ---- EinsumDense ------------------------------------------------------------------------------


@pytest.mark.parametrize(("equation", "output_shape", "shape", "says"), [
    ("ab->a", 2, (2, 3), "invalid einsum equation"),
    ("abc,cd->abd", (None, 2), (2, 3), "does not fit inputs of 2 axes"),
    ("ab,bc->ac", (2, 3), (2, 3), "output_shape"),
    ("abc,cd->abd", (5, 2), (2, 3, 4), "axis 'b'"),
    ("ab,bc->ad", 2, (2, 3), "axis 'd'"),
    ("ab,cd->ad", 2, (2, 3), "axis 'c'"),
    ("ab,bc->ac", 2, (None, None), "length of axis 'b'"),
])
def test_einsum_dense_refuses(equation, output_shape, shape, says):
    with pytest.raises(ValueError, match=says) as error:
        EinsumDense(equation, output_shape, name="mixer").build(shape)
    assert "mixer" in str(error.value)


def test_einsum_dense_keeps_order_of_left_out_axes():
    layer = EinsumDense("...x,xy->...y", output_shape=6)
    assert layer.compute_output_shape((2, 3, 4, 5)) == (2, 3, 4, 6)


def test_einsum_dense_bias_axes():
    layer = EinsumDense("abc,cde->abde", output_shape=(None, 2, 3), bias_axes="d")
    layer.build((None, 4, 5))
    assert layer.bias.shape == (2, 1)
    with pytest.raises(ValueError, match="bias axis 'z'"):
        EinsumDense("ab,bc->ac", 2, bias_axes="z").build((None, 3))


def test_einsum_dense_initializer_knows_fans():
    layer = EinsumDense("abc,cde->abde", output_shape=(None, 20, 30), kernel_initializer="glorot_uniform")
    layer.build((None, 4, 50))
    limit = np.sqrt(6 / (50 + 20 * 30))
    assert 0.95 * limit < np.abs(layer.kernel.numpy()).max() <= limit
    assert layer.get_config()["kernel_initializer"]["config"]["input_axes"] is None


# ---- Embedding --------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [-1, 5])
def test_embedding_refuses_numbers(number):
    layer = Embedding(5, 2, name="words")
    with pytest.raises(ValueError, match=rf"words.*number {number}.*rows 0 to 4"):
        layer(np.array([[0, number]]))


def test_embedding_takes_whole_floats_and_weights():
    table = np.arange(6.0, dtype="float32").reshape(3, 2)
    layer = Embedding(3, 2, weights=table)
    np.testing.assert_array_equal(layer(np.array([2.0, 0.0])), table[[2, 0]])


def test_embedding_mask():
    layer = Embedding(5, 2, mask_zero=True)
    out = layer(np.array([[1, 0]]))
    np.testing.assert_array_equal(out._keras_mask, [[True, False]])
    assert layer(Input((2,), dtype="int32"))._keras_mask.shape == (None, 2)
    assert Embedding(5, 2).compute_mask(out) is None


def test_reversible_embedding_mask_and_gradient():
    layer = ReversibleEmbedding(5, 2, mask_zero=True)
    np.testing.assert_array_equal(layer(np.array([[1, 0]]))._keras_mask, [[True, False]])
    with GradientTape() as tape:
        loss = ops.sum(layer(layer(np.array([[1, 2]])), reverse=True))
    assert tape.gradient(loss, layer.embeddings).shape == (5, 2)


# ---- Inputs -----------------------------------------------------------------------------------


def test_input():
    x = Input((3,), batch_size=2, dtype="int32", name="ids")
    assert isinstance(x, KerasTensor) and x.shape == (2, 3) and x.dtype == "int32" and x.name == "ids"
    layer = x._keras_history.operation
    assert isinstance(layer, InputLayer) and layer.name == "ids" and layer.output is x and layer.built
    assert layer.get_config() == {"batch_shape": (2, 3), "dtype": "int32", "sparse": False, "ragged": False,
                                  "name": "ids", "optional": False}
    again = deserialize(serialize(layer))
    assert again.batch_shape == (2, 3) and again.dtype == "int32"
    assert Input(batch_shape=[None, 4]).shape == (None, 4)
    assert Input(()).shape == (None,)


def test_input_of_a_tensor():
    x = KerasTensor((2, 3), "float32")
    assert Input(tensor=x) is x
    with pytest.raises(ValueError, match="dtype"):
        Input(tensor=x, dtype="int32")
    with pytest.raises(ValueError, match="shape"):
        Input(tensor=x, shape=(4,))
    with pytest.raises(ValueError, match="KerasTensor"):
        Input(tensor=np.ones(3))


@pytest.mark.parametrize(("kwargs", "says"), [
    ({}, "pass a `shape` argument"),
    ({"shape": 3}, "tuple"),
    ({"shape": (3.5,)}, "tuple"),
    ({"shape": (3,), "batch_shape": (None, 3)}, "cannot pass both"),
    ({"batch_size": 3, "batch_shape": (None, 3)}, "cannot pass both"),
    ({"shape": (3,), "sparse": True}, "dense"),
    ({"shape": (3,), "ragged": True}, "dense"),
])
def test_input_refuses(kwargs, says):
    with pytest.raises(ValueError, match=says):
        Input(**kwargs)


# ---- Masking, Identity, Wrapper ---------------------------------------------------------------


def test_masking():
    x = np.array([[[0, 0], [0, 1], [2, 2]]], "float32")
    out = Masking()(x)
    np.testing.assert_array_equal(out._keras_mask, [[False, True, True]])
    out = Masking(2.0)(x)
    np.testing.assert_array_equal(out, [[[0, 0], [0, 1], [0, 0]]])
    assert Masking()(Input((3, 2)))._keras_mask.shape == (None, 3)


def test_identity_keeps_structure_mask_and_dtype():
    x = Masking()(np.zeros((1, 2, 2), "float32"))
    out = Identity()({"a": x, "b": np.arange(3)})
    assert out["b"].dtype == "int64" and Identity()(x)._keras_mask is x._keras_mask
    assert Identity()(Input((2,), dtype="int32")).dtype == "int32"


def test_wrapper():
    class Twice(Wrapper):
        def call(self, inputs):
            return self.layer(self.layer(inputs))

    layer = Twice(Dense(3))
    assert layer(np.ones((2, 3), "float32")).shape == (2, 3) and len(layer.weights) == 2
    config = layer.get_config()
    assert config["layer"]["class_name"] == "Dense"
    assert Twice.from_config(config).layer.units == 3 and "layer" in config
    with pytest.raises(ValueError, match="must be a layer"):
        Wrapper(3)


# ---- Lambda -----------------------------------------------------------------------------------


def test_lambda_hands_over_what_the_function_wants():
    told = {}

    def function(x, mask=None, training=None, more=0):
        told.update(mask=mask, training=training, more=more)
        return x

    Lambda(function, arguments={"more": 5}, mask=lambda x, mask: mask)(Masking()(np.ones((1, 2, 2), "float32")),
                                                                      training=True)
    assert told["training"] is True and told["more"] == 5 and told["mask"].shape == (1, 2)


def test_lambda_shapes():
    layer = Lambda(lambda x: ops.cast(ops.sum(x, axis=-1), "int32"))
    out = layer(Input((4, 5)))
    assert out.shape == (None, 4) and out.dtype == "int32"
    assert layer.compute_output_shape((None, 4, 5)) == (None, 4)
    assert Lambda(np.asarray, output_shape=(7, None))(Input((3,))).shape == (None, 7, None)
    assert Lambda(np.asarray, output_shape=lambda shape: (*shape, 2))(Input((3,))).shape == (None, 3, 2)
    with pytest.raises(TypeError, match=r"(?s)cannot be inferred.*output_shape"):
        Lambda(lambda x: np.sum(np.asarray(x)), name="odd")(Input((3,)))


def test_lambda_code_is_neither_written_nor_read():
    layer = Lambda(lambda x: x + 1)
    with pytest.warns(UserWarning, match="not written"):
        config = layer.get_config()
    assert config["function"] == {"class_name": "__lambda__", "config": {}}
    with pytest.raises(ValueError, match="never runs code"):
        Lambda.from_config(config)
    from_keras = {"function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None,
                                                                      "closure": None}}}
    with pytest.raises(ValueError, match="never runs code"):
        deserialize({"module": "keras.layers", "class_name": "Lambda", "config": from_keras, "registered_name": None})


def test_lambda_of_a_function_that_is_not_registered():
    def local(x):
        return x

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        described = serialize(Lambda(local))
    with pytest.raises(TypeError, match="register_keras_serializable"):
        deserialize(described)
    assert deserialize(described, custom_objects={"local": local}).function is local


def test_lambda_refuses():
    with pytest.raises(ValueError, match="callable"):
        Lambda(3)


# ---- serialize --------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [None, {}, {"module": "keras.regularizers", "class_name": "L2",
                                               "config": {"l2": 0.1}, "registered_name": None}])
def test_deserialize_refuses(config):
    with pytest.raises(ValueError, match="config of a layer|empty config"):
        deserialize(config)
