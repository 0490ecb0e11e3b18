"""Softmax with a mask."""

from typing import Any

from kerasish import activations, ops
from kerasish.core.spec import broadcast_shapes
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Softmax(SameShapeLayer):
    """Exponentials divided by their sum: `exp(x) / sum exp(x)` (Keras: `layers.Softmax`).

    Args:
        axis: the axis of the sum, or several.
    """

    def __init__(self, axis: Any = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Return the probabilities.

        Args:
            inputs: tensor.
            mask: broadcasts to the inputs; where it is false (or at most 0.5) the result is 0.
        """
        if mask is not None:
            mask = self._as_bool(mask, inputs)
            inputs = ops.where(mask, inputs, -3e4 if inputs.dtype == "float16" else -1e9)
        out = self._softmax(inputs)
        return out if mask is None else ops.where(mask, out, 0.0)

    def _softmax(self, x: Any) -> Any:
        if not isinstance(self.axis, list | tuple):
            return activations.softmax(x, axis=self.axis)
        if len(self.axis) == 1:
            return activations.softmax(x, axis=self.axis[0])
        return ops.exp(x - ops.logsumexp(x, axis=tuple(self.axis), keepdims=True))

    def _as_bool(self, mask: Any, inputs: Any) -> Any:
        shape, full = tuple(mask.shape), tuple(inputs.shape)
        try:
            fits = broadcast_shapes(shape, full) == full
        except ValueError:
            fits = False
        if not fits:
            more = "must not have more dimensions than the inputs" if len(shape) > len(full) else (
                "must be broadcastable to the inputs")
            raise ValueError(f"the mask of layer {self.path!r} {more}, of shape {full}, got shape {shape}")
        return mask if mask.dtype == "bool" else ops.greater(mask, 0.5)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis}
