"""The six programs that are measured: the same code on kerasish and on Keras, on random data of well-known shapes.

Each function takes the module (`kerasish` or `keras`), and sizes for those who want a smaller one.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Workload(NamedTuple):
    """A compiled model, and what it is trained on."""

    model: Any
    x: np.ndarray
    y: np.ndarray
    batch_size: int


def tiny(keras: Any, samples: int = 1000, batch_size: int = 4, rate: float = 1e-3) -> Workload:
    """One weight and one bias: what is left is the cost of a step."""
    x = np.tile(np.arange(1, 5, dtype="float32")[:, None], (samples // 4, 1))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.RMSprop(rate), "mean_squared_error")
    return Workload(model, x, x, batch_size)


def mlp(keras: Any, samples: int = 12800, batch_size: int = 128, features: int = 784, units: int = 512,
        rate: float = 1e-3) -> Workload:
    """784-512-512-10 with dropout and Adam, as for MNIST."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((features,)), layers.Dense(units, activation="relu"), layers.Dropout(0.2),
        layers.Dense(units, activation="relu"), layers.Dropout(0.2), layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Workload(model, _real(samples, features), _classes(10, samples), batch_size)


def convnet(keras: Any, samples: int = 2560, batch_size: int = 128, side: int = 28, filters: tuple = (32, 64),
            rate: float = 1e-3) -> Workload:
    """Two convolutions with pooling between, as for MNIST."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((side, side, 1)),
        layers.Conv2D(filters[0], 3, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(filters[1], 3, activation="relu"), layers.MaxPooling2D(),
        layers.Flatten(), layers.Dropout(0.5), layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Workload(model, _real(samples, side, side, 1), _classes(10, samples), batch_size)


def resnet(keras: Any, samples: int = 640, batch_size: int = 64, side: int = 32, width: int = 16, blocks: int = 3,
           rate: float = 0.1) -> Workload:
    """ResNet-20 with batch normalization and momentum, as for CIFAR-10."""
    layers = keras.layers

    def convolved(x: Any, filters: int, strides: int = 1) -> Any:
        x = layers.Conv2D(filters, 3, strides=strides, padding="same", use_bias=False)(x)
        return layers.BatchNormalization()(x)

    def block(x: Any, filters: int, strides: int) -> Any:
        inside = layers.Activation("relu")(convolved(x, filters, strides))
        inside = convolved(inside, filters)
        if strides > 1:
            x = layers.Conv2D(filters, 1, strides=strides, use_bias=False)(x)
        return layers.Activation("relu")(layers.Add()([x, inside]))

    inputs = keras.Input((side, side, 3))
    x = layers.Activation("relu")(convolved(inputs, width))
    for stage in range(3):
        for n in range(blocks):
            x = block(x, width * 2**stage, 2 if stage > 0 and n == 0 else 1)
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.SGD(rate, momentum=0.9), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Workload(model, _real(samples, side, side, 3), _classes(10, samples), batch_size)


def lstm(keras: Any, samples: int = 640, batch_size: int = 32, tokens: int = 100, vocabulary: int = 20000,
         width: int = 128, units: int = 64, rate: float = 1e-3) -> Workload:
    """An LSTM over embedded words, as for IMDB."""
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((tokens,), dtype="int32"), layers.Embedding(vocabulary, width), layers.LSTM(units),
        layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return Workload(model, _classes(vocabulary, samples, tokens), _classes(2, samples, 1).astype("float32"), batch_size)


def transformer(keras: Any, samples: int = 160, batch_size: int = 16, tokens: int = 128, vocabulary: int = 8000,
                width: int = 128, heads: int = 4, blocks: int = 4, rate: float = 1e-3) -> Workload:
    """A causal language model with normalization before attention and before the perceptron."""
    layers = keras.layers
    inputs = keras.Input((tokens,), dtype="int32")
    x = layers.Embedding(vocabulary, width)(inputs)
    for _ in range(blocks):
        seen = layers.LayerNormalization()(x)
        x = layers.Add()([x, layers.MultiHeadAttention(heads, width // heads)(seen, seen, use_causal_mask=True)])
        inner = layers.Dense(4 * width, activation="gelu")(layers.LayerNormalization()(x))
        x = layers.Add()([x, layers.Dense(width)(inner)])
    outputs = layers.Dense(vocabulary)(layers.LayerNormalization()(x))
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.AdamW(rate), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return Workload(model, _classes(vocabulary, samples, tokens), _classes(vocabulary, samples, tokens, seed=1),
                    batch_size)


def _real(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).random(shape, dtype="float32")


def _classes(count: int, *shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, shape).astype("int32")


WORKLOADS: dict[str, Callable[..., Workload]] = {
    make.__name__: make for make in (tiny, mlp, convnet, resnet, lstm, transformer)}

# Sizes at which a step takes milliseconds: for tests. At higher rates the ResNet is chaotic: roundings grow a
# thousandfold in fifty steps, as units change sides of their ReLU.
SMALL: dict[str, dict[str, Any]] = {
    "tiny": dict(samples=200),
    "mlp": dict(samples=400, batch_size=8, features=20, units=16),
    "convnet": dict(samples=200, batch_size=4, side=12, filters=(4, 6)),
    "resnet": dict(samples=200, batch_size=4, side=8, width=4, blocks=1, rate=1e-3),
    "lstm": dict(samples=200, batch_size=4, tokens=8, vocabulary=30, width=6, units=5),
    "transformer": dict(samples=200, batch_size=4, tokens=6, vocabulary=20, width=8, heads=2, blocks=2),
}
