"""Images enlarged or made smaller by random factors."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import RandomAffine, about_the_middle
from kerasish.layers.preprocessing.base_image import factor_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomZoom(RandomAffine):
    """Zoom each image about its middle by random factors while training (Keras: `layers.RandomZoom`).

    Args:
        height_factor: by what fraction more of the height is shown (negative: less, so things become larger): a
            largest amount either way, or the least and the largest, greater than -1 and at most 1.
        width_factor: the same for the width; None for the factor that was drawn for the height.
        fill_mode, interpolation, seed, fill_value, data_format, kwargs: as in `RandomAffine`.
    """

    def __init__(self, height_factor: Any, width_factor: Any = None, fill_mode: str = "reflect",
                 interpolation: str = "bilinear", seed: int | None = None, fill_value: float = 0.0,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(fill_mode, interpolation, fill_value, seed=seed, data_format=data_format, **kwargs)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._height = factor_range(height_factor, "height_factor", open_low=True)
        self._width = None if width_factor is None else factor_range(width_factor, "width_factor", open_low=True)

    def _draw(self, images: Tensor, seed: Any) -> Tensor:
        down = across = self._zoom(images, self._height, seed)
        if self._width is not None:
            across = self._zoom(images, self._width, seed)
        height, width, _ = (images.shape[a] for a in self._axes)
        zero = ops.zeros_like(down)
        return about_the_middle(across, zero, zero, down, height, width)

    def _zoom(self, images: Tensor, bounds: tuple, seed: Any) -> Tensor:
        return self._uniform((images.shape[0],), (1.0 + bounds[0], 1.0 + bounds[1]), seed)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height_factor": self.height_factor, "width_factor": self.width_factor}
