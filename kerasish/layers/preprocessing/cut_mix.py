"""Images with parts of other images of the batch."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import SHARE, RandomImageLayer, factor_range
from kerasish.layers.preprocessing.mix_up import mixed
from kerasish.layers.preprocessing.rectangles import rectangle_mask, span
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class CutMix(RandomImageLayer):
    """Replace a random rectangle of each image by that of another of the batch, while training (Yun et al., 2019).

    Labels, one-hot, are mixed by the areas. Source: Keras `layers.CutMix`.

    Args:
        factor: two numbers from 0 to 1 between which alpha is drawn (a number b stands for (0, b)): the rectangle's
            share of the area is one minus a number from the beta distribution with both parameters alpha.
        seed, data_format, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, factor: Any = 1.0, seed: int | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.factor = factor_range(factor, "factor", low=0.0)

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor, Tensor]:
        seed = self.generator if seed is None else seed
        count, (height, width, _) = images.shape[0], (images.shape[a] for a in self._axes)
        alpha = self._uniform((), self.factor, seed) + 1e-6
        side = ops.sqrt(1.0 - random.beta((count,), alpha, alpha, seed=seed))
        across = span(width, side, self._uniform((count,), SHARE, seed))
        down = span(height, side, self._uniform((count,), SHARE, seed))
        share = (across[1] - across[0]) * (down[1] - down[0]) / (width * height)
        order = random.shuffle(ops.arange(count, dtype="int32"), seed=seed)
        return order, 1.0 - share, rectangle_mask(images.shape, self._axes, down, across)

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        order, _, mask = drawn
        return ops.where(mask, ops.take(images, order, axis=0), images)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Return the masks, with the same rectangles replaced."""
        if not self._acts(transformation, training):
            return segmentation_masks
        return self._transform_images(ops.convert_to_tensor(segmentation_masks), transformation["drawn"], "nearest")

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Return the labels, mixed by the areas."""
        return mixed(labels, *transformation["drawn"][:2]) if self._acts(transformation, training) else labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Refuse: what is left of a box that a rectangle covers in part is no box."""
        raise NotImplementedError(f"layer {self.path!r} (CutMix) cannot change bounding boxes")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "factor": self.factor}
