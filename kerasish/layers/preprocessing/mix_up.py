"""Images mixed with other images of the batch."""

from typing import Any

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.preprocessing.base_image import RandomImageLayer
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class MixUp(RandomImageLayer):
    """`w x + (1 - w) y`, y another image of the batch and w random, while training (Zhang et al., 2017).

    Labels, one-hot, and masks are mixed alike; boxes of both images stand side by side. Source: Keras `layers.MixUp`.

    Args:
        alpha: w is drawn for each image from the beta distribution with both parameters alpha.
        data_format, seed, kwargs: as in `RandomImageLayer`.
    """

    def __init__(self, alpha: float = 0.2, data_format: str | None = None, seed: int | None = None, **kwargs: Any):
        super().__init__(seed=seed, data_format=data_format, **kwargs)
        self.alpha = alpha

    def _draw(self, images: Tensor, seed: Any) -> tuple[Tensor, Tensor]:
        seed = self.generator if seed is None else seed
        order = random.shuffle(ops.arange(images.shape[0], dtype="int32"), seed=seed)
        return order, random.beta((images.shape[0],), self.alpha, self.alpha, seed=seed)

    def _transform_images(self, images: Tensor, drawn: Any, interpolation: str) -> Tensor:
        return mixed(images, *drawn)

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Return the labels, mixed as the images were."""
        return mixed(labels, *transformation["drawn"]) if self._acts(transformation, training) else labels

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Return the masks, mixed as the images were."""
        return self.transform_labels(segmentation_masks, transformation, training)

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Return the boxes of both images."""
        if not self._acts(transformation, training):
            return bounding_boxes
        order, _ = transformation["drawn"]
        return {k: ops.concatenate([v, ops.take(v, order, axis=0)], axis=1) for k, v in bounding_boxes.items()}

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "alpha": self.alpha}


def mixed(x: Any, order: Tensor, weight: Tensor) -> Tensor:
    """Return `w x[i] + (1 - w) x[order[i]]` for each i, in the dtype of the weights if x is integer."""
    x = ops.convert_to_tensor(x)
    dtype = x.dtype.name if x.dtype.kind not in "iub" else weight.dtype.name
    x, weight = ops.cast(x, dtype), ops.cast(ops.reshape(weight, (-1,) + (1,) * (x.ndim - 1)), dtype)
    return weight * x + (1 - weight) * ops.take(x, order, axis=0)
