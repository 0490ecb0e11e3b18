"""MNIST: handwritten digits, 28x28 pixels."""

import numpy as np

from kerasish.datasets.download import Split, fetch

_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 60000 and 10000 images of the ten digits.

    Args:
        path: the file's name in the cache.

    Returns:
        x: uint8 of shape (n, 28, 28), from 0 (paper) to 255 (ink).
        y: uint8 of shape (n,), the digit.

    Source: LeCun and Cortes, CC BY-SA 3.0; `keras.datasets.mnist`.
    """
    with np.load(fetch(path, "mnist.npz", _HASH), allow_pickle=False) as f:
        return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])
