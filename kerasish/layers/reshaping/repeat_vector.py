"""Vectors made sequences."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.reshaping.base_reshaping import Reshaping
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RepeatVector(Reshaping):
    """Return each vector `n` times: (batch, features) gives (batch, n, features) (Keras: `layers.RepeatVector`).

    Args:
        n: how often.
    """

    def __init__(self, n: int, **kwargs: Any):
        super().__init__(**kwargs)
        self.n = positive_int(n, "n")
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Any:
        """Return the sequences."""
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (batch, n, features)."""
        return input_shape[0], self.n, input_shape[1]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "n": self.n}
