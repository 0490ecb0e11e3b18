"""Images shifted by random amounts."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import RandomAffine
from kerasish.layers.preprocessing.base_image import factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomTranslation(RandomAffine):
    """Shift each image by random amounts while training (Keras: `layers.RandomTranslation`).

    Args:
        height_factor: shift down, as a fraction of the height: a largest amount either way, or the least and the
            largest, between -1 and 1.
        width_factor: shift to the right, as a fraction of the width.
        fill_mode, interpolation, seed, fill_value, data_format, kwargs: as in `RandomAffine`.
    """

    def __init__(self, height_factor: Any, width_factor: Any, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = factor_range(height_factor, "height_factor")
        self._width = factor_range(width_factor, "width_factor")

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        height, width, _ = (images.shape[a] for a in self._axes)
        count = (images.shape[0],)
        down = self._uniform(count, self._height, seed) * height
        right = self._uniform(count, self._width, seed) * width
        zero, one = ops.zeros_like(down), ops.ones_like(down)
        return ops.stack([one, zero, -right, zero, one, -down, zero, zero], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
