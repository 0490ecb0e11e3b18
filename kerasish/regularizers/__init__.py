"""Penalties on weights and outputs (`keras.regularizers`)."""

from typing import Any

from kerasish.regularizers.base import Regularizer
from kerasish.regularizers.norms import L1, L1L2, L2
from kerasish.regularizers.orthogonal import OrthogonalRegularizer
from kerasish.utils.serialization import deserialize_keras_object, family, get_object, serialize_keras_object

l1, l2, l1_l2, orthogonal_regularizer = L1, L2, L1L2, OrthogonalRegularizer

_BY_NAME = family("keras.regularizers", l1_l2=L1L2)


def serialize(regularizer: Any) -> Any:
    """Return a regularizer as plain data."""
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the regularizer that plain data describes."""
    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Any:
    """Return a regularizer for a name, a config, a class or a callable.

    Raises:
        ValueError: the identifier stands for no regularizer.
    """
    return get_object(identifier, _BY_NAME, "a regularizer")
