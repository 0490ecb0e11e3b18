"""As many bounding boxes for every image."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.preprocessing.base_image import ImageLayer
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class MaxNumBoundingBoxes(ImageLayer):
    """Cut off or fill up the bounding boxes of each image to one number (Keras: `layers.MaxNumBoundingBoxes`).

    Args:
        max_number: how many boxes there are then.
        fill_value: coordinates and labels of boxes that are added.
        kwargs: as in `ImageLayer`.
    """

    always = True

    def __init__(self, max_number: int, fill_value: int = -1, **kwargs: Any):
        super().__init__(**kwargs)
        self.max_number, self.fill_value = positive_int(max_number, "max_number"), int(fill_value)

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        return images

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Return the first boxes and labels, filled up."""
        return {**bounding_boxes, **{k: self._fitted(ops.convert_to_tensor(bounding_boxes[k]))
                                     for k in ("boxes", "labels")}}

    def _fitted(self, x: Tensor) -> Tensor:
        x = x[:, : self.max_number]
        pads = [(0, 0), (0, self.max_number - x.shape[1]), *[(0, 0)] * (x.ndim - 2)]
        return ops.pad(x, pads, constant_values=self.fill_value)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "max_number": self.max_number, "fill_value": self.fill_value}
