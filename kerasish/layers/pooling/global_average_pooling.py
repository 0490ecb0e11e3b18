"""Means over whole spatial axes."""

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BaseGlobalPooling
from kerasish.utils.registry import builtin


class GlobalAveragePooling(BaseGlobalPooling):
    """The mean over all spatial axes, in any rank."""

    def call(self, inputs: Any) -> Any:
        """Return the mean of each channel."""
        return ops.mean(inputs, **self._axes)


@builtin("keras.layers")
class GlobalAveragePooling1D(GlobalAveragePooling):
    """Take the mean over all steps that the mask counts, channel by channel (Keras: `layers.GlobalAveragePooling1D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the time axis stays, with length 1.
    """

    rank = 1

    def call(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mean of each channel, over the steps where `mask` (batch, steps) is True."""
        if mask is None:
            return super().call(inputs)
        counted = ops.expand_dims(ops.cast(mask, "bool"), 1 if self.data_format == "channels_first" else 2)
        total = ops.sum(ops.where(counted, inputs, 0), **self._axes)
        return total / ops.sum(ops.cast(counted, inputs.dtype), **self._axes)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: the time is gone."""
        return None


@builtin("keras.layers")
class GlobalAveragePooling2D(GlobalAveragePooling):
    """Take the mean over all of images, channel by channel (Keras: `layers.GlobalAveragePooling2D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the spatial axes stay, with length 1.
    """

    rank = 2


@builtin("keras.layers")
class GlobalAveragePooling3D(GlobalAveragePooling):
    """Take the mean over all of volumes, channel by channel (Keras: `layers.GlobalAveragePooling3D`).

    Args:
        data_format: "channels_last" or "channels_first"; by default the global one.
        keepdims: whether the spatial axes stay, with length 1.
    """

    rank = 3
