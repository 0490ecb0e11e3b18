"""Images with random rectangles erased."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import SHARE, RandomImageLayer, checked_range, factor_range
from kerasish.layers.preprocessing.rectangles import rectangle_mask, span
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomErasing(RandomImageLayer):
    """Erase a random rectangle of each image, with a probability, while training (Zhong et al., 2017).

    Source: Keras `layers.RandomErasing`.

    Args:
        factor: two numbers from 0 to 1 between which the probability is drawn; a number b stands for (0, b).
        scale: two numbers from 0 to 1: height and width are each the square root of a number between them, as a
            fraction of the image's.
        fill_value: what the rectangle holds then: a number, one a channel, or None for noise.
        value_range: least and largest value of a pixel.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, scale: Any = (0.02, 0.33), fill_value: Any = None,
                 value_range: Any = (0, 255), seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        checked_range(value_range)
        self.factor, self.scale = factor_range(factor, "factor", low=0.0), factor_range(scale, "scale", low=0.0)
        self.fill_value, self.value_range = fill_value, value_range

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor]:
        count, (h, w, _) = images.shape[0], self._axes
        shares = ops.sqrt(self._uniform((count, 2), self.scale, seed))
        across = span(images.shape[w], shares[:, 0], self._uniform((count,), SHARE, seed))
        down = span(images.shape[h], shares[:, 1], self._uniform((count,), SHARE, seed))
        mask = rectangle_mask(images.shape, self._axes, down, across)
        mask = ops.logical_and(mask, self._chosen(images, self.factor, seed))
        return mask, self._filling(images, seed)

    def _filling(self, images: Tensor, seed: Any) -> Any:
        low, high = self.value_range
        if self.fill_value is None:
            noise = random.normal(images.shape, seed=self.generator if seed is None else seed)
            return ops.clip(noise * high, low, high)
        shape = [1] * images.ndim
        values = np.asarray(self.fill_value, "float32")
        if values.ndim:
            shape[self._axes[2]] = len(values)
        return np.clip(values, low, high).reshape(shape)

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        mask, filling = drawn
        return ops.where(mask, ops.cast(filling, images.dtype), images)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "scale": self.scale, "fill_value": self.fill_value,
                "value_range": self.value_range}
