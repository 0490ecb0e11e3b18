"""A function as a layer."""

from typing import Any

from kerasish import activations
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Activation(SameShapeLayer):
    """Apply an activation function (Keras: `layers.Activation`).

    Args:
        activation: a name, or a function of one tensor that keeps its shape; None for `linear`.
    """

    def __init__(self, activation: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.activation = activations.get(activation)

    def call(self, inputs: Any) -> Any:
        """Return the activations."""
        return self.activation(inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
