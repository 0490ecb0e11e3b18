"""Samples in another shape."""

import math
from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import is_int
from kerasish.layers.reshaping.base_reshaping import Reshaping
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Reshape(Reshaping):
    """Return each sample in another shape (Keras: `layers.Reshape`).

    Args:
        target_shape: lengths of the axes behind the batch; one may be -1, which follows from the others.
    """

    def __init__(self, target_shape: Any, **kwargs: Any):
        super().__init__(**kwargs)
        shape = tuple(target_shape)
        if not all(is_int(n, -1) for n in shape) or shape.count(-1) > 1:
            raise ValueError("lengths are non-negative integers, and at most one unknown dimension may be -1, got "
                             f"target_shape={target_shape!r}")
        self.target_shape = shape
        self.built = type(self).build is Reshaping.build

    def call(self, inputs: Any) -> Any:
        """Return the samples in the shape."""
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (batch, *target_shape), with the number for -1 if the lengths of the sample are known.

        Raises:
            ValueError: a sample has another number of elements.
        """
        sample = tuple(input_shape[1:])
        if None in sample:
            return (input_shape[0], *(None if n == -1 else n for n in self.target_shape))
        known, size = math.prod(n for n in self.target_shape if n != -1), math.prod(sample)
        if -1 in self.target_shape:
            fits = known > 0 and size % known == 0
        else:
            fits = known == size
        if not fits:
            raise ValueError(f"layer {self.path!r} cannot give samples of shape {sample}, {size} elements, the shape "
                             f"{self.target_shape}")
        return (input_shape[0], *(size // known if n == -1 else n for n in self.target_shape))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "target_shape": self.target_shape}
