"""Normalization to length 1."""

from typing import Any

from kerasish import ops
from kerasish.layers.normalization.base_normalization import HasAxes, axis_argument
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class UnitNormalization(HasAxes):
    """Scale to length 1: `x / sqrt(sum(x^2))`, the sum over the given axes (Keras: `layers.UnitNormalization`).

    Args:
        axis: one axis or several.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis_argument(axis)

    def call(self, inputs: Any) -> Any:
        """Return the inputs scaled."""
        self._check_axes(inputs.shape)
        return ops.normalize(inputs, axis=self.axis, order=2, epsilon=1e-12)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}
