"""A layer of one's own: a gated block with weights, a config, and a place in saved files.

python examples/custom_layer.py
"""

import pathlib
import tempfile

import numpy as np

import kerasish as keras
from kerasish import layers, ops


@keras.saving.register_keras_serializable(package="examples")
class Gated(layers.Layer):
    """`tanh(x W) * sigmoid(x V)`: one projection says what, the other how much of it."""

    def __init__(self, units: int, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), name="w")
        self.v = self.add_weight(shape=(input_shape[-1], self.units), name="v")

    def call(self, inputs):
        return ops.tanh(inputs @ self.w) * ops.sigmoid(inputs @ self.v)

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def main(epochs: int = 15) -> float:
    """Return the accuracy on the test digits, after a round trip through a file."""
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = keras.datasets.digits.load_data()
    model = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Rescaling(1 / 16), layers.Flatten(),
        Gated(64), layers.Dense(10, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=epochs, verbose=2)
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "gated.keras"
        model.save(path)
        again = keras.models.load_model(path)
    assert np.array_equal(model.predict(x_test, verbose=0), again.predict(x_test, verbose=0))
    return again.evaluate(x_test, y_test, verbose=0)[1]


if __name__ == "__main__":
    print(f"{main():.1%} of the test images are right")
