"""Rectified linear unit with a limit, a slope and a threshold."""

from typing import Any

from kerasish import activations
from kerasish.layers.base.arguments import non_negative
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class ReLU(SameShapeLayer):
    """Rectified linear unit: `min(x, max_value)` above `threshold`, else `negative_slope * (x - threshold)`.

    Source: Keras `layers.ReLU`.

    Args:
        max_value: at least 0; None for no limit.
        negative_slope: at least 0.
        threshold: at least 0.
    """

    def __init__(self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0,
                 **kwargs: Any):
        super().__init__(**kwargs)
        self.max_value = None if max_value is None else non_negative(max_value, "max_value")
        self.negative_slope = non_negative(negative_slope, "negative_slope")
        self.threshold = non_negative(threshold, "threshold")

    def call(self, inputs: Any) -> Any:
        """Return the activations."""
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "max_value": self.max_value, "negative_slope": self.negative_slope,
                "threshold": self.threshold}
