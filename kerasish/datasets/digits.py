"""Handwritten digits, 8x8 pixels, small enough to ship with the package."""

from importlib import resources

import numpy as np

from kerasish.datasets.download import Split


def load_data() -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 1437 and 360 images of the ten digits.

    Returns:
        x: uint8 of shape (n, 8, 8, 1), from 0 (paper) to 16 (ink).
        y: uint8 of shape (n,), the digit.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998 (CC BY 4.0);
    see data/README.md.
    """
    with (resources.files("kerasish.datasets") / "data" / "digits.npz").open("rb") as file, np.load(file) as f:
        return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])
