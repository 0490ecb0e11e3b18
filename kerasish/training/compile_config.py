"""What `compile` was told, as plain data: saved with a model, and compiled again when it is loaded."""

from typing import Any

from kerasish import losses, metrics, optimizers
from kerasish.utils import serialization, tree

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
    config = dict(serialization.deserialize_keras_object(config) or {})
    config.pop("auto_scale_loss", None) if config.get("auto_scale_loss") is None else None
    getters = {"optimizer": optimizers.get, "loss": losses.get, "metrics": _metric, "weighted_metrics": _metric}
    for name, getter in getters.items():
        if name in config:
            config[name] = tree.map_structure(lambda x, g=getter: x if x is None or isinstance(x, str) else g(x),
                                              config[name])
    return config


def _metric(x: Any) -> Any:
    return x if callable(x) else metrics.get(x)
