"""Inputs times a number, plus a number."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


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

    def call(self, inputs: Any) -> Any:
        """Return the scaled inputs, in the compute dtype."""
        dtype = self.compute_dtype
        scaled = ops.multiply(ops.cast(inputs, dtype), ops.cast(self.scale, dtype))
        return ops.add(scaled, ops.cast(self.offset, dtype))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "scale": self.scale, "offset": self.offset}
