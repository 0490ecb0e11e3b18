"""Images with random numbers of levels."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, scaled_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomPosterization(RandomImageLayer):
    """Keep n bits of the 8 of each pixel, one random n an image, while training (`layers.RandomPosterization`).

    Args:
        factor: two integers a < b from 1 to 8: n is drawn from [a, b); a number b stands for (1, b).
        value_range: least and largest value of a pixel.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any, value_range: Any = (0, 255), data_format: str | None = None,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        pair = tuple(sorted(factor)) if isinstance(factor, list | tuple) else (1, factor)
        if len(pair) != 2 or not all(isinstance(n, int) and 1 <= n <= 8 for n in pair):
            raise ValueError("argument `factor` of RandomPosterization must be an integer from 1 to 8 or a pair of "
                             f"them, got {factor!r}")
        self.factor, self.value_range = pair, checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        low, high = self.factor
        bits = ops.floor(self._uniform_each(images, (low, max(high, low + 1)), seed))
        return ops.power(2.0, 8.0 - bits)

    def _transform_images(self, images: Tensor, step: Tensor, interpolation: str) -> Tensor:
        step = ops.cast(step, images.dtype)
        levels = ops.floor(ops.floor(scaled_range(images, self.value_range, (0, 255))) / step) * step
        return scaled_range(levels, (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "value_range": list(self.value_range)}
