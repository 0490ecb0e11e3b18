"""The middle of images."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.preprocessing.base_image import ImageLayer
from kerasish.layers.preprocessing.cropping import cut, forward_map, resized_middle_map
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class CenterCrop(ImageLayer):
    """Cut out the middle of images (Keras: `layers.CenterCrop`).

    Images that are smaller are resized: the largest part in their middle that has the wanted aspect ratio.

    Args:
        height, width: size of the part, in pixels.
        data_format, kwargs: as in `ImageLayer`.
    """

    always = True

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any):
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")

    def _place(self, height: int, width: int) -> tuple[int, int] | None:
        down, across = height - self.height, width - self.width
        return (down // 2, across // 2) if down >= 0 and across >= 0 else None

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        place = self._place(*(images.shape[a] for a in self._axes[:2]))
        if place is not None:
            return cut(images, self._axes, *place, self.height, self.width)
        return ops.image.resize(images, (self.height, self.width), interpolation=interpolation,
                                crop_to_aspect_ratio=True, data_format=self.data_format)

    def _forward(self, transformation: Any, height: int, width: int) -> Tensor:
        place = self._place(height, width)
        return resized_middle_map(height, width, self.height, self.width) if place is None else forward_map(*place)

    def _output_size(self, height: Any, width: Any) -> tuple[int, int]:
        return self.height, self.width

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}
