"""Images with their hues turned at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import SHARE, RandomImageLayer, factor_range, scaled_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomHue(RandomImageLayer):
    """Turn the hues of each image by a random angle while training (Keras: `layers.RandomHue`).

    Args:
        factor: largest turn either way, 1 for half of the circle; or the least and the largest, from 0 to 1.
        value_range: least and largest value of a pixel.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor, self.value_range = factor_range(factor, "factor", low=0.0), value_range

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        backwards = self._uniform_each(images, SHARE, seed) > 0.5
        turn = 0.5 * self._uniform_each(images, self.factor, seed)
        return ops.where(backwards, -turn, turn)

    def _transform_images(self, images: Tensor, turn: Tensor, interpolation: str) -> Tensor:
        axis = self._axes[2]
        hsv = ops.image.rgb_to_hsv(scaled_range(images, self.value_range, (0, 1)), data_format=self.data_format)
        hue, saturation, value = ops.split(hsv, 3, axis=axis)
        hsv = ops.concatenate([ops.mod(hue + ops.cast(turn, hue.dtype), 1.0), saturation, value], axis=axis)
        rgb = ops.clip(ops.image.hsv_to_rgb(hsv, data_format=self.data_format), 0.0, 1.0)
        return scaled_range(rgb, (0, 1), self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": self.value_range}
