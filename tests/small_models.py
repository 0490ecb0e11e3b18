"""Small models with fixed weights, for the tests of models and files."""

import numpy as np

import kerasish as keras
from kerasish import layers


def fill(model, seed=0):
    """Give a model weights that depend on nothing but the seed."""
    rng = np.random.RandomState(seed)
    for w in model.weights:
        value = rng.uniform(-0.5, 0.5, w.shape).astype("float32")
        w.assign(np.abs(value) + 0.5 if "variance" in w.path else value)
    return model


def normal(*shape, seed=1):
    return np.random.RandomState(seed).normal(size=shape).astype("float32")


def run(model, x):
    return [np.asarray(y) for y in keras.tree.flatten(model(x, training=False))]


def assert_same(model, other, x, atol=1e-6):
    for a, b in zip(run(model, x), run(other, x), strict=True):
        np.testing.assert_allclose(a, b, atol=atol)


def mlp(name="mlp"):
    return fill(keras.Sequential([keras.Input((4,), name="x"), layers.Dense(3, activation="relu", name="a"),
                                  layers.Dense(2, name="b")], name=name))


def two_inputs():
    """A layer called twice, ops between layers, two outputs."""
    i, j = keras.Input((4,), name="i"), keras.Input((4,), name="j")
    dense = layers.Dense(3, activation="relu", name="shared")
    x = layers.BatchNormalization(name="bn")(dense(i) + 2.0 * dense(j))
    return fill(keras.Model([i, j], [layers.Dense(2, name="out")(x), keras.ops.softmax(x)], name="two_inputs"))
