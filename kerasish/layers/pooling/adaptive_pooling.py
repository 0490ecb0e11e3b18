"""Pooling to a size that is given, by windows that follow from it."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import int_tuple
from kerasish.layers.base.spatial import join_shape, split_shape
from kerasish.layers.pooling.base_pooling import SpatialPooling
from kerasish.utils.registry import builtin


class AdaptivePooling(SpatialPooling):
    """A layer whose windows cover the input evenly; it defines `rank` and `call`.

    Args:
        output_size: lengths of the spatial axes of the output, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format, **kwargs)
        self.output_size = int_tuple(output_size, self.rank, "output_size")

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the output."""
        channels = split_shape(input_shape, self.data_format)[1]
        return join_shape(input_shape[0], self.output_size, channels, self.data_format)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}


class AdaptiveAveragePooling(AdaptivePooling):
    """Means over windows that cover the input evenly, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return one cell a window."""
        return ops.adaptive_average_pool(inputs, self.output_size, self.data_format)


class AdaptiveMaxPooling(AdaptivePooling):
    """Maxima over windows that cover the input evenly, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return one cell a window."""
        return ops.adaptive_max_pool(inputs, self.output_size, self.data_format)


@builtin("keras.layers")
class AdaptiveAveragePooling1D(AdaptiveAveragePooling):
    """Shrink sequences (batch, steps, channels) to a given size by means (Keras: `layers.AdaptiveAveragePooling1D`).

    Args:
        output_size: length of the time axis of the output.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 1


@builtin("keras.layers")
class AdaptiveAveragePooling2D(AdaptiveAveragePooling):
    """Shrink images to a given size by means (Keras: `layers.AdaptiveAveragePooling2D`).

    Args:
        output_size: lengths of the spatial axes of the output, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 2


@builtin("keras.layers")
class AdaptiveAveragePooling3D(AdaptiveAveragePooling):
    """Shrink volumes to a given size by means (Keras: `layers.AdaptiveAveragePooling3D`).

    Args:
        output_size: lengths of the spatial axes of the output, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 3


@builtin("keras.layers")
class AdaptiveMaxPooling1D(AdaptiveMaxPooling):
    """Shrink sequences (batch, steps, channels) to a given size by maxima (Keras: `layers.AdaptiveMaxPooling1D`).

    Args:
        output_size: length of the time axis of the output.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 1


@builtin("keras.layers")
class AdaptiveMaxPooling2D(AdaptiveMaxPooling):
    """Shrink images to a given size by maxima (Keras: `layers.AdaptiveMaxPooling2D`).

    Args:
        output_size: lengths of the spatial axes of the output, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 2


@builtin("keras.layers")
class AdaptiveMaxPooling3D(AdaptiveMaxPooling):
    """Shrink volumes to a given size by maxima (Keras: `layers.AdaptiveMaxPooling3D`).

    Args:
        output_size: lengths of the spatial axes of the output, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 3
