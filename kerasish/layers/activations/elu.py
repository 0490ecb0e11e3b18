"""Exponential linear unit."""

from typing import Any

from kerasish import activations
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class ELU(SameShapeLayer):
    """Exponential linear unit: `x` where positive, else `alpha * (exp(x) - 1)` (Clevert et al., 2015).

    Args:
        alpha: minus the limit at minus infinity.
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any):
        super().__init__(**kwargs)
        self.alpha = alpha

    def call(self, inputs: Any) -> Any:
        """Return the activations."""
        return activations.elu(inputs, alpha=self.alpha)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "alpha": self.alpha}
