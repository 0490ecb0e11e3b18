"""Images with their colours faded at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomColorDegeneration(RandomImageLayer):
    """`x + f (grey - x)`, with one random f an image, while training (Keras: `layers.RandomColorDegeneration`).

    Args:
        factor: two numbers between which f is drawn, 1 for no colour at all; a number b stands for (-b, b).
        value_range: least and largest value of a pixel; results are cut off there.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor"), checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._uniform_each(images, self.factor, seed)

    def _transform_images(self, images: Tensor, factor: Tensor, interpolation: str) -> Tensor:
        grey = ops.image.rgb_to_grayscale(images, data_format=self.data_format)
        return ops.clip(images + ops.cast(factor, images.dtype) * (grey - images), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": list(self.value_range)}
