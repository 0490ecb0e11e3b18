"""One-hot labels and unit vectors for data that is on the host."""

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Return one-hot rows for class numbers.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape; anything that NumPy can read. A last axis
            of length one is dropped.
        num_classes: the number of classes; by default the largest of `x`, plus one.

    Returns:
        float64 array of shape `(*x.shape, num_classes)`.

    Raises:
        ValueError: a class number is out of range.
    """
    labels = np.asarray(x).astype("int64")
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    lowest, highest = (labels.min(), labels.max()) if labels.size else (0, -1)
    classes = int(num_classes or highest + 1)
    if lowest < 0 or highest >= classes:
        raise ValueError(f"x must hold class numbers from 0 to {classes - 1}, got {lowest} to {highest}")
    out = np.zeros((labels.size, classes))
    out[np.arange(labels.size), labels.ravel()] = 1
    return out.reshape(*labels.shape, classes)


def normalize(x: Any, axis: int = -1, order: float = 2) -> np.ndarray:
    """Scale vectors to norm one, `x / ||x||`; zero vectors stay zero.

    Args:
        x: anything that NumPy can read.
        axis: the axis along which the vectors lie.
        order: the order of the norm, 2 for Euclidean length.

    Returns:
        An array of the shape of `x`.
    """
    x = np.asarray(x)
    norm = np.linalg.norm(x, order, axis, keepdims=True)
    return x / np.where(norm == 0, 1, norm)
