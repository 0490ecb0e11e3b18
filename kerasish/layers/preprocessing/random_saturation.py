"""Images of random saturation."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomSaturation(RandomImageLayer):
    """Multiply the saturation of each image by `f / (1 - f)`, f random, while training.

    Saturations are cut off at 0 and 1. Source: Keras `layers.RandomSaturation`.

    Args:
        factor: two numbers from 0 (grey) over 0.5 (as it was) to 1 (full) between which f is drawn; a number b
            stands for (-b, b).
        value_range: least and largest value of a pixel.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor"), checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        factor = self._uniform_each(images, self.factor, seed)
        return factor / (1 - factor + 1e-7)

    def _transform_images(self, images: Tensor, factor: Tensor, interpolation: str) -> Tensor:
        axis = self._axes[2]
        hsv = ops.image.rgb_to_hsv(images, data_format=self.data_format)
        hue, saturation, value = ops.split(hsv, 3, axis=axis)
        saturation = ops.clip(saturation * ops.cast(factor, saturation.dtype), 0.0, 1.0)
        return ops.image.hsv_to_rgb(ops.concatenate([hue, saturation, value], axis=axis),
                                    data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": list(self.value_range)}
