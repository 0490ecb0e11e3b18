"""What the layers that change shapes share."""

from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.utils import config


class Reshaping(Layer):
    """A layer without weights whose output has the dtype of its input; it defines `compute_output_shape`."""

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), inputs.dtype)


class SpatialReshaping(Reshaping):
    """A layer that changes the lengths of spatial axes, each by a rule of its own.

    Args:
        rank: number of spatial axes.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, rank: int, data_format: str | None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=rank + 2)
        first = 2 if self.data_format == "channels_first" else 1
        self._spatial = slice(first, first + rank)

    def new_length(self, length: int, i: int) -> int:
        """Return the length of spatial axis `i` in the output, given that in the input."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the output; unknown lengths stay unknown."""
        shape = list(input_shape)
        shape[self._spatial] = [None if n is None else self.new_length(n, i)
                                for i, n in enumerate(shape[self._spatial])]
        return tuple(shape)
