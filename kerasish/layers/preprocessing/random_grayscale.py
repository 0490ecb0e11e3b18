"""Images made grey, or not, at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import SHARE, RandomImageLayer, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomGrayscale(RandomImageLayer):
    """Make each image grey with a probability while training; it keeps its channels (`layers.RandomGrayscale`).

    Args:
        factor: the probability.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(factor, "factor", low=0.0)[1]

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._uniform_each(images, SHARE, seed) < self.factor

    def _transform_images(self, images: Tensor, chosen: Tensor, interpolation: str) -> Tensor:
        return ops.where(chosen, ops.image.rgb_to_grayscale(images, data_format=self.data_format), images)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
