"""A layer around a layer."""

from typing import Any

from kerasish.layers.base.layer import Layer
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.layers")
class Wrapper(Layer):
    """Base of layers that call another layer in a way of their own; a subclass defines `call`.

    Source: Keras `layers.Wrapper`.

    Args:
        layer: the layer inside.
    """

    def __init__(self, layer: Layer, **kwargs: Any):
        if not isinstance(layer, Layer):
            raise ValueError(f"argument `layer` of {type(self).__name__} must be a layer, got {layer!r} "
                             f"({type(layer).__name__})")
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside for the same inputs."""
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a wrapper from what `get_config` gave."""
        config = dict(config)
        layer = deserialize_keras_object(config.pop("layer"), custom_objects=custom_objects)
        return cls(layer, **config)
