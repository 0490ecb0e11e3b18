"""Images of random sharpness."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin

SMOOTHING = np.array([[1, 1, 1], [1, 5, 1], [1, 1, 1]], "float32") / 13


@builtin("keras.layers")
class RandomSharpness(RandomImageLayer):
    """`x + (1 - 2 f) (smoothed - x)`, with one random f an image, while training (Keras: `layers.RandomSharpness`).

    Args:
        factor: two numbers from 0 (smooth) over 0.5 (as it was) to 1 (sharp) between which f is drawn; a number b
            stands for (0, b).
        value_range: least and largest value of a pixel; results are cut off there.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor", low=0.0), checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._uniform_each(images, self.factor, seed)

    def _transform_images(self, images: Tensor, factor: Tensor, interpolation: str) -> Tensor:
        kernel = ops.cast(np.tile(SMOOTHING[:, :, None, None], (1, 1, images.shape[self._axes[2]], 1)), images.dtype)
        smooth = ops.depthwise_conv(images, kernel, strides=1, padding="same", data_format=self.data_format)
        return ops.clip(images + (1 - 2 * ops.cast(factor, images.dtype)) * (smooth - images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": list(self.value_range)}
