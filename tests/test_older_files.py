"""Files of `tf.keras` 2, written here by hand in its layout, open and compute what they should."""

import json

import h5py
import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from tests.small_models import fill, normal, run


def initializer(name):
    return {"class_name": name, "config": {"seed": None} if name.startswith("Glorot") else {}}


def layer(class_name, name, nodes=None, **config):
    """A layer as the older format has it; without nodes, as part of a Sequential model."""
    out = {"class_name": class_name, "config": {"name": name, "trainable": True, "dtype": "float32", **config}}
    return out if nodes is None else {**out, "name": name, "inbound_nodes": nodes}


def input_layer(name, *shape, dtype="float32", nodes=True):
    out = {"class_name": "InputLayer", "config": {"batch_input_shape": [None, *shape], "dtype": dtype, "sparse": False,
                                                  "ragged": False, "name": name}}  # fmt: skip
    return {**out, "name": name, "inbound_nodes": []} if nodes else out


def dense(name, units, nodes=None, activation="linear"):
    return layer("Dense", name, nodes, units=units, activation=activation, use_bias=True,
                 kernel_initializer=initializer("GlorotUniform"), bias_initializer=initializer("Zeros"),
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None)


def recurrent(units, **config):
    return dict(units=units, return_sequences=False, return_state=False, go_backwards=False, stateful=False,
                unroll=False, time_major=False, implementation=2, activation="tanh", recurrent_activation="sigmoid",
                use_bias=True, kernel_initializer=initializer("GlorotUniform"), dropout=0.0, recurrent_dropout=0.0,
                recurrent_initializer={"class_name": "Orthogonal", "config": {"gain": 1.0, "seed": None}}, **config)


def random(*shape):
    return np.random.RandomState(sum(shape)).uniform(-0.5, 0.5, shape).astype("float32")


def write_weights(group, weights):
    group.attrs["layer_names"] = [n.encode() for n in weights]
    group.attrs["backend"], group.attrs["keras_version"] = b"tensorflow", b"2.9.0"
    for name, values in weights.items():
        inner = group.create_group(name)
        inner.attrs["weight_names"] = [k.encode() for k in values]
        for key, value in values.items():
            inner[key] = value


def write(path, config, weights, training=None):
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = "2.9.0", "tensorflow"
        file.attrs["model_config"] = json.dumps(config)
        if training:
            file.attrs["training_config"] = json.dumps(training)
        write_weights(file.create_group("model_weights"), weights)


CONVNET = [
    input_layer("conv_input", 8, 8, 3, nodes=False),
    layer("Conv2D", "conv", batch_input_shape=[None, 8, 8, 3], filters=4, kernel_size=[3, 3], strides=[1, 1],
          padding="same", data_format="channels_last", dilation_rate=[1, 1], groups=1, activation="relu", use_bias=True,
          kernel_regularizer={"class_name": "L2", "config": {"l2": 0.01}}),
    layer("DepthwiseConv2D", "depth", kernel_size=[3, 3], strides=[1, 1], padding="same", data_format="channels_last",
          dilation_rate=[1, 1], groups=1, activation="linear", use_bias=False, depth_multiplier=1),
    layer("BatchNormalization", "bn", axis=[3], momentum=0.99, epsilon=0.001, center=True, scale=True,
          gamma_initializer=initializer("Ones")),
    layer("MaxPooling2D", "pool", pool_size=[2, 2], padding="valid", strides=[2, 2], data_format="channels_last"),
    layer("Dropout", "drop", rate=0.5, noise_shape=None, seed=None),
    layer("Flatten", "flat", data_format="channels_last"), dense("top", 2, activation="softmax"),
]  # fmt: skip
CONVNET_WEIGHTS = {
    "conv": {"conv/kernel:0": random(3, 3, 3, 4), "conv/bias:0": random(4)},
    "depth": {"depth/depthwise_kernel:0": random(3, 3, 4, 1)},
    "bn": {"bn/gamma:0": random(4), "bn/beta:0": random(4), "bn/moving_mean:0": random(4),
           "bn/moving_variance:0": np.abs(random(4))},
    "pool": {}, "drop": {}, "flat": {}, "top": {"top/kernel:0": random(64, 2), "top/bias:0": random(2)},
}  # fmt: skip


def convnet():
    """The same, made here."""
    model = keras.Sequential([
        keras.Input((8, 8, 3)), layers.Conv2D(4, 3, padding="same", activation="relu"),
        layers.DepthwiseConv2D(3, padding="same", use_bias=False), layers.BatchNormalization(), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dense(2, activation="softmax")])
    model.set_weights([v for values in CONVNET_WEIGHTS.values() for v in values.values()])
    return model


@pytest.mark.parametrize("form", ["with input", "without input", "a bare list", "JSON"])
def test_a_sequential_model(form, tmp_path):
    stack = CONVNET if form == "with input" else CONVNET[1:]
    config = {"class_name": "Sequential", "config": stack if form == "a bare list" else {"name": "s", "layers": stack}}
    write(tmp_path / "m.h5", config, CONVNET_WEIGHTS)
    if form == "JSON":
        model = keras.models.model_from_json(json.dumps(config))
        model.load_weights(tmp_path / "m.h5")
    else:
        model = keras.models.load_model(tmp_path / "m.h5")
    x = normal(2, 8, 8, 3)
    np.testing.assert_allclose(run(model, x)[0], run(convnet(), x)[0], atol=1e-6)
    assert float(model.losses[0]) == pytest.approx(0.01 * np.sum(CONVNET_WEIGHTS["conv"]["conv/kernel:0"] ** 2))


def test_weights_alone(tmp_path):
    with h5py.File(tmp_path / "w.h5", "w") as file:
        write_weights(file, CONVNET_WEIGHTS)
    model, x = fill(convnet(), 3), normal(2, 8, 8, 3)
    model.load_weights(tmp_path / "w.h5")
    np.testing.assert_allclose(run(model, x)[0], run(convnet(), x)[0], atol=1e-6)


ADAM = {"name": "Adam", "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}
WRAPPER = {"class_name": "MeanMetricWrapper",
           "config": {"name": "acc", "dtype": "float32", "fn": "categorical_accuracy"}}


@pytest.mark.parametrize(("optimizer", "rate"), [
    ({"class_name": "Adam", "config": {**ADAM, "learning_rate": 0.5, "decay": 0.0}}, 0.5),
    ({"class_name": "Adam", "config": {**ADAM, "lr": 0.5, "decay": 1.0}}, 0.25),
    ({"class_name": "Custom>Adam", "config": {**ADAM, "learning_rate": 0.5, "is_legacy_optimizer": False,
                                              "jit_compile": True, "weight_decay": None}}, 0.5),
])  # fmt: skip
@pytest.mark.parametrize("loss", ["categorical_crossentropy", {
    "class_name": "CategoricalCrossentropy", "config": {"reduction": "auto", "name": "c", "from_logits": False}}])
def test_how_it_was_compiled(optimizer, rate, loss, tmp_path):
    training = {"loss": loss, "metrics": [[WRAPPER]], "weighted_metrics": None, "loss_weights": None,
                "optimizer_config": optimizer}
    config = {"class_name": "Sequential", "config": {"name": "s", "layers": CONVNET}}
    write(tmp_path / "m.h5", config, CONVNET_WEIGHTS, training)
    model = keras.models.load_model(tmp_path / "m.h5")
    x, y = normal(2, 8, 8, 3), np.eye(2, dtype="float32")
    expected = -np.log(np.diag(run(convnet(), x)[0])).mean()
    got = model.evaluate(x, y, verbose=0)
    assert got[0] == pytest.approx(expected + float(model.losses[0]), rel=1e-5) and len(got) == 2
    model.fit(x, y, verbose=0)
    assert float(model.optimizer.learning_rate) == pytest.approx(rate)


def test_a_graph_with_shared_and_nested_parts(tmp_path):
    inner = {"class_name": "Functional", "name": "inner",
             "inbound_nodes": [[["lstm", 0, 0, {}]], [["twice", 0, 0, {}]]],
             "config": {"name": "inner", "layers": [input_layer("ii", 3), dense("id", 4, [[["ii", 0, 0, {}]]], "tanh")],
                        "input_layers": [["ii", 0, 0]], "output_layers": [["id", 0, 0]]}}  # fmt: skip
    gru = {"class_name": "GRU", "config": {"name": "gru", "trainable": True, "dtype": "float32",
                                           **recurrent(2, reset_after=True)}}
    config = {"class_name": "Model", "config": {"name": "m", "layers": [
        input_layer("t", 5, dtype="int32"), input_layer("x", 3),
        layer("Embedding", "emb", [[["t", 0, 0, {}]]], input_dim=10, output_dim=4, mask_zero=True, input_length=5,
              embeddings_initializer={"class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05}}),
        dense("twice", 3, [[["x", 0, 0, {}]], [["twice", 0, 0, {}]]], "relu"),
        layer("LSTM", "lstm", [[["emb", 0, 0, {}]]], **recurrent(3, unit_forget_bias=True)), inner,
        layer("Bidirectional", "both", [[["emb", 0, 0, {}]]], layer=gru, merge_mode="concat"),
        layer("Concatenate", "cat", [[["inner", 1, 0, {}], ["inner", 2, 0, {}], ["both", 0, 0, {}],
                                      ["twice", 1, 0, {}]]], axis=-1),
        layer("LayerNormalization", "ln", [[["cat", 0, 0, {}]]], axis=[1], epsilon=0.001, center=True, scale=True)],
        "input_layers": [["t", 0, 0], ["x", 0, 0]], "output_layers": [["ln", 0, 0], ["inner", 2, 0]]}}  # fmt: skip
    cell = (("kernel", (4, 6)), ("recurrent_kernel", (2, 6)), ("bias", (2, 6)))
    weights = {
        "t": {}, "x": {}, "emb": {"emb/embeddings:0": random(10, 4)},
        "twice": {"twice/kernel:0": random(3, 3), "twice/bias:0": random(3)},
        "lstm": {f"lstm/lstm_cell/{k}:0": random(*s) for k, s in
                 (("kernel", (4, 12)), ("recurrent_kernel", (3, 12)), ("bias", (12,)))},
        "inner": {"id/kernel:0": random(3, 4), "id/bias:0": random(4)},
        "both": {f"both/{d}_gru/gru_cell/{k}:0": random(*s) * (1 if d == "forward" else 2)
                 for d in ("forward", "backward") for k, s in cell},
        "cat": {}, "ln": {"ln/gamma:0": random(15), "ln/beta:0": random(15)},
    }  # fmt: skip
    write(tmp_path / "m.h5", config, weights)
    data = [np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]], "int32"), normal(2, 3)]
    found = run(keras.models.load_model(tmp_path / "m.h5"), data)

    t, x, i = keras.Input((5,), dtype="int32"), keras.Input((3,)), keras.Input((3,))
    emb, twice = layers.Embedding(10, 4, mask_zero=True, name="emb"), layers.Dense(3, "relu", name="twice")
    inside = keras.Model(i, layers.Dense(4, "tanh")(i), name="inner")
    e, once = emb(t), twice(x)
    first, second = inside(layers.LSTM(3, name="lstm")(e)), inside(once)
    joined = layers.Concatenate()([first, second, layers.Bidirectional(layers.GRU(2), name="both")(e), twice(once)])
    model = keras.Model([t, x], [layers.LayerNormalization(name="ln")(joined), second])
    for name, values in weights.items():
        if values:
            model.get_layer(name).set_weights(list(values.values()))
    for a, b in zip(found, run(model, data), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
