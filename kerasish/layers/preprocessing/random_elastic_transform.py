"""Images distorted at random like rubber."""

from typing import Any

from kerasish import ops
from kerasish.core.random_state import draw_seed
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_affine import INTERPOLATIONS
from kerasish.layers.preprocessing.base_image import RandomImageLayer, checked_range, factor_range
from kerasish.ops.image.warp import FILL_MODES
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandomElasticTransform(RandomImageLayer):
    """Displace the pixels of images by smooth random amounts, each image with a probability, while training.

    Of the drawn strength s depends how large the smoothing kernel is, so the layer runs eagerly.
    Source: Keras `layers.RandomElasticTransform`; Simard et al., 2003.

    Args:
        factor: two numbers from 0 to 1 between which the probability is drawn; a number b stands for (0, b).
        scale: the same for s: displacements are of the order of 0.1 s times the longer side, smooth over 0.05 s
            times the shorter one.
        interpolation: "bilinear" or "nearest".
        fill_mode, fill_value: what lies outside the image, as in `ops.image.map_coordinates`.
        value_range: least and largest value of a pixel; results are cut off there.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, scale: Any = 1.0, interpolation: str = "bilinear",
                 fill_mode: str = "reflect", fill_value: float = 0.0, value_range: Any = (0, 255),
                 seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        for name, value, allowed in (("interpolation", interpolation, INTERPOLATIONS),
                                     ("fill_mode", fill_mode, FILL_MODES)):
            if value not in allowed:
                raise NotImplementedError(f"argument `{name}` of RandomElasticTransform must be one of {allowed}, "
                                          f"got {value!r}")
        checked_range(value_range)
        self.factor, self.scale = factor_range(factor, "factor", low=0.0), factor_range(scale, "scale", low=0.0)
        self.interpolation, self.fill_mode, self.fill_value = interpolation, fill_mode, fill_value
        self.value_range = value_range

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor, Tensor]:
        chosen = self._chosen(images, self.factor, seed)
        strength = self._uniform((), self.scale, seed)
        return chosen, strength, draw_seed(self.generator if seed is None else seed)

    def _displaced(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        chosen, strength, seed = drawn
        s = float(strength)
        if s == 0.0:
            return images
        sides = [images.shape[a] for a in self._axes[:2]]
        moved = ops.image.elastic_transform(
            images, alpha=0.1 * s * max(sides), sigma=0.05 * s * min(sides), interpolation=interpolation,
            fill_mode=self.fill_mode, fill_value=self.fill_value, seed=seed, data_format=self.data_format)
        return ops.where(chosen, moved, images)

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return ops.clip(self._displaced(images, drawn, interpolation), *self.value_range)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Return masks displaced as the images were."""
        if not self._acts(transformation, training):
            return segmentation_masks
        return self._displaced(ops.convert_to_tensor(segmentation_masks), transformation["drawn"], "nearest")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor, "scale": self.scale,
                "interpolation": self.interpolation, "fill_mode": self.fill_mode, "fill_value": self.fill_value,
                "value_range": self.value_range}
