"""Steps that do not count."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object


@builtin("keras.layers")
class Masking(SameShapeLayer):
    """Mask the steps all of whose features equal a value, and set them to 0 (Keras: `layers.Masking`).

    Args:
        mask_value: the value.
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value) if isinstance(mask_value, dict) else mask_value

    def call(self, inputs: Any) -> Any:
        """Return the inputs, masked steps set to 0."""
        counts = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(counts, inputs, 0)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return which steps have a feature other than the value."""
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "mask_value": self.mask_value}
