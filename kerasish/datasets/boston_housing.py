"""Boston housing: prices of houses in suburbs of Boston in the 1970s."""

import numpy as np

from kerasish.datasets.download import Split, fetch, shuffle_and_split

_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`: 506 suburbs in all.

    One of the features encodes the share of Black residents, on the assumption that it moves prices: use
    `california_housing` unless that is your subject.

    Args:
        path: the file's name in the cache.
        test_split: the fraction that tests.
        seed: of the shuffle before the split.

    Returns:
        x: float64 of shape (n, 13).
        y: float64 of shape (n,), the median price in thousands of dollars.

    Source: Harrison and Rubinfeld, 1978, from StatLib; `keras.datasets.boston_housing`.
    """
    with np.load(fetch(path, "boston_housing.npz", _HASH), allow_pickle=False) as f:
        return shuffle_and_split(f["x"], f["y"], test_split, seed)
