"""Images with their bright parts turned into negatives."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range, scaled_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Solarization(RandomImageLayer):
    """Add a number to each pixel and turn what reaches a threshold into its negative, while training.

    On the scale 0 to 255: `y = clip(x + a)`, and `255 - y` where `y >= t`. Source: Keras `layers.Solarization`.

    Args:
        addition_factor: two fractions of the range between which a is drawn for each image; a number b stands for
            (0, b).
        threshold_factor: the same for t.
        value_range: least and largest value of a pixel.
        seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, addition_factor: Any = 0.0, threshold_factor: Any = 0.0, value_range: Any = (0, 255),
                 seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, **kwargs)
        self.addition_factor = factor_range(addition_factor, "addition_factor", low=0.0)
        self.threshold_factor = factor_range(threshold_factor, "threshold_factor", low=0.0)
        self.value_range = checked_range(value_range)

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor]:
        added, threshold = (self._uniform_each(images, (255 * low, 255 * high), seed)
                            for low, high in (self.addition_factor, self.threshold_factor))
        return added, threshold

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        added, threshold = (ops.cast(d, images.dtype) for d in drawn)
        x = ops.clip(scaled_range(images, self.value_range, (0, 255)) + added, 0.0, 255.0)
        return scaled_range(ops.where(x < threshold, x, 255.0 - x), (0, 255), self.value_range)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value_range": list(self.value_range),
                "addition_factor": self.addition_factor, "threshold_factor": self.threshold_factor}
