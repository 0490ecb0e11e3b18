"""What `compile` was told, as plain data: saved with a model, and compiled again when it is loaded."""

from collections.abc import Callable
from typing import Any

from kerasish import losses, metrics, optimizers
from kerasish.utils import serialization

_NAMES = ("optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution",
          "jit_compile")


def serialize_compile_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `compile` as plain data."""
    return {name: serialization.serialize_keras_object(arguments.get(name)) for name in _NAMES}


def deserialize_compile_arguments(config: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of `compile` from plain data.

    Raises:
        ValueError: a class or function is unknown; register it, or hand it over as a custom object.
    """
    getters = {"optimizer": optimizers.get, "loss": losses.get, "metrics": metrics.get,
               "weighted_metrics": metrics.get}
    return {name: _made(value, getters[name]) if name in getters else serialization.deserialize_keras_object(value)
            for name, value in config.items()}


def _made(value: Any, getter: Callable[[Any], Any]) -> Any:
    """Objects from their configs, in lists and dicts; names stay, for some get their meaning from the outputs."""
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _made(v, getter) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_made(v, getter) for v in value]
    return value if value is None or isinstance(value, str) else getter(value)
