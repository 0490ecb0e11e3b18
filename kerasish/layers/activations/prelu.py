"""Rectified linear unit with a learned slope below zero."""

from typing import Any

from kerasish import activations
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class PReLU(HasWeightArguments, SameShapeLayer):
    """Parametric rectified linear unit: `x` where positive, else `alpha * x` with a learned `alpha` (He et al., 2015).

    Args:
        alpha_initializer, alpha_regularizer, alpha_constraint: of the slopes.
        shared_axes: axes along which all positions have one slope; an integer or several, 1 for the first axis
            behind the batch.
    """

    def __init__(self, alpha_initializer: Any = "Zeros", alpha_regularizer: Any = None, alpha_constraint: Any = None,
                 shared_axes: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        self._set_weight_arguments(alpha_initializer=alpha_initializer, alpha_regularizer=alpha_regularizer,
                                   alpha_constraint=alpha_constraint)
        several = isinstance(shared_axes, list | tuple)
        self.shared_axes = list(shared_axes) if several else None if shared_axes is None else [shared_axes]

    def build(self, input_shape: Any) -> None:
        """Make the slopes."""
        shared = self.shared_axes or ()
        if any(axis < 1 or axis >= len(input_shape) for axis in shared):
            raise ValueError(f"argument `shared_axes` of layer {self.path!r} must name axes from 1 to "
                             f"{len(input_shape) - 1} for inputs of shape {input_shape}, got {self.shared_axes}")
        shape = [1 if i in shared else n for i, n in enumerate(input_shape)][1:]
        if None in shape:
            raise ValueError(f"layer {self.path!r} needs the lengths of all axes that have their own slopes, but the "
                             f"input has shape {input_shape}: name the unknown ones in `shared_axes`")
        self.alpha = self._add_described("alpha", tuple(shape))
        own = {i: n for i, n in enumerate(input_shape) if i and i not in shared}
        self.input_spec = InputSpec(ndim=len(input_shape), axes=own)

    def call(self, inputs: Any) -> Any:
        """Return the activations."""
        return activations.relu(inputs) - self.alpha * activations.relu(-inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), **self._weight_config(), "shared_axes": self.shared_axes}
