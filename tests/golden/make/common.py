"""The encoding of Keras's tensors and objects, for every maker."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np


def to_numpy(tree: Any) -> Any:
    """The tree with tensors and variables as NumPy arrays, tuples as lists."""
    if isinstance(tree, dict):
        return {key: to_numpy(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [to_numpy(value) for value in tree]
    if tree is None or isinstance(tree, bool | int | float | str):
        return tree
    if getattr(tree, "dtype", None) == "string":
        return tree.numpy().astype(str)
    return np.asarray(keras.ops.convert_to_numpy(tree))


def plain(value: Any) -> Any:
    """Constructor arguments as JSON: Keras objects as `{"$object": config}`, arrays stay arrays."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str | np.ndarray):
        return value
    return {"$object": keras.saving.serialize_keras_object(value)}


def config_of(thing: Any) -> dict:
    """get_config() as JSON values."""
    return keras.saving.serialize_keras_object(thing)["config"]
