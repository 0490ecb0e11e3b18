"""Images changed by layers chosen at random."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.augmentations import augmentations
from kerasish.layers.preprocessing.base_image import ImageLayer, RandomImageLayer, factor_range
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class RandAugment(RandomImageLayer):
    """Pass each batch through some of eleven layers, chosen at random, while training (Cubuk et al., 2019).

    Source: Keras `layers.RandAugment`.

    Args:
        value_range: least and largest value of a pixel.
        num_ops: how many layers are chosen.
        factor: their strength, from 0 to 1: two numbers between which it is drawn, or one for (0, b).
        interpolation: "bilinear" or "nearest".
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, value_range: Any = (0, 255), num_ops: int = 2, factor: Any = 0.5,
                 interpolation: str = "bilinear", seed: int | None = None, data_format: str | None = None,
                 **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.value_range, self.num_ops, self.interpolation = value_range, num_ops, interpolation
        self.factor = factor_range(factor, "factor", low=0.0)
        parts = augmentations(self.factor, value_range, interpolation, seed=seed, data_format=self.data_format,
                              bounding_box_format=self.bounding_box_format, dtype=self.dtype_policy)
        self._names = tuple(parts)
        for name, layer in parts.items():
            setattr(self, name, layer)

    def build(self, input_shape: Any) -> None:
        """Build the layers inside."""
        for layer in self._parts():
            layer.build(input_shape)

    def _parts(self) -> list[ImageLayer]:
        return [getattr(self, name) for name in self._names]

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, list[Any]]:
        seed = self.generator if seed is None else seed
        chosen = random.randint((self.num_ops,), 0, len(self._names), seed=seed)
        return chosen, [part.get_random_transformation(images, seed=seed) for part in self._parts()]

    def _through(self, method: str, x: Any, drawn: Any) -> Any:
        """What the chosen layers make of images, masks or boxes."""
        chosen, transformations = drawn
        branches = [lambda y, part=part, t=t: getattr(part, method)(y, t)
                    for part, t in zip(self._parts(), transformations, strict=True)]
        for i in range(self.num_ops):
            x = ops.switch(chosen[i], branches, x)
        return x

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return self._through("transform_images", images, drawn)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Return masks moved as the images were."""
        masks = ops.convert_to_tensor(segmentation_masks)
        if not self._acts(transformation, training):
            return masks
        return self._through("transform_segmentation_masks", masks, transformation["drawn"])

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Return boxes moved as the images were."""
        if not self._acts(transformation, training):
            return bounding_boxes
        return self._through("transform_bounding_boxes", bounding_boxes, transformation["drawn"])

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "value_range": self.value_range, "num_ops": self.num_ops,
                "factor": self.factor, "interpolation": self.interpolation}
