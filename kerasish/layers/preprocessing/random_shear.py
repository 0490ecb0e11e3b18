"""Images sheared at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import RandomAffine
from kerasish.layers.preprocessing.base_image import SHARE, factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomShear(RandomAffine):
    """Shear each image by random amounts while training: pixel (x, y) comes from (x + a y, b x + y).

    Source: Keras `layers.RandomShear`.

    Args:
        x_factor: the largest a either way; or the least and the largest.
        y_factor: the same for b.
        interpolation, fill_mode, fill_value, data_format, seed, kwargs: as in `RandomAffine`.
    """

    def __init__(self, x_factor: Any = 0.0, y_factor: Any = 0.0, interpolation: str = "bilinear",
                 fill_mode: str = "reflect", fill_value: float = 0.0, data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.x_factor, self.y_factor = factor_range(x_factor, "x_factor"), factor_range(y_factor, "y_factor")

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        count = (images.shape[0],)
        backwards = self._uniform(count, SHARE, seed) > 0.5
        down, across = self._uniform(count, self.y_factor, seed), self._uniform(count, self.x_factor, seed)
        down, across = (ops.where(backwards, -v, v) for v in (down, across))
        zero, one = ops.zeros_like(down), ops.ones_like(down)
        return ops.stack([one, across, zero, down, one, zero, zero, zero], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "x_factor": self.x_factor, "y_factor": self.y_factor}
