"""Images turned by random angles."""

import math
from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import RandomAffine, about_the_middle
from kerasish.layers.preprocessing.base_image import factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomRotation(RandomAffine):
    """Turn each image about its middle by a random angle while training (Keras: `layers.RandomRotation`).

    Args:
        factor: largest angle either way, as a fraction of a whole turn; or the least and the largest, positive angles
            counterclockwise.
        fill_mode, interpolation, seed, fill_value, data_format, kwargs: as in `RandomAffine`.
    """

    def __init__(self, factor: Any, fill_mode: str = "reflect", interpolation: str = "bilinear",
                 seed: int | None = None, fill_value: float = 0.0, data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(factor, "factor")

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        degrees = self._uniform((images.shape[0],), (360.0 * self.factor[0], 360.0 * self.factor[1]), seed)
        angle = degrees * (math.pi / 180)
        cosine, sine = ops.cos(angle), ops.sin(angle)
        height, width, _ = (images.shape[a] for a in self._axes)
        return about_the_middle(cosine, -sine, sine, cosine, height, width)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
