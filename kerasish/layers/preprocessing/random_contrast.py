"""Images of random contrast."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomContrast(RandomImageLayer):
    """`(x - mean) f + mean` for each image and channel, with one random f an image, while training.

    Source: Keras `layers.RandomContrast`.

    Args:
        factor: two numbers (a, b) from 0 to 1: f is drawn from [1 - a, 1 + b]; a number b stands for (0, b).
        value_range: least and largest value of a pixel; results are cut off there.
        seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor", low=0.0), value_range

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._uniform_each(images, (1.0 - self.factor[0], 1.0 + self.factor[1]), seed)

    def _transform_images(self, images: Tensor, factor: Tensor, interpolation: str) -> Tensor:
        mean = ops.mean(images, axis=self._axes[:2], keepdims=True)
        return ops.clip((images - mean) * ops.cast(factor, images.dtype) + mean, *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
