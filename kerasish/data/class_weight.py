"""Weights of classes turned into weights of samples."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from kerasish.core.dtypes import numpy_dtype
from kerasish.data.leaves import to_host
from kerasish.utils import config, tree


def check_class_weight(class_weight: Any) -> None:
    """Raise a TypeError unless the class weights are a mapping from class to weight, or None."""
    if class_weight is not None and not isinstance(class_weight, Mapping):
        raise TypeError(f"class_weight must map a class (int) to its weight (float), got {type(class_weight).__name__}")


def weigh_classes(y: Any, sample_weight: Any, class_weight: Mapping[int, float]) -> np.ndarray:
    """Return the weights of samples: those of their classes.

    Args:
        y: labels as integers, shape (samples,) or (samples, 1), or one-hot, shape (samples, classes).
        sample_weight: what was given as such, expected to be None.
        class_weight: class -> weight; classes that are missing weigh 1.

    Raises:
        ValueError: there are weights of samples already, several outputs, or no labels of these shapes.
    """
    if sample_weight is not None:
        raise ValueError("give `class_weight` or `sample_weight`, not both at the same time: multiply them yourself")
    if tree.is_nested(y):
        raise ValueError(
            "`class_weight` weighs the classes of one output, but y has several; give sample_weight for each output"
        )
    if y is None:
        raise ValueError("class_weight needs labels, but y is missing")
    classes, inverse = np.unique(_labels(to_host(y)), return_inverse=True)
    dtype = numpy_dtype(config.floatx())
    return np.array([class_weight.get(int(c), 1.0) for c in classes], dtype)[inverse]


def _labels(y: np.ndarray) -> np.ndarray:
    if y.ndim > 2:
        raise ValueError(
            f"class_weight needs labels of shape (samples,), (samples, 1) or (samples, classes), got {y.shape}; "
            "give sample_weight instead"
        )
    if y.ndim == 2:
        y = y[:, 0] if y.shape[1] == 1 else y.argmax(axis=1)
    return np.round(y).astype("int64")
