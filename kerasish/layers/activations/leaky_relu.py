"""Rectified linear unit with a slope below zero."""

import warnings
from typing import Any

from kerasish import activations
from kerasish.layers.base.arguments import non_negative
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class LeakyReLU(SameShapeLayer):
    """Leaky rectified linear unit: `x` where positive, else `negative_slope * x` (Keras: `layers.LeakyReLU`).

    Args:
        negative_slope: at least 0.
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any):
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("argument `alpha` of LeakyReLU is deprecated: use `negative_slope`", stacklevel=2)
        super().__init__(**kwargs)
        self.negative_slope = non_negative(negative_slope, "negative_slope")

    def call(self, inputs: Any) -> Any:
        """Return the activations."""
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "negative_slope": self.negative_slope}
