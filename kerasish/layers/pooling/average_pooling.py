"""Means over windows."""

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BasePooling
from kerasish.utils.registry import builtin


class AveragePooling(BasePooling):
    """The mean over each window, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return one cell a window."""
        return ops.average_pool(inputs, **self._windows(inputs))


@builtin("keras.layers")
class AveragePooling1D(AveragePooling):
    """Take the mean over each window of sequences (batch, steps, channels) (Keras: `layers.AveragePooling1D`).

    Arguments as in `AveragePooling2D`.
    """

    rank = 1


@builtin("keras.layers")
class AveragePooling2D(AveragePooling):
    """Take the mean over each window of images, channel by channel; padding is not counted.

    Source: Keras `layers.AveragePooling2D`.

    Args:
        pool_size: size of the window, one integer or one a spatial axis.
        strides: step between windows; None for the size of the window.
        padding: "valid", or "same": windows reach over the edge, so that strides of 1 keep the size.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 2


@builtin("keras.layers")
class AveragePooling3D(AveragePooling):
    """Take the mean over each window of volumes (Keras: `layers.AveragePooling3D`).

    Arguments as in `AveragePooling2D`.
    """

    rank = 3
