"""Random parts of images, of one size."""

from typing import Any

from kerasish import ops
from kerasish.core.random_state import make_default_seed
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.preprocessing.base_image import RandomImageLayer
from kerasish.layers.preprocessing.cropping import cut, forward_map, resized_middle_map
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomCrop(RandomImageLayer):
    """Cut a random part out of images while training, the same for all images of a batch.

    Images that are smaller, and all images after training, are resized instead: the largest part in their middle
    that has the wanted aspect ratio. Source: Keras `layers.RandomCrop`.

    Args:
        height, width: size of the part, in pixels.
        seed, data_format, name, kwargs: as in `RandomImageLayer`; a seed is drawn if none is given.
    """

    always = True

    def __init__(self, height: int, width: int, seed: int | None = None, data_format: str | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(seed=make_default_seed() if seed is None else seed, data_format=data_format, name=name,
                         **kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor] | None:
        height, width, _ = (images.shape[a] for a in self._axes)
        if height < self.height or width < self.width:
            return None
        ends = height - self.height + 1, width - self.width + 1
        top, left = (ops.cast(self._uniform((), (0.0, end), seed), "int32") for end in ends)
        return top, left

    def _transform_images(self, images: Tensor, place: Any, interpolation: str) -> Tensor:
        if place is not None:
            return cut(images, self._axes, place[0], place[1], self.height, self.width)
        return ops.image.resize(images, (self.height, self.width), interpolation=interpolation,
                                crop_to_aspect_ratio=True, data_format=self.data_format)

    def _forward(self, place: Any, height: int, width: int) -> Tensor:
        return resized_middle_map(height, width, self.height, self.width) if place is None else forward_map(*place)

    def _output_size(self, height: Any, width: Any) -> tuple[int, int]:
        return self.height, self.width

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width}
