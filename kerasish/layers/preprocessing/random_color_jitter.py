"""Images with their colours changed at random."""

from typing import Any

from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer
from kerasish.layers.preprocessing.random_brightness import RandomBrightness
from kerasish.layers.preprocessing.random_contrast import RandomContrast
from kerasish.layers.preprocessing.random_hue import RandomHue
from kerasish.layers.preprocessing.random_saturation import RandomSaturation
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomColorJitter(RandomImageLayer):
    """Change brightness, contrast, saturation and hue of each image, in this order, while training.

    Source: Keras `layers.RandomColorJitter`.

    Args:
        value_range: least and largest value of a pixel.
        brightness_factor, contrast_factor, saturation_factor, hue_factor: as in `RandomBrightness`, `RandomContrast`,
            `RandomSaturation` and `RandomHue`; None leaves that out.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, value_range: Any = (0, 255), brightness_factor: Any = None, contrast_factor: Any = None,
                 saturation_factor: Any = None, hue_factor: Any = None, seed: int | None = None,
                 data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range = value_range
        self.brightness_factor, self.contrast_factor = brightness_factor, contrast_factor
        self.saturation_factor, self.hue_factor = saturation_factor, hue_factor
        classes = {"brightness": RandomBrightness, "contrast": RandomContrast, "saturation": RandomSaturation,
                   "hue": RandomHue}
        for name, cls in classes.items():
            factor = getattr(self, f"{name}_factor")
            layer = None if factor is None else cls(
                factor, value_range=value_range, seed=seed, data_format=self.data_format, dtype=self.dtype_policy)
            setattr(self, f"random_{name}", layer)

    def build(self, input_shape: Any) -> None:
        """Build the layers inside."""
        for layer in self._parts():
            layer.build(input_shape)

    def _parts(self) -> list[RandomImageLayer]:
        parts = [getattr(self, f"random_{name}") for name in ("brightness", "contrast", "saturation", "hue")]
        return [p for p in parts if p is not None]

    def _draw(self, images: Tensor, seed: Any) -> list[Any]:
        seed = self.generator if seed is None else seed
        return [part.get_random_transformation(images, seed=seed) for part in self._parts()]

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        for part, transformation in zip(self._parts(), drawn, strict=True):
            images = part.transform_images(images, transformation)
        return images

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("value_range", "brightness_factor", "contrast_factor", "saturation_factor", "hue_factor")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}
