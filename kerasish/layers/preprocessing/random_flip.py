"""Images mirrored, or not, at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import SHARE, RandomImageLayer
from kerasish.utils.registry import builtin

MODES = ("horizontal", "vertical", "horizontal_and_vertical")


@builtin("keras.layers")
class RandomFlip(RandomImageLayer):
    """Mirror each image with probability 1/2 while training (Keras: `layers.RandomFlip`).

    Args:
        mode: "horizontal" (left becomes right), "vertical", or "horizontal_and_vertical": both, together or not at all.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, mode: str = "horizontal_and_vertical", seed: int | None = None, data_format: str | None = None,
                 **kwargs: Any):
        if mode not in MODES:
            raise ValueError(f"argument `mode` of RandomFlip must be one of {MODES}, got {mode!r}")
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.mode = mode

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        return self._uniform_each(images, SHARE, seed) <= 0.5

    def _transform_images(self, images: Tensor, flips: Tensor, interpolation: str) -> Tensor:
        h, w, _ = self._axes
        axes = {"horizontal": (w,), "vertical": (h,), "horizontal_and_vertical": (h, w)}[self.mode]
        return ops.where(flips, ops.flip(images, axis=axes), images)

    def _forward(self, flips: Tensor, height: int, width: int) -> Tensor:
        turned = ops.cast(ops.reshape(flips, (-1,)), "float32")
        still = ops.zeros_like(turned)
        across = still if self.mode == "vertical" else turned
        down = still if self.mode == "horizontal" else turned
        return ops.stack([1 - 2 * across, still, across * width, still, 1 - 2 * down, down * height], axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "mode": self.mode}
