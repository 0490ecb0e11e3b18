"""California housing: median prices of houses in the districts of California in 1990."""

import numpy as np

from kerasish.datasets.download import Split, fetch, shuffle_and_split

_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"
_SIZES = {"small": 600, "large": None}


def load_data(
    version: str = "large",
    path: str = "california_housing.npz",
    test_split: float = 0.2,
    seed: int = 113,
) -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 20640 districts in all.

    The features, by district: median income, age of the houses, rooms and bedrooms for each household, people,
    people for each household, latitude, longitude.

    Args:
        version: "large", or "small" for the first 600 districts.
        path: the file's name in the cache.
        test_split: the fraction that tests.
        seed: of the shuffle before the split.

    Returns:
        x: float of shape (n, 8).
        y: float of shape (n,), the median price in dollars.

    Source: Pace and Barry, 1997, from StatLib; `keras.datasets.california_housing`.
    """
    if version not in _SIZES:
        raise ValueError(f"version must be 'small' or 'large', got {version!r}")
    n = _SIZES[version]
    with np.load(fetch(path, "california_housing.npz", _HASH), allow_pickle=False) as f:
        return shuffle_and_split(f["x"][:n], f["y"][:n], test_split, seed)
