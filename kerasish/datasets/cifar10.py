"""CIFAR-10: colour pictures of 32x32 pixels in ten classes."""

from pathlib import Path

from kerasish.datasets.cifar import load_batches
from kerasish.datasets.download import Split
from kerasish.utils.files import get_file

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 50000 and 10000 pictures in ten classes.

    The classes: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Returns:
        x: uint8 of shape (n, 32, 32, 3), from 0 to 255.
        y: uint8 of shape (n, 1), the class.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; `keras.datasets.cifar10`.
    """
    unpacked = get_file("cifar-10-batches-py-target", origin=_ORIGIN, extract=True, file_hash=_HASH)
    folder = Path(unpacked) / "cifar-10-batches-py"
    train = load_batches([folder / f"data_batch_{i}" for i in range(1, 6)], "labels")
    return train, load_batches([folder / "test_batch"], "labels")
