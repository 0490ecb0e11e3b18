"""Nothing done."""

from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.utils import tree
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Identity(SameShapeLayer):
    """Return the inputs (Keras: `layers.Identity`)."""

    def call(self, inputs: Any) -> Any:
        """Return the inputs."""
        return inputs

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return symbolic outputs like the symbolic inputs."""
        return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype), inputs)
