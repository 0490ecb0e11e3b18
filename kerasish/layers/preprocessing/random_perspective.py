"""Images seen from random points of view."""

from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import INTERPOLATIONS
from kerasish.layers.preprocessing.base_image import RandomImageLayer, factor_range
from kerasish.ops.image.warp import homography
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomPerspective(RandomImageLayer):
    """Move the corners of each image at random, with a probability, while training.

    The upper left corner stays. Source: Keras `layers.RandomPerspective`.

    Args:
        factor: two numbers from 0 to 1 between which the probability is drawn; a number b stands for (0, b).
        scale: from 0 to 1: a coordinate of a corner changes by at most this fraction of its half.
        interpolation: "bilinear" or "nearest".
        fill_value: what lies outside the image.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, scale: float = 1.0, interpolation: str = "bilinear",
                 fill_value: float = 0.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        if interpolation not in INTERPOLATIONS:
            raise NotImplementedError(f"argument `interpolation` of RandomPerspective must be one of "
                                      f"{INTERPOLATIONS}, got {interpolation!r}")
        self.factor = factor_range(factor, "factor", low=0.0)
        self.scale = factor_range(scale, "scale", low=0.0)[1]
        self.interpolation, self.fill_value = interpolation, fill_value

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor, Tensor]:
        count = images.shape[0]
        chosen = self._chosen(images, self.factor, seed)
        right, bottom = images.shape[self._axes[1]] - 1, images.shape[self._axes[0]] - 1
        corners = np.array([[[0, 0], [right, 0], [0, bottom], [right, bottom]]], "float32")
        start = ops.convert_to_tensor(np.repeat(corners, count, axis=0))
        change = self._uniform((count, 4, 2), (-0.5 * self.scale, 0.5 * self.scale), seed)
        return chosen, start, start * (1 + ops.cast(change, "float32"))

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chosen, start, end = drawn
        moved = ops.image.perspective_transform(images, start, end, interpolation=interpolation,
                                                fill_value=self.fill_value, data_format=self.data_format)
        return ops.where(chosen, moved, images)

    def _forward(self, drawn: Any, height: int, width: int) -> Tensor:
        chosen, start, end = drawn
        stay = np.array([[1, 0, 0, 0, 1, 0, 0, 0]], "float32")
        return ops.where(ops.reshape(chosen, (-1, 1)), homography(end + 0.5, start + 0.5), stay)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "scale": self.scale,
                "interpolation": self.interpolation, "fill_value": self.fill_value}
