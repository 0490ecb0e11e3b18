"""What the normalizations with a learned scale and offset share."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.layers.base.weight_arguments import HasWeightArguments


def axis_argument(axis: Any) -> Any:
    """Return an axis, or several as a list.

    Raises:
        TypeError: it is neither an integer nor a list of them.
    """
    axes = axis if isinstance(axis, list | tuple) else [axis]
    if not axes or not all(hasattr(a, "__index__") and not isinstance(a, bool) for a in axes):
        raise TypeError(f"argument `axis` takes one integer or several, got {axis!r}")
    return [int(a) for a in axes] if isinstance(axis, list | tuple) else int(axis)


def follow(variable: Any, value: Any, momentum: float) -> Any:
    """Move a variable towards a value; return what it is then."""
    new = ops.cast(variable, value.dtype) * momentum + value * (1.0 - momentum)
    variable.assign(new)
    return new


class HasAxes(SameShapeLayer):
    """A layer with an argument `axis`: one axis of its input or several."""

    axis: Any

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        self._check_axes(tuple(input_shape))
        return input_shape

    def _check_axes(self, shape: tuple) -> None:
        axes = self.axis if isinstance(self.axis, list) else [self.axis]
        if not all(-len(shape) <= a < len(shape) for a in axes):
            raise ValueError(f"layer {self.path!r} normalizes axis {self.axis}, which inputs of shape {shape} do not "
                             "have")

    def _lengths(self, input_shape: Any) -> tuple[int, ...]:
        """Return the lengths of the input along the axes.

        Raises:
            ValueError: an axis is out of bounds, or of unknown length.
        """
        shape = tuple(input_shape)
        self._check_axes(shape)
        lengths = tuple(shape[a] for a in (self.axis if isinstance(self.axis, list) else [self.axis]))
        if None in lengths:
            raise ValueError(f"layer {self.path!r} needs to know the length of axis {self.axis} of its input, got "
                             f"shape {shape}")
        return lengths


class ScaleAndOffset(HasWeightArguments, HasAxes):
    """A normalization that multiplies by `gamma` and adds `beta` afterwards.

    Args:
        epsilon: added to the variance.
        center: whether there is a beta.
        scale: whether there is a gamma.
        weight_arguments: initializers, regularizers and constraints by name.
    """

    def __init__(self, epsilon: float, center: bool, scale: bool, weight_arguments: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.epsilon, self.center, self.scale = epsilon, center, scale
        self._set_weight_arguments(**weight_arguments)
        self.gamma: Any = None
        self.beta: Any = None

    def _add_scale_and_offset(self, shape: tuple) -> None:
        # They are read in their own dtype, however coarse the layer computes.
        if self.scale:
            self.gamma = self._add_described("gamma", shape, autocast=False)
        if self.center:
            self.beta = self._add_described("beta", shape, autocast=False)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "epsilon": self.epsilon, "center": self.center, "scale": self.scale,
                **self._weight_config()}
