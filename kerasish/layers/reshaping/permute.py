"""Axes in another order."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.reshaping.base_reshaping import Reshaping
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Permute(Reshaping):
    """Return the samples with their axes in another order (Keras: `layers.Permute`).

    Args:
        dims: the old numbers of the axes in the new order; 1 is the first behind the batch.
    """

    def __init__(self, dims: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError("Invalid permutation in argument `dims`: expected 1, 2, ..., n in any order, got "
                             f"{dims!r}")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Any:
        """Return the inputs transposed."""
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the lengths in the new order."""
        return (input_shape[0], *(input_shape[i] for i in self.dims))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "dims": self.dims}
