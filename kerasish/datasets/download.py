"""Where Keras keeps its data sets, and what is common to reading them."""

import numpy as np

from kerasish.utils.files import get_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def fetch(path: str, file: str, file_hash: str | None = None, cache_subdir: str = "datasets") -> str:
    """Return the local path of one of Keras's data files, kept in the cache under the name `path`."""
    return get_file(path, origin=ORIGIN + file, file_hash=file_hash, cache_subdir=cache_subdir)


def shuffle_and_split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Split:
    """Return `(x_train, y_train), (x_test, y_test)`, in the order that Keras's seed gives.

    Args:
        x: n samples.
        y: n targets.
        test_split: the fraction of them that tests, at least 0 and less than 1.
        seed: of the shuffle.
    """
    order = shuffled(len(x), np.random.RandomState(seed))
    x, y = x[order], y[order]
    n_train = train_size(len(x), test_split)
    return (x[:n_train], y[:n_train]), (x[n_train:], y[n_train:])


def shuffled(n: int, rng: np.random.RandomState) -> np.ndarray:
    """Return 0 to n - 1 in random order."""
    order = np.arange(n)
    rng.shuffle(order)
    return order


def train_size(n: int, test_split: float) -> int:
    """Return how many of n samples train.

    Raises:
        ValueError: `test_split` is not at least 0 and less than 1.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"test_split must be at least 0 and less than 1, got {test_split}")
    return int(n * (1 - test_split))
