"""Layers as plain data, and back."""

from typing import Any

from kerasish.layers.base.layer import Layer
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


def serialize(layer: Layer) -> dict[str, Any]:
    """Return a layer as plain data (Keras: `layers.serialize`)."""
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Layer:
    """Return the layer that `serialize` described (Keras: `layers.deserialize`).

    Args:
        config: plain data, also as read from JSON.
        custom_objects: the caller's classes and functions by name.

    Raises:
        TypeError: the class is not known.
        ValueError: the config is empty, or describes something else than a layer.
    """
    if not config:
        raise ValueError(f"cannot make a layer of an empty config, got {config!r}")
    found = deserialize_keras_object(config, custom_objects=custom_objects)
    if not isinstance(found, Layer):
        raise ValueError(f"expected the config of a layer, got {config!r}, which describes {found!r}")
    return found
