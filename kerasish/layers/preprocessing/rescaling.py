"""Inputs times a number, plus a number."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils import config
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.layers")
class Rescaling(SameShapeLayer):
    """`x * scale + offset`, at training and after (Keras: `layers.Rescaling`).

    Args:
        scale: a number, or one a channel.
        offset: a number, or one a channel.
    """

    def __init__(self, scale: Any, offset: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset
        self._allow_non_tensor_positional_args = True  # numbers and lists of them

    def call(self, inputs: Any) -> Any:
        """Return the scaled inputs, in the compute dtype."""
        scaled = ops.multiply(ops.cast(inputs, self.compute_dtype), self._along_channels(self.scale))
        return ops.add(scaled, self._along_channels(self.offset))

    def _along_channels(self, values: Any) -> Any:
        values = ops.cast(values, self.compute_dtype)
        if values.ndim and config.image_data_format() == "channels_first":
            return ops.reshape(values, (*values.shape, *(1,) * (3 - values.ndim)))
        return values

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "scale": serialize_keras_object(self.scale),
                "offset": serialize_keras_object(self.offset)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Rescaling":
        """Make a layer from what `get_config` gave."""
        return super().from_config({k: deserialize_keras_object(v) if k in ("scale", "offset") else v
                                    for k, v in config.items()})
