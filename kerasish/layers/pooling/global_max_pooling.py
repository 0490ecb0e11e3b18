"""Maxima over whole spatial axes."""

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BaseGlobalPooling
from kerasish.utils.registry import builtin


class GlobalMaxPooling(BaseGlobalPooling):
    """The maximum over all spatial axes, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return the maximum of each channel."""
        return ops.max(inputs, **self._axes)


@builtin("keras.layers")
class GlobalMaxPooling1D(GlobalMaxPooling):
    """Take the maximum over all of sequences, channel by channel (Keras: `layers.GlobalMaxPooling1D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the spatial axes stay, with length 1.
    """

    rank = 1


@builtin("keras.layers")
class GlobalMaxPooling2D(GlobalMaxPooling):
    """Take the maximum over all of images, channel by channel (Keras: `layers.GlobalMaxPooling2D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the spatial axes stay, with length 1.
    """

    rank = 2


@builtin("keras.layers")
class GlobalMaxPooling3D(GlobalMaxPooling):
    """Take the maximum over all of volumes, channel by channel (Keras: `layers.GlobalMaxPooling3D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the spatial axes stay, with length 1.
    """

    rank = 3
