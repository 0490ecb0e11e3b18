"""Models to and from files (`keras.saving`)."""

from kerasish.utils.lazy import deferred
from kerasish.utils.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

with deferred(globals()):
    from kerasish.saving import archive, saving_api
    from kerasish.saving.saving_api import load_model, load_weights, save_model, save_weights

__all__ = [
    "CustomObjectScope", "custom_object_scope", "deserialize_keras_object", "get_custom_objects",
    "get_registered_name", "get_registered_object", "load_model", "load_weights", "register_keras_serializable",
    "save_model", "save_weights", "serialize_keras_object",
]  # fmt: skip
