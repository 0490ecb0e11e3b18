"""Optimizers as plain data, and back."""

import functools
from typing import Any

from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.naming import did_you_mean
from kerasish.utils.registry import builtins_in, get_registered_object
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@functools.cache
def _by_name() -> dict[str, Any]:
    """All optimizers, by name in small letters: they are known in any case, as "adam", "Adam" and "ADAM"."""
    return {name.lower(): cls for name, cls in builtins_in("keras.optimizers").items()
            if name not in ("Optimizer", "OptimizerMap")}


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """Return an optimizer as plain data."""
    return serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: Any = None) -> Optimizer:
    """Return the optimizer that plain data describes.

    Args:
        config: what `serialize` returned.
        custom_objects: the caller's optimizers by name.
    """
    name = config["class_name"]
    if name.lower() in _by_name():
        config = {**config, "class_name": name.lower()}
    return deserialize_keras_object(config, custom_objects, module_objects=_by_name())


def get(identifier: Any) -> Optimizer | None:
    """Return an optimizer for a name (in any case), a config or an optimizer; None for None.

    Raises:
        ValueError: the identifier stands for no optimizer.
    """
    if identifier is None:
        return None
    found = identifier
    if isinstance(identifier, str) and (identifier.lower() in _by_name() or get_registered_object(identifier)):
        found = deserialize({"class_name": identifier, "config": {}})
    elif isinstance(identifier, dict):
        found = deserialize(identifier)
    if isinstance(found, Optimizer):
        return found
    meant = did_you_mean(identifier.lower(), _by_name()) if isinstance(identifier, str) else ""
    raise ValueError(f"Could not interpret {identifier!r} as an optimizer{meant}: expected an optimizer, its config, "
                     f"or one of the names {', '.join(sorted(_by_name()))}")
