"""A loss of activations."""

from typing import Any

from kerasish import regularizers
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class ActivityRegularization(SameShapeLayer):
    """Return the inputs, and add the loss `l1 * sum|x| + l2 * sum x^2`, divided by the batch size.

    Source: Keras `layers.ActivityRegularization`.

    Args:
        l1: weight of the absolute values.
        l2: weight of the squares.
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any):
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
