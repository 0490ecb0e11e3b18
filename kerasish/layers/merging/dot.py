"""Dot products of two tensors, sample by sample."""

import math
from typing import Any

from kerasish import ops
from kerasish.layers.merging.base_merge import Merge
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Dot(Merge):
    """Multiply two tensors and sum over one axis of each, sample by sample (Keras: `layers.Dot`).

    The result has the other axes of the first tensor, then those of the second; (batch, 1) if there are none.

    Args:
        axes: the axis of each tensor that is summed over, or one for both; the batch is axis 0 and no choice.
        normalize: whether vectors along these axes are scaled to length 1 first: the cosine similarity.
    """

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(axes, int | list | tuple):
            raise TypeError(f"argument `axes` must be an integer or two of them, got {axes!r}")
        if not isinstance(axes, int) and (len(axes) != 2 or not all(isinstance(a, int) for a in axes)):
            raise ValueError(f"argument `axes` must be an integer or two of them, got {axes!r}")
        self.axes = axes
        self.normalize = normalize

    def _axes_for(self, shapes: Any) -> tuple[int, int]:
        """The two axes, counted from the front.

        Raises:
            ValueError: there are not two inputs, or they cannot be multiplied.
        """
        self._check_list(shapes)
        if len(shapes) != 2 or min(len(shape) for shape in shapes) < 2:
            raise ValueError(f"layer {self.path!r} multiplies two inputs of at least two axes, got shapes {shapes}")
        given = [self.axes] * 2 if isinstance(self.axes, int) else self.axes
        if any(not -len(shape) <= a < len(shape) or a % len(shape) == 0 for a, shape in zip(given, shapes)):
            raise ValueError(f"argument `axes` of layer {self.path!r} must name an axis behind the batch of each "
                             f"input, got {self.axes} for shapes {shapes}")
        first, second = (a % len(shape) for a, shape in zip(given, shapes))
        m, n = shapes[0][first], shapes[1][second]
        if m != n and None not in (m, n):
            raise ValueError(f"layer {self.path!r} cannot sum over axes {first} and {second}, of lengths {m} and {n}: "
                             f"shapes {shapes}")
        return first, second

    def call(self, inputs: Any) -> Any:
        """Return the products."""
        shapes = [tuple(x.shape) for x in inputs] if isinstance(inputs, list | tuple) else inputs.shape
        axes = self._axes_for(shapes)
        if self.normalize:
            inputs = [ops.normalize(x, axis=a) for x, a in zip(inputs, axes)]
        x, y = (_sum_axis_last(x, a) for x, a in zip(inputs, axes))
        return ops.reshape(ops.matmul(x, ops.swapaxes(y, 1, 2)), self.compute_output_shape(shapes))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (batch, other axes of the first, other axes of the second)."""
        shapes = [tuple(s) if isinstance(s, list) else s for s in input_shape]
        first, second = self._axes_for(shapes)
        rest = [n for i, n in enumerate(shapes[0]) if i not in (0, first)]
        rest += [n for i, n in enumerate(shapes[1]) if i not in (0, second)]
        return (shapes[0][0], *(rest or (1,)))

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: no axis of steps is left for sure."""
        return None

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axes": self.axes, "normalize": self.normalize}


def _sum_axis_last(x: Any, axis: int) -> Any:
    """The tensor as (batch, all other axes as one, axis)."""
    x = ops.moveaxis(x, axis, -1)
    return ops.reshape(x, (x.shape[0], math.prod(x.shape[1:-1]), x.shape[-1]))


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Call a `Dot` layer made with `axes` and `kwargs` on a list of two tensors."""
    return Dot(axes=axes, **kwargs)(inputs)
