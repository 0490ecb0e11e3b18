"""Normalization by the root mean square of each sample."""

from typing import Any

from kerasish import ops
from kerasish.layers.normalization.base_normalization import HasAxes, axis_argument
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RMSNormalization(HasAxes):
    """Divide by the root mean square: `x / sqrt(mean(x^2) + epsilon) * scale`, the mean over the given axes.

    Source: Zhang & Sennrich, 2019; Keras: `layers.RMSNormalization`.

    Args:
        axis: one axis or several, along which the scale has values of its own, too.
        epsilon: added to the mean.
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis, self.epsilon = axis_argument(axis), epsilon
        self.supports_masking = False  # as in Keras

    def build(self, input_shape: Any) -> None:
        """Make the scale, shaped like the input along the axes."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self.scale = self.add_weight(name="scale", shape=self._lengths(input_shape), initializer="ones")

    def call(self, x: Any) -> Any:
        """Return the inputs normalized."""
        scale = self.scale
        if len(self.axis) > 1:
            scale = ops.reshape(scale, self._broadcast(x.shape))
        return ops.rms_normalization(x, scale=scale, axis=self.axis, epsilon=self.epsilon)

    def _broadcast(self, shape: tuple) -> tuple:
        axes = {a % len(shape) for a in self.axis}
        return tuple(n if i in axes else 1 for i, n in enumerate(shape))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
