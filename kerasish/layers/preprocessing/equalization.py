"""Images whose values are spread evenly."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import ImageLayer, checked_range, scaled_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Equalization(ImageLayer):
    """Map the values of each channel so that all occur about equally often, while training.

    The histogram of a channel is that of the whole batch. Source: Keras `layers.Equalization`.

    Args:
        value_range: least and largest value of a pixel.
        bins: how many levels are counted.
        data_format, kwargs: as in `ImageLayer`.
    """

    def __init__(self, value_range: Any = (0, 255), bins: int = 256, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.value_range, self.bins = checked_range(value_range), bins

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        axis = self._axes[2]
        x = ops.moveaxis(scaled_range(images, self.value_range, (0, 255)), axis, -1)
        level = ops.cast(ops.clip(x * ((self.bins - 1) / 255.0), 0.0, self.bins - 1.0), "int32")
        place = level + np.arange(x.shape[-1], dtype="int32") * self.bins
        counts = ops.segment_sum(ops.ones((place.size,), dtype="int32"), ops.reshape(place, (-1,)),
                                 num_segments=x.shape[-1] * self.bins)
        counts = ops.reshape(counts, (x.shape[-1], self.bins))
        evened = ops.take(ops.reshape(_lookup_table(counts), (-1,)), place, axis=0)
        one_level = ops.sum(ops.cast(counts > 0, "int32"), axis=-1) <= 1
        out = ops.where(one_level, x, ops.cast(evened, x.dtype))
        return scaled_range(ops.moveaxis(out, -1, axis), (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value_range": list(self.value_range), "bins": self.bins}


def _lookup_table(counts: Tensor) -> Tensor:
    """The new value of each level, from 0 to 255: (channels, bins) for counts of that shape."""
    reached = ops.cumsum(counts, axis=-1)
    total = reached[:, -1:]
    least = ops.min(ops.where(reached > 0, reached, total), axis=-1, keepdims=True)
    share = ops.cast(reached - least, "float32") / ops.cast(ops.maximum(total - least, 1), "float32")
    return ops.clip(ops.round(255.0 * share), 0.0, 255.0)
