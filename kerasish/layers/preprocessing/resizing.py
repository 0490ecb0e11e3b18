"""Images of one size."""

from typing import Any

from kerasish import ops
from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.preprocessing.base_image import ImageLayer
from kerasish.layers.preprocessing.cropping import forward_map, resized_middle_map
from kerasish.ops.image.resize import METHODS
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Resizing(ImageLayer):
    """Resize images; integer images stay integers (Keras: `layers.Resizing`).

    Args:
        height, width: of the result, in pixels.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5".
        crop_to_aspect_ratio: whether the largest part in the middle that has the wanted aspect ratio is taken first.
        pad_to_aspect_ratio: whether images are padded to the wanted aspect ratio first.
        fill_mode: "constant".
        fill_value: what padding holds.
        antialias: whether the filter is widened where images shrink.
        data_format, kwargs: as in `ImageLayer`.
    """

    always = True

    def __init__(self, height: int, width: int, interpolation: str = "bilinear", crop_to_aspect_ratio: bool = False,
                 pad_to_aspect_ratio: bool = False, fill_mode: str = "constant", fill_value: float = 0.0,
                 antialias: bool = False, data_format: str | None = None, **kwargs: Any):
        if interpolation not in METHODS:
            raise ValueError(f"argument `interpolation` of Resizing must be one of {METHODS}, got {interpolation!r}")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing can crop or pad to the aspect ratio, not both")
        super().__init__(data_format=data_format, **kwargs)
        self.height, self.width = positive_int(height, "height"), positive_int(width, "width")
        self.interpolation, self.antialias = interpolation, bool(antialias)
        self.crop_to_aspect_ratio, self.pad_to_aspect_ratio = crop_to_aspect_ratio, pad_to_aspect_ratio
        self.fill_mode, self.fill_value = fill_mode, fill_value

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """Return a batch of images, resized, of the same dtype."""
        return self._transform_images(images, None, self.interpolation)

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        return ops.image.resize(
            images, (self.height, self.width), interpolation=interpolation, antialias=self.antialias,
            crop_to_aspect_ratio=self.crop_to_aspect_ratio, pad_to_aspect_ratio=self.pad_to_aspect_ratio,
            fill_mode=self.fill_mode, fill_value=self.fill_value, data_format=self.data_format)

    def _forward(self, transformation: Any, height: int, width: int) -> Tensor:
        if self.crop_to_aspect_ratio:
            return resized_middle_map(height, width, self.height, self.width)
        if not self.pad_to_aspect_ratio:
            return forward_map(0, 0, self.width / width, self.height / height)
        top = (max(height, int(width * self.height / self.width)) - height) // 2
        left = (max(width, int(height * self.width / self.height)) - width) // 2
        return forward_map(-top, -left, self.width / (width + 2 * left), self.height / (height + 2 * top))

    def _output_size(self, height: Any, width: Any) -> tuple[int, int]:
        return self.height, self.width

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        """Return symbolic images, or a dict, for symbolic ones; their dtype stays."""
        if isinstance(data, dict):
            return super().compute_output_spec(data, training=training)
        self._is_batched(data)
        return KerasTensor(self.compute_output_shape(data.shape), data.dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "height": self.height, "width": self.width,
                "interpolation": self.interpolation, "crop_to_aspect_ratio": self.crop_to_aspect_ratio,
                "pad_to_aspect_ratio": self.pad_to_aspect_ratio, "fill_mode": self.fill_mode,
                "fill_value": self.fill_value, "antialias": self.antialias}
