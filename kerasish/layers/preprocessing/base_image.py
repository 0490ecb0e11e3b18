"""What layers that change images share: where the axes are, single images, and what goes along with images."""

from typing import Any

from kerasish import ops
from kerasish.core import symbolic
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.random_state import SeedGenerator
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing import boxes as box_math
from kerasish.ops import random
from kerasish.ops.bounding_boxes import clip_to_image_size, convert_format
from kerasish.utils import config

Range = tuple[float, float]
SHARE: Range = (0.0, 1.0)


class ImageLayer(Layer):
    """A layer that changes images, (height, width, channels) or a batch of them.

    It takes images, or a dict with "images" and, if there are any, "labels", "segmentation_masks" and
    "bounding_boxes" ({"boxes": (batch, boxes, 4), "labels": (batch, boxes)}), which change as the images do.

    A subclass says what it draws (`_draw`), how images change (`_transform_images`), and, if points move, where they
    go (`_forward`) and what size the images then have (`_output_size`).

    Args:
        bounding_box_format: of the bounding boxes, such as "xyxy" or "rel_xywh".
        data_format: where the channels are; by default as the global setting says.
    """

    interpolation = "bilinear"
    always = False  # whether it changes images also when it is not training

    def __init__(self, bounding_box_format: str | None = None, data_format: str | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.bounding_box_format = None if bounding_box_format is None else box_math.checked_format(
            bounding_box_format)
        self.data_format = config.standardize_data_format(data_format)
        self._axes = (-3, -2, -1) if self.data_format == "channels_last" else (-2, -1, -3)

    # ---- what a subclass says --------------------------------------------------------------------

    def _draw(self, images: Tensor, seed: Any) -> Any:
        """Return what is drawn at random for a batch of images."""
        return None

    def _transform_images(self, images: Tensor, transformation: Any, interpolation: str) -> Tensor:
        """Return a batch of images, changed."""
        raise NotImplementedError(f"{type(self).__name__} does not say how it changes images")

    def _forward(self, transformation: Any, height: int, width: int) -> Tensor | None:
        """Return where points go, (batch or 1, 6) as in `boxes.moved`; None if they stay where they are."""
        return None

    def _output_size(self, height: Any, width: Any) -> tuple[Any, Any]:
        """Return the height and width of the result."""
        return height, width

    # ---- Keras's methods ---------------------------------------------------------------------------

    def get_random_transformation(self, data: Any, training: bool = True, seed: Any = None) -> Any:
        """Return what is drawn for some data, with their size; None if nothing is to be done.

        Args:
            data: images, or a dict with them.
            training: whether the layer is to do anything.
            seed: by default the layer's own generator.
        """
        if not training and not self.always:
            return None
        images = to_tensor(data["images"] if isinstance(data, dict) else data)
        images = images if self._is_batched(images) else ops.expand_dims(images, 0)
        height, width, _ = (images.shape[a] for a in self._axes)
        return {"drawn": self._draw(images, seed) if training else None, "height": height, "width": width}

    def _acts(self, transformation: Any, training: bool) -> bool:
        return transformation is not None and (training or self.always)

    def transform_images(self, images: Any, transformation: Any = None, training: bool = True) -> Tensor:
        """Return a batch of images in the compute dtype, changed if `training`."""
        images = ops.cast(images, self.compute_dtype)
        if not self._acts(transformation, training):
            return images
        return ops.cast(self._transform_images(images, transformation["drawn"], self.interpolation),
                        self.compute_dtype)

    def transform_segmentation_masks(self, segmentation_masks: Any, transformation: Any, training: bool = True) -> Any:
        """Return masks that moved as the images did; values are never mixed."""
        masks = to_tensor(segmentation_masks)
        if not self._acts(transformation, training) or not self._moves:
            return masks
        return self._transform_images(masks, transformation["drawn"], "nearest")

    @property
    def _moves(self) -> bool:
        return type(self)._forward is not ImageLayer._forward

    def transform_labels(self, labels: Any, transformation: Any, training: bool = True) -> Any:
        """Return the labels of the images, as they are."""
        return labels

    def transform_bounding_boxes(self, bounding_boxes: Any, transformation: Any, training: bool = True) -> Any:
        """Return boxes around what was in the boxes, cut off at the border; a box left empty gets the label -1."""
        if not self._acts(transformation, training) or not self._moves:
            return bounding_boxes
        height, width, own = transformation["height"], transformation["width"], self.bounding_box_format or "xyxy"
        corners = convert_format(bounding_boxes["boxes"], own, "xyxy", height, width)
        forward: Any = self._forward(transformation["drawn"], height, width)
        height, width = self._output_size(height, width)
        moved = {**bounding_boxes, "boxes": box_math.moved(corners, forward)}
        return convert_format(clip_to_image_size(moved, height, width), "xyxy", own, height, width)

    def transform_single_image(self, image: Any, transformation: Any, training: bool = True) -> Tensor:
        """Return one image, changed."""
        return _single(self.transform_images, image, transformation, training)

    def transform_single_label(self, label: Any, transformation: Any, training: bool = True) -> Any:
        """Return the label of one image."""
        return _single(self.transform_labels, label, transformation, training)

    def transform_single_segmentation_mask(self, segmentation_mask: Any, transformation: Any,
                                           training: bool = True) -> Any:
        """Return the mask of one image, changed."""
        return _single(self.transform_segmentation_masks, segmentation_mask, transformation, training)

    def transform_single_bounding_box(self, bounding_box: Any, transformation: Any, training: bool = True) -> Any:
        """Return the boxes of one image, changed."""
        batch = {k: ops.expand_dims(v, 0) for k, v in bounding_box.items()}
        out = self.transform_bounding_boxes(batch, transformation, training=training)
        return {k: ops.squeeze(v, axis=0) for k, v in out.items()}

    def call(self, data: Any, training: bool = True) -> Any:
        """Return the images, or the dict, changed if `training`."""
        parts = data if isinstance(data, dict) else {"images": data}
        batched = self._is_batched(to_tensor(parts["images"]))
        transformation = self.get_random_transformation(data, training=training)
        kinds = {"images": "image", "labels": "label", "segmentation_masks": "segmentation_mask",
                 "bounding_boxes": "bounding_box"}
        if "bounding_boxes" in parts and self.bounding_box_format is None:
            raise ValueError(f"layer {self.path!r} got bounding boxes, but was not told their format: give it "
                             "`bounding_box_format`, for example 'xyxy'")
        out = dict(parts)
        for key, single in kinds.items():
            if key in parts:
                method = f"transform_{key}" if batched else f"transform_single_{single}"
                out[key] = getattr(self, method)(parts[key], transformation, training=training)
        return out if isinstance(data, dict) else out["images"]

    def _is_batched(self, images: Any) -> bool:
        rank = len(images.shape)
        if rank not in (3, 4):
            raise ValueError(f"layer {self.path!r} expects one image (3 axes) or a batch of images (4 axes), got shape "
                             f"{tuple(images.shape)}")
        return rank == 4

    # ---- shapes and config -------------------------------------------------------------------------

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the images."""
        shape = list(input_shape)
        h, w, _ = self._axes
        shape[h], shape[w] = self._output_size(shape[h], shape[w])
        return tuple(shape)

    def compute_output_spec(self, data: Any, training: bool = True) -> Any:
        """Return symbolic images, or a dict, for symbolic ones."""
        if isinstance(data, dict):
            return symbolic.compute_output_spec(self.call, data, training=training)
        self._is_batched(data)
        return super().compute_output_spec(data)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        boxes = {} if self.bounding_box_format is None else {"bounding_box_format": self.bounding_box_format}
        return {**super().get_config(), "data_format": self.data_format, **boxes}


class RandomImageLayer(ImageLayer):
    """A layer that changes each image in its own random way, and only while training.

    Args:
        seed: an integer for equal draws at each run; None for others.
        kwargs: as in `ImageLayer`.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.seed = seed
        self.generator = SeedGenerator(seed)

    def _uniform(self, shape: tuple[int, ...], bounds: Range, seed: Any) -> Tensor:
        return random.uniform(shape, float(bounds[0]), float(bounds[1]), seed=self.generator if seed is None else seed)

    def _uniform_each(self, images: Tensor, bounds: Range, seed: Any) -> Tensor:
        """One number an image, in a shape that broadcasts to the images'."""
        return self._uniform((images.shape[0], 1, 1, 1), bounds, seed)

    def _chosen(self, images: Tensor, probability: Range, seed: Any) -> Tensor:
        """Whether each image is to be changed, (batch, 1, 1, 1), its probability drawn from a range."""
        probabilities = self._uniform_each(images, probability, seed)
        return self._uniform_each(images, SHARE, seed) < probabilities

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}


def _single(method: Any, x: Any, transformation: Any, training: bool) -> Any:
    return ops.squeeze(method(ops.expand_dims(x, 0), transformation, training=training), axis=0)


def factor_range(factor: Any, name: str, low: float = -1.0, high: float = 1.0, open_low: bool = False) -> Range:
    """Return the least and largest value of a factor: (-f, f) for a number f, cut off at `low`.

    Args:
        factor: a number, or two of them.
        name: of the argument.
        low, high: what it may reach.
        open_low: whether `low` itself is excluded.

    Raises:
        ValueError: it is something else, or out of range.
    """
    values = tuple(factor) if isinstance(factor, list | tuple) else (factor,)
    fits = len(values) == (2 if isinstance(factor, list | tuple) else 1) and all(
        isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high and not (open_low and v == low)
        for v in values)
    if not fits:
        bracket = "(" if open_low else "["
        raise ValueError(f"argument `{name}` must be a number in {bracket}{low}, {high}] or a pair of them, "
                         f"got {factor!r}")
    if len(values) == 2:
        return min(values), max(values)
    size = abs(values[0])
    return max(-size if size else size, low), size  # no negative zero


def checked_range(value_range: Any) -> Range:
    """Return the least and largest value that pixels can have.

    Raises:
        ValueError: it is no pair of numbers.
    """
    if not isinstance(value_range, list | tuple) or len(value_range) != 2:
        raise ValueError(f"argument `value_range` must be a pair of numbers, got {value_range!r}")
    low, high = sorted(value_range)
    return low, high


def scaled_range(images: Tensor, source: Any, target: Any) -> Tensor:
    """Return images with their range of values made another, as floating-point numbers."""
    if tuple(source) == tuple(target):
        return images
    x = images if is_float(images.dtype) else ops.cast(images, config.floatx())
    return (x - source[0]) * ((target[1] - target[0]) / (source[1] - source[0])) + target[0]
