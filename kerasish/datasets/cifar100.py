"""CIFAR-100: colour pictures of 32x32 pixels in a hundred classes."""

from pathlib import Path

from kerasish.datasets.cifar import load_batches
from kerasish.datasets.download import Split
from kerasish.utils.files import get_file

_ORIGIN = "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz"
_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 50000 and 10000 pictures.

    Args:
        label_mode: "fine" for the hundred classes, "coarse" for the twenty that they are grouped into.

    Returns:
        x: uint8 of shape (n, 32, 32, 3), from 0 to 255.
        y: uint8 of shape (n, 1), the class.

    Source: Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009; `keras.datasets.cifar100`.
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"label_mode must be 'fine' or 'coarse', got {label_mode!r}")
    unpacked = get_file("cifar-100-python-target", origin=_ORIGIN, extract=True, file_hash=_HASH)
    folder = Path(unpacked) / "cifar-100-python"
    key = f"{label_mode}_labels"
    return load_batches([folder / "train"], key), load_batches([folder / "test"], key)
