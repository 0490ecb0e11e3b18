"""A sequential model as plain data, in Keras's format."""

from typing import Any

from kerasish.core import dtype_policy
from kerasish.layers.core.input_layer import InputLayer
from kerasish.utils import serialization


def serialize(model: Any) -> dict[str, Any]:
    """Return the config of a sequential model."""
    layers = list(model._sequence)
    source = getattr(model, "_source", None)
    if source is not None and model._functional is not None and not isinstance(layers[0], InputLayer):
        layers = [source, *layers]
    config: dict[str, Any] = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": dtype_policy.serialize(model.dtype_policy),
        "layers": [serialization.serialize_keras_object(layer) for layer in layers],
    }
    if model._functional is not None:
        config["build_input_shape"] = model.input_shape
    return config


def deserialize(cls: type, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """Make a sequential model from its config.

    Raises:
        TypeError: the config lists something that is no layer.
    """
    model = cls(name=config.get("name"))
    for layer_config in config["layers"]:
        layer = serialization.deserialize_keras_object(
            layer_config, custom_objects, module_objects=serialization.NetworkClasses())
        if isinstance(layer, dict | list | str):
            raise TypeError(f"the config of model {config.get('name')!r} lists {layer!r}, which is no layer")
        model.add(layer, rebuild=False)
    model._maybe_rebuild()
    shape = config.get("build_input_shape")
    if model._functional is None and shape and isinstance(shape, list | tuple) and model._sequence:
        model.build(tuple(shape))
    if config.get("trainable") is False:
        model.trainable = False
    return model
