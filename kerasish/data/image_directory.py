"""Image files in folders as a data set."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish.backend.common.image import nearest_pixels, resample
from kerasish.data.directory import dataset_from_directory
from kerasish.ops.image.resize import METHODS
from kerasish.utils import config
from kerasish.utils.image import img_to_array, load_img, margins, middle_box

ENDINGS = (".bmp", ".gif", ".jpeg", ".jpg", ".png")
_COLOR_MODES = ("rgb", "rgba", "grayscale")


def image_dataset_from_directory(
    directory: str | os.PathLike, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Sequence[str] | None = None, color_mode: str = "rgb", batch_size: int | None = 32,
    image_size: tuple[int, int] | int = (256, 256), shuffle: bool = True, seed: int | None = None,
    validation_split: float | None = None, subset: str | None = None, interpolation: str = "bilinear",
    follow_links: bool = False, crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False,
    data_format: str | None = None, format: str = "tf", verbose: bool = True,
) -> Any:
    """Return a data set of the image files below a folder: float32 arrays from 0 to 255, and labels.

    Args:
        directory: a folder, with a folder for each class where labels are inferred.
        labels: "inferred" from the folders, None, or a list with one integer a file in alphabetic order.
        label_mode: "int": int32, shape (batch,); "binary": float32 0 or 1, shape (batch, 1); "categorical":
            one-hot float32, shape (batch, classes); None: no labels.
        class_names: names of the folders, in the order of their labels; by default alphabetic.
        color_mode: "rgb", "rgba" or "grayscale".
        batch_size: images of a batch; None for single images.
        image_size: (height, width) to which all are resized, or one number for both.
        shuffle: whether they come in random order, another one at every iteration.
        seed: of the order; needed for a shuffled split.
        validation_split: fraction of the files, the last ones, for validation.
        subset: "training", "validation" or "both", with `validation_split`.
        interpolation: "bilinear", "nearest", "bicubic", "lanczos3" or "lanczos5", without antialiasing.
        follow_links: whether to go into folders that are links.
        crop_to_aspect_ratio: whether to cut the largest middle part of the right proportions out first.
        pad_to_aspect_ratio: whether to add black borders for the right proportions first.
        data_format: "channels_last" or "channels_first"; by default the global setting.
        format: "tf", or "grain" for the same random order at every iteration.
        verbose: whether to print the number of files.

    Returns:
        A `Dataset` of `(images, labels)`, or of images alone; a list of two for `subset="both"`. It has the
        attributes `class_names` and `file_paths`.

    Raises:
        ValueError: an argument is wrong, or there are no files.

    Source: `keras.utils.image_dataset_from_directory`.
    """
    load = _loader(color_mode, image_size, interpolation, crop_to_aspect_ratio, pad_to_aspect_ratio, data_format)
    return dataset_from_directory(
        directory, load, ENDINGS, "images", labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, format=format, verbose=verbose,
    )


def _loader(color_mode: str, image_size: Any, interpolation: str, crop: bool, pad: bool,
            data_format: str | None) -> Callable[[str], np.ndarray]:
    """Return the function that reads a file as an image of the size wanted."""
    size = (image_size, image_size) if isinstance(image_size, int) else tuple(image_size)
    if len(size) != 2:
        raise ValueError(f"image_size must be (height, width), got {image_size!r}")
    _check_choice("color_mode", color_mode, _COLOR_MODES)
    _check_choice("interpolation", interpolation, METHODS)
    if crop and pad:
        raise ValueError("crop_to_aspect_ratio and pad_to_aspect_ratio cannot both be true")
    data_format = config.standardize_data_format(data_format)

    def load(path: str) -> np.ndarray:
        img = img_to_array(load_img(path, color_mode), "channels_last", "float32")
        if crop:
            img = _cropped(img, size)
        elif pad:
            img = _padded(img, size)
        img = _resized(img, size, interpolation)
        return img.transpose(2, 0, 1) if data_format == "channels_first" else img

    return load


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, choices))}, got {value!r}")


def _resized(img: np.ndarray, size: tuple[int, int], method: str) -> np.ndarray:
    """Resize one image (height, width, channels) by the raw kernel: loader threads must not meet tapes or devices."""
    if method == "nearest":
        rows, columns = (nearest_pixels(old, new) for old, new in zip(img.shape, size))
        return img[rows][:, columns]
    scales = (size[0] / img.shape[0], size[1] / img.shape[1])
    return resample(
        np, img, axes=(0, 1), sizes=size, scales=scales, translations=(0.0, 0.0), method=method, antialias=False
    )


def _cropped(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    top, left, rows, columns = middle_box(img.shape[:2], size)
    return img[top : top + rows, left : left + columns]


def _padded(img: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    rows, columns = margins(img.shape[:2], size)
    return np.pad(img, ((rows, rows), (columns, columns), (0, 0)))
