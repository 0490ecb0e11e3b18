"""Images stretched to the whole range of values."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import ImageLayer, checked_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class AutoContrast(ImageLayer):
    """Stretch each image and channel so that its darkest and brightest pixel reach the ends of the range.

    At training and after. A channel of one value stays as it is. Source: Keras `layers.AutoContrast`.

    Args:
        value_range: least and largest value of a pixel.
        kwargs: as in `ImageLayer`.
    """

    always = True

    def __init__(self, value_range: Any = (0, 255), **kwargs: Any):
        super().__init__(**kwargs)
        self.value_range = checked_range(value_range)

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        low, high = self.value_range
        least, largest = (f(images, axis=self._axes[:2], keepdims=True) for f in (ops.min, ops.max))
        flat = ops.equal(least, largest)
        stretched = (images - least) * ((high - low) / ops.where(flat, 1.0, largest - least)) + low
        return ops.where(flat, images, ops.clip(stretched, low, high))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value_range": list(self.value_range)}
