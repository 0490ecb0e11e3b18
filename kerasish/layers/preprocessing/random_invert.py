"""Images turned into their negatives, or not, at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomInvert(RandomImageLayer):
    """Turn each image into its negative with a probability while training (Keras: `layers.RandomInvert`).

    Args:
        factor: two numbers from 0 to 1 between which the probability is drawn; a number b stands for (0, b).
        value_range: least and largest value of a pixel.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, value_range: Any = (0, 255), seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        checked_range(value_range)
        self.factor, self.value_range = factor_range(factor, "factor", low=0.0), value_range

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._chosen(images, self.factor, seed)

    def _transform_images(self, images: Tensor, chosen: Tensor, interpolation: str) -> Tensor:
        return ops.where(chosen, float(sum(self.value_range)) - images, images)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
