"""What layers that move images by a random affine map share."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer
from kerasish.layers.preprocessing.boxes import inverse

FILL_MODES = ("reflect", "wrap", "constant", "nearest")
INTERPOLATIONS = ("nearest", "bilinear")


class RandomAffine(RandomImageLayer):
    """Move each image by its own affine map. What a subclass draws is the map, (batch, 8): where pixels come from.

    Args:
        fill_mode: what lies outside the image: "reflect" (d c b a | a b c d), "wrap" (the other side), "constant" or
            "nearest" (the edge).
        interpolation: "bilinear" or "nearest".
        fill_value: for "constant".
        kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, fill_mode: str, interpolation: str, fill_value: float, **kwargs: Any):
        super().__init__(**kwargs)
        for name, value, allowed in (("fill_mode", fill_mode, FILL_MODES),
                                     ("interpolation", interpolation, INTERPOLATIONS)):
            if value not in allowed:
                raise NotImplementedError(f"argument `{name}` of {type(self).__name__} must be one of {allowed}, "
                                          f"got {value!r}")
        self.fill_mode, self.interpolation, self.fill_value = fill_mode, interpolation, fill_value

    def _transform_images(self, images: Tensor, transform: Tensor, interpolation: str) -> Tensor:
        return ops.image.affine_transform(images, transform, interpolation=interpolation, fill_mode=self.fill_mode,
                                          fill_value=self.fill_value, data_format=self.data_format)

    def _forward(self, transform: Tensor, height: int, width: int) -> Tensor:
        return inverse(transform)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "fill_mode": self.fill_mode, "interpolation": self.interpolation,
                "fill_value": self.fill_value}


def about_the_middle(a0: Any, a1: Any, b0: Any, b1: Any, height: int, width: int) -> Tensor:
    """Return maps (batch, 8) of four coefficients each, (batch,), that leave the middle of the image where it is."""
    x, y = (width - 1) / 2, (height - 1) / 2
    zero = ops.zeros_like(a0)
    return ops.stack([a0, a1, x - x * a0 - y * a1, b0, b1, y - x * b0 - y * b1, zero, zero], axis=-1)
