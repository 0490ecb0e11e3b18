"""Projections of weights after each update (`keras.constraints`)."""

from typing import Any

from kerasish.constraints.base import Constraint
from kerasish.constraints.norms import MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from kerasish.utils.serialization import deserialize_keras_object, family, get_object, serialize_keras_object

max_norm, min_max_norm, non_neg, unit_norm = MaxNorm, MinMaxNorm, NonNeg, UnitNorm

_BY_NAME = family("keras.constraints")


def serialize(constraint: Any) -> Any:
    """Return a constraint as plain data."""
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the constraint that plain data describes."""
    return deserialize_keras_object(config, custom_objects, module_objects=_BY_NAME)


def get(identifier: Any) -> Any:
    """Return a constraint for a name, a config, a class or a callable.

    Raises:
        ValueError: the identifier stands for no constraint.
    """
    return get_object(identifier, _BY_NAME, "a constraint")
