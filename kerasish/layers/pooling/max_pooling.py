"""Maxima over windows."""

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BasePooling
from kerasish.utils.registry import builtin


class MaxPooling(BasePooling):
    """The maximum over each window, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return one cell a window."""
        return ops.max_pool(inputs, **self._windows(inputs))


@builtin("keras.layers")
class MaxPooling1D(MaxPooling):
    """Take the maximum over each window of sequences (batch, steps, channels) (Keras: `layers.MaxPooling1D`).

    Arguments as in `MaxPooling2D`.
    """

    rank = 1

    def __init__(self, pool_size: Any = 2, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@builtin("keras.layers")
class MaxPooling2D(MaxPooling):
    """Take the maximum over each window of images, channel by channel (Keras: `layers.MaxPooling2D`).

    Args:
        pool_size: size of the window, one integer or one a spatial axis.
        strides: step between windows; None for the size of the window.
        padding: "valid", or "same": windows reach over the edge, so that strides of 1 keep the size.
        data_format: "channels_last" or "channels_first"; by default the global one.
    """

    rank = 2

    def __init__(self, pool_size: Any = (2, 2), strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


@builtin("keras.layers")
class MaxPooling3D(MaxPooling):
    """Take the maximum over each window of volumes (Keras: `layers.MaxPooling3D`).

    Arguments as in `MaxPooling2D`.
    """

    rank = 3

    def __init__(self, pool_size: Any = (2, 2, 2), strides: Any = None, padding: str = "valid",
                 data_format: str | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
