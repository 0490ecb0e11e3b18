"""Images made brighter or darker at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomBrightness(RandomImageLayer):
    """Add a random number to all pixels of each image while training (Keras: `layers.RandomBrightness`).

    Args:
        factor: the largest amount either way, as a fraction of the range of values; or the least and the largest.
        value_range: least and largest value of a pixel; results are cut off there.
        seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor"), checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        low, high = self.value_range
        return self._uniform_each(images, self.factor, seed) * (high - low)

    def _transform_images(self, images: Tensor, added: Tensor, interpolation: str) -> Tensor:
        return ops.clip(images + ops.cast(added, images.dtype), *self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": list(self.value_range)}
