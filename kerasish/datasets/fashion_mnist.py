"""Fashion-MNIST: pictures of clothes, 28x28 pixels."""

import gzip
import os

import numpy as np

from kerasish.datasets.download import Split, fetch


def load_data() -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 60000 and 10000 images in ten classes.

    The classes: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
    9 ankle boot.

    Returns:
        x: uint8 of shape (n, 28, 28), from 0 to 255.
        y: uint8 of shape (n,), the class.

    Source: Zalando SE, MIT licence; `keras.datasets.fashion_mnist`.
    """
    return _part("train"), _part("t10k")


def _part(name: str) -> tuple[np.ndarray, np.ndarray]:
    y = _read(f"{name}-labels-idx1-ubyte.gz", header=8)
    return _read(f"{name}-images-idx3-ubyte.gz", header=16).reshape(len(y), 28, 28), y


def _read(file: str, header: int) -> np.ndarray:
    path = fetch(file, file, cache_subdir=os.path.join("datasets", "fashion-mnist"))
    with gzip.open(path, "rb") as content:
        return np.frombuffer(content.read(), np.uint8, offset=header)
