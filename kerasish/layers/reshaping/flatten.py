"""All axes behind the batch made one."""

import math
from typing import Any

from kerasish import ops
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.reshaping.base_reshaping import Reshaping
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Flatten(Reshaping):
    """Return each sample as a vector: (batch, ...) gives (batch, size), (batch,) gives (batch, 1).

    Source: Keras `layers.Flatten`.

    Args:
        data_format: "channels_first" puts the channels last before flattening, so that weights learned in either
            format fit; by default the global one.
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.data_format = config.standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Any:
        """Return the vectors."""
        shape = inputs.shape
        if self.data_format == "channels_first" and len(shape) > 1:
            inputs = ops.transpose(inputs, (0, *range(2, len(shape)), 1))
        return ops.reshape(inputs, (shape[0], math.prod(shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (batch, size of a sample)."""
        sample = tuple(input_shape[1:])
        return input_shape[0], None if None in sample else math.prod(sample)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "data_format": self.data_format}
