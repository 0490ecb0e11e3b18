"""Softmax regression: one matrix from pixels to classes, on digits (shipped) or MNIST (downloaded).

python examples/softmax_regression.py [digits | mnist]
"""

import sys

import kerasish as keras
from kerasish import layers


def main(name: str = "digits", epochs: int = 30) -> float:
    """Return the accuracy on the test set."""
    keras.utils.set_random_seed(0)
    (x, y), (x_test, y_test) = getattr(keras.datasets, name).load_data()
    x, x_test = (a.reshape(len(a), -1) / a.max() for a in (x, x_test))
    model = keras.Sequential([keras.Input((x.shape[1],)), layers.Dense(10, activation="softmax")])
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, batch_size=128, epochs=epochs, verbose=2)
    _, accuracy = model.evaluate(x_test, y_test, verbose=0)
    print(f"{accuracy:.1%} of the test images are right")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:2])
