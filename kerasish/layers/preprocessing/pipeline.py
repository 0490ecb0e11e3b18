"""Layers one after another."""

from typing import Any

from kerasish.layers.base.layer import Layer
from kerasish.utils import tree
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.layers")
class Pipeline(Layer):
    """Call layers one after another (Keras: `layers.Pipeline`); unlike a Sequential model it need not be built.

    Args:
        layers: the layers, in order.
        name: unique if left out.
    """

    def __init__(self, layers: Any, name: str | None = None):
        super().__init__(name=name)
        self._pipeline_layers = list(layers)
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True

    @property
    def layers(self) -> list[Layer]:
        """The layers, in order."""
        return self._pipeline_layers

    def call(self, inputs: Any, training: bool = True, mask: Any = None) -> Any:
        """Return what the last layer makes of what the others made."""
        for layer in self.layers:
            signature = layer._call_signature
            told = {"mask": mask} if signature.has_mask else {}
            if signature.has_training and training is not None:
                told["training"] = training
            inputs = layer(inputs, **told)
            mask = tree.map_structure(lambda x: getattr(x, "_keras_mask", None), inputs)
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the layers as plain data."""
        return {"layers": serialize_keras_object(list(self.layers)), "name": self.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Pipeline":
        """Make a layer from what `get_config` gave.

        Raises:
            ValueError: the config has no list of layers.
        """
        layers = config.get("layers")
        if not isinstance(layers, list | tuple):
            raise ValueError(f"the config of a Pipeline must have a list of layers, got {layers!r}")
        return cls(**{**config, "layers": [deserialize_keras_object(x) for x in layers]})
