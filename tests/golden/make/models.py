"""The small models that are saved and trained, made with whichever library is handed in; weights unset."""

from __future__ import annotations

from typing import Any

import numpy as np

from make.draws import coarse


def mlp(keras: Any) -> Any:
    """Two dense layers with dropout between them."""
    return keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(5, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="mlp",
    )


def classifier(keras: Any) -> Any:
    """Two dense layers."""
    return keras.Sequential(
        [keras.Input((6,)), keras.layers.Dense(8, activation="relu"), keras.layers.Dense(3, activation="softmax")],
        name="classifier",
    )


def convnet(keras: Any) -> Any:
    """Convolution, batch normalization, pooling, a separable convolution."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            keras.layers.Conv2D(3, 3, padding="same", use_bias=False),
            keras.layers.BatchNormalization(momentum=0.8),
            keras.layers.Activation("relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.SeparableConv2D(4, 2, activation="relu"),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Dense(2),
        ],
        name="convnet",
    )


def tokens(keras: Any) -> Any:
    """Masked embedding, LSTM, binary output."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(8, 3, mask_zero=True),
            keras.layers.LSTM(4),
            keras.layers.Dense(1, activation="sigmoid"),
        ],
        name="tokens",
    )


def recurrent(keras: Any) -> Any:
    """A bidirectional GRU and a stack of cells."""
    x = keras.Input((4, 3), name="sequence")
    h = keras.layers.Bidirectional(keras.layers.GRU(2, return_sequences=True), name="both_ways")(x)
    out = keras.layers.RNN([keras.layers.LSTMCell(3), keras.layers.SimpleRNNCell(2)], name="stack")(h)
    return keras.Model(x, out, name="recurrent")


def two_ways(keras: Any) -> Any:
    """Two inputs, two outputs, operators and ops between them."""
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    x = keras.layers.Dense(3, activation="tanh", name="from_a")(a)
    total = x + b * 0.5
    joined = keras.ops.concatenate([total, keras.ops.square(b)], axis=-1)
    mean = keras.ops.mean(joined, axis=-1, keepdims=True)
    label = keras.layers.Dense(2, activation="softmax", name="label")(joined - mean)
    return keras.Model([a, b], {"label": label, "size": keras.layers.Dense(1, name="size")(total)}, name="two_ways")


def nested(keras: Any) -> Any:
    """A functional model and a sequential one inside a functional model."""
    x = keras.Input((4,), name="inner_input")
    encoder = keras.Model(x, keras.layers.Dense(3, activation="relu")(x), name="encoder")
    head = keras.Sequential([keras.Input((3,)), keras.layers.Dense(3), keras.layers.Dense(2)], name="head")
    outer = keras.Input((4,), name="outer_input")
    return keras.Model(outer, head(encoder(outer)), name="nested")


def shared(keras: Any) -> Any:
    """One tower used on two inputs."""
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    tower = keras.layers.Dense(4, activation="tanh", name="tower")
    product = keras.layers.Multiply()([tower(left), tower(right)])
    merged = keras.layers.Concatenate()([tower(left), tower(right), product])
    return keras.Model([left, right], keras.layers.Dense(1, activation="sigmoid", name="same")(merged), name="shared")


def transformer(keras: Any) -> Any:
    """One block of self-attention with residuals."""
    x = keras.Input((4, 6), name="sequence")
    attended = keras.layers.MultiHeadAttention(2, 3, name="attention")(x, x, use_causal_mask=True)
    h = keras.layers.LayerNormalization(name="norm")(keras.layers.Add()([x, attended]))
    out = keras.layers.Dense(6, name="project")(keras.layers.Dense(8, activation="gelu", name="expand")(h))
    return keras.Model(x, keras.layers.GlobalAveragePooling1D()(h + out), name="transformer")


def blocks(keras: Any) -> Any:
    """A subclassed model with a list of layers, a nested model, a weight of its own."""
    layers = keras.layers

    class Blocks(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="blocks")
            self.blocks = [layers.Dense(3, activation="relu"), layers.Dense(3, activation="relu"), layers.Dense(2)]
            self.norm = layers.BatchNormalization()
            self.inner = keras.Sequential([layers.Dense(3), layers.Dense(4)])
            self.scale = self.add_weight(shape=(4,), name="scale")

        def call(self, x: Any, training: bool | None = None) -> Any:
            x = self.norm(self.inner(x) * self.scale, training=training)
            for block in self.blocks:
                x = block(x)
            return x

    return Blocks()


def regression(keras: Any, **dense: Any) -> Any:
    """One hidden layer, one real output."""
    options = {"activation": "tanh", **dense}
    return keras.Sequential(
        [keras.Input((4,)), keras.layers.Dense(6, **options), keras.layers.Dense(1)], name="regression"
    )


def regularized(keras: Any) -> Any:
    """The regression with regularizers and a constraint."""
    return regression(
        keras,
        kernel_regularizer=keras.regularizers.L1L2(0.01, 0.02),
        activity_regularizer="l2",
        bias_constraint=keras.constraints.MaxNorm(0.5),
    )


def sequence_tagger(keras: Any) -> Any:
    """A masked embedding whose mask reaches a loss by time step."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            keras.layers.Embedding(6, 3, mask_zero=True),
            keras.layers.GRU(4, return_sequences=True),
            keras.layers.Dense(3),
        ],
        name="sequence_tagger",
    )


def frozen(keras: Any) -> Any:
    """The classifier with its first layer frozen."""
    model = classifier(keras)
    model.layers[0].trainable = False
    return model


def fill(model: Any, rng: np.random.RandomState) -> Any:
    """The model, its weights drawn anew."""
    for w in model.weights:
        spread = rng.uniform(0.5, 1.5, w.shape) if "variance" in w.name else rng.standard_normal(w.shape) * 0.5
        w.assign(coarse(spread))
    return model
