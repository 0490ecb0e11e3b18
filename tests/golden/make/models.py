"""The small models that are saved and trained; each function makes one, weights unset."""

from __future__ import annotations

import keras
import numpy as np
from keras import layers, ops

from make.common import coarse


def mlp() -> keras.Model:
    """Two dense layers with dropout between them."""
    return keras.Sequential(
        [
            keras.Input((6,)),
            layers.Dense(5, activation="relu", kernel_regularizer=keras.regularizers.L2(0.01)),
            layers.Dropout(0.3),
            layers.Dense(3, activation="softmax"),
        ],
        name="mlp",
    )


def classifier() -> keras.Model:
    """Two dense layers."""
    return keras.Sequential(
        [keras.Input((6,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")],
        name="classifier",
    )


def convnet() -> keras.Model:
    """Convolution, batch normalization, pooling, a separable convolution."""
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(3, 3, padding="same", use_bias=False),
            layers.BatchNormalization(momentum=0.8),
            layers.Activation("relu"),
            layers.MaxPooling2D(),
            layers.SeparableConv2D(4, 2, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2),
        ],
        name="convnet",
    )


def tokens() -> keras.Model:
    """Masked embedding, LSTM, binary output."""
    return keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(8, 3, mask_zero=True),
            layers.LSTM(4),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="tokens",
    )


def recurrent() -> keras.Model:
    """A bidirectional GRU and a stack of cells."""
    x = keras.Input((4, 3), name="sequence")
    h = layers.Bidirectional(layers.GRU(2, return_sequences=True), name="both_ways")(x)
    out = layers.RNN([layers.LSTMCell(3), layers.SimpleRNNCell(2)], name="stack")(h)
    return keras.Model(x, out, name="recurrent")


def two_ways() -> keras.Model:
    """Two inputs, two outputs, operators and ops between them."""
    a, b = keras.Input((4,), name="a"), keras.Input((3,), name="b")
    x = layers.Dense(3, activation="tanh", name="from_a")(a)
    total = x + b * 0.5
    joined = ops.concatenate([total, ops.square(b)], axis=-1)
    mean = ops.mean(joined, axis=-1, keepdims=True)
    label = layers.Dense(2, activation="softmax", name="label")(joined - mean)
    return keras.Model([a, b], {"label": label, "size": layers.Dense(1, name="size")(total)}, name="two_ways")


def nested() -> keras.Model:
    """A functional model and a sequential one inside a functional model."""
    x = keras.Input((4,), name="inner_input")
    encoder = keras.Model(x, layers.Dense(3, activation="relu")(x), name="encoder")
    head = keras.Sequential([keras.Input((3,)), layers.Dense(3), layers.Dense(2)], name="head")
    outer = keras.Input((4,), name="outer_input")
    return keras.Model(outer, head(encoder(outer)), name="nested")


def shared() -> keras.Model:
    """One tower used on two inputs."""
    left, right = keras.Input((5,), name="left"), keras.Input((5,), name="right")
    tower = layers.Dense(4, activation="tanh", name="tower")
    merged = layers.Concatenate()([tower(left), tower(right), layers.Multiply()([tower(left), tower(right)])])
    return keras.Model([left, right], layers.Dense(1, activation="sigmoid", name="same")(merged), name="shared")


def transformer() -> keras.Model:
    """One block of self-attention with residuals."""
    x = keras.Input((4, 6), name="sequence")
    attended = layers.MultiHeadAttention(2, 3, name="attention")(x, x, use_causal_mask=True)
    h = layers.LayerNormalization(name="norm")(layers.Add()([x, attended]))
    out = layers.Dense(6, name="project")(layers.Dense(8, activation="gelu", name="expand")(h))
    return keras.Model(x, layers.GlobalAveragePooling1D()(h + out), name="transformer")


class Blocks(keras.Model):
    """A subclassed model with a list of layers, a nested model, a weight of its own."""

    def __init__(self) -> None:
        super().__init__(name="blocks")
        self.blocks = [layers.Dense(3, activation="relu"), layers.Dense(3, activation="relu"), layers.Dense(2)]
        self.norm = layers.BatchNormalization()
        self.inner = keras.Sequential([layers.Dense(3), layers.Dense(4)])
        self.scale = self.add_weight(shape=(4,), name="scale")

    def call(self, x, training=None):
        x = self.inner(x) * self.scale
        x = self.norm(x, training=training)
        for block in self.blocks:
            x = block(x)
        return x


def fill(model: keras.Model, rng: np.random.RandomState) -> keras.Model:
    """The model, its weights drawn anew."""
    for w in model.weights:
        spread = rng.uniform(0.5, 1.5, w.shape) if "variance" in w.name else rng.standard_normal(w.shape) * 0.5
        w.assign(coarse(spread))
    return model
