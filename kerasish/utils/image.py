"""Images between files, Pillow and arrays."""

import io
import os
import warnings
from typing import Any

import numpy as np

from kerasish.utils import config
from kerasish.utils.dtype_names import numpy_dtype

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "hamming", "box", "lanczos")
_PLAIN_MODES = {"grayscale": ("L", "I;16", "I"), "rgb": ("RGB",), "rgba": ("RGBA",)}


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("images need Pillow: pip install 'kerasish[image]'") from error
    return Image


def _dtype(dtype: Any) -> np.dtype:
    return numpy_dtype(config.floatx() if dtype is None else dtype)


def load_img(
    path: Any,
    color_mode: str = "rgb",
    target_size: tuple[int, int] | None = None,
    interpolation: str = "nearest",
    keep_aspect_ratio: bool = False,
) -> Any:
    """Read an image file into a Pillow image.

    Args:
        path: a path, or a `BytesIO` with the file's content.
        color_mode: "grayscale", "rgb" or "rgba"; images of 16 and 32 bits stay so in "grayscale".
        target_size: (height, width) to resize to.
        interpolation: "nearest", "bilinear", "bicubic", "hamming", "box" or "lanczos".
        keep_aspect_ratio: whether to cut the middle out in the target's proportions before resizing.

    Raises:
        ValueError: `color_mode` or `interpolation` is unknown.
        TypeError: `path` is neither a path nor a `BytesIO`.
    """
    if color_mode not in _PLAIN_MODES:
        raise ValueError(f"color_mode must be one of {', '.join(_PLAIN_MODES)}, got {color_mode!r}")
    if interpolation not in _INTERPOLATIONS:
        raise ValueError(f"interpolation must be one of {', '.join(_INTERPOLATIONS)}, got {interpolation!r}")
    if not isinstance(path, io.BytesIO | str | bytes | os.PathLike):
        raise TypeError(f"path must be a path or a BytesIO, got {type(path).__name__}")
    content = path
    if not isinstance(path, io.BytesIO):
        with open(os.fsdecode(path), "rb") as file:
            content = io.BytesIO(file.read())
    img = _pillow().open(content)
    modes = _PLAIN_MODES[color_mode]
    if img.mode not in modes:
        img = img.convert(modes[0])
    if target_size is None or img.size == (target_size[1], target_size[0]):
        return img
    box = None
    if keep_aspect_ratio:
        top, left, rows, columns = middle_box((img.height, img.width), target_size)
        box = (left, top, left + columns, top + rows)
    return img.resize((target_size[1], target_size[0]), _pillow().Resampling[interpolation.upper()], box=box)


def middle_box(size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return the largest box in the middle of an image that has the target's proportions.

    Args:
        size: (height, width) of the image.
        target_size: (height, width) of the target.

    Returns:
        (top, left, height, width), at least one pixel.
    """
    (height, width), (target_height, target_width) = size, target_size
    rows = max(1, min(height, width * target_height // target_width))
    columns = max(1, min(width, height * target_width // target_height))
    return (height - rows) // 2, (width - columns) // 2, rows, columns


def margins(size: tuple[int, int], target_size: tuple[int, int]) -> tuple[int, int]:
    """Return how many rows (at top and bottom) and columns (at both sides) give an image the target's proportions."""
    (height, width), (target_height, target_width) = size, target_size
    rows = max(height, width * target_height // target_width) - height
    columns = max(width, height * target_width // target_height) - width
    return rows // 2, columns // 2


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> np.ndarray:
    """Return an image as an array of shape (height, width, channels), or (channels, height, width).

    Args:
        img: a Pillow image, or an array with or without channels.
        data_format: "channels_last" or "channels_first"; by default the global setting.
        dtype: by default `floatx()`.

    Raises:
        ValueError: `img` has neither two nor three axes.
    """
    channels_first = config.standardize_data_format(data_format) == "channels_first"
    x = np.asarray(img).astype(_dtype(dtype))
    if x.ndim == 2:
        return x[None] if channels_first else x[..., None]
    if x.ndim != 3:
        raise ValueError(f"img must have two or three axes, got shape {x.shape}")
    return x.transpose(2, 0, 1) if channels_first else x


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """Return a Pillow image made from an array.

    Args:
        x: shape (height, width, channels) or (channels, height, width), with 1, 3 or 4 channels.
        data_format: "channels_last" or "channels_first"; by default the global setting.
        scale: whether to stretch the values so that they run from 0 to 255.
        dtype: in which this is computed; by default `floatx()`.

    Raises:
        ValueError: `x` has another shape.
    """
    x = np.asarray(x).astype(_dtype(dtype))
    if x.ndim != 3:
        raise ValueError(f"x must be one image with three axes, got shape {x.shape}")
    if config.standardize_data_format(data_format) == "channels_first":
        x = x.transpose(1, 2, 0)
    if x.shape[-1] not in (1, 3, 4):
        raise ValueError(f"an image has 1, 3 or 4 channels, got {x.shape[-1]} in shape {x.shape}")
    if scale:
        x = x - x.min()
        x = x / (x.max() or 1) * 255
    deep = x.shape[-1] == 1 and x.max() > 255
    pixels = x.astype("int32" if deep else "uint8")
    return _pillow().fromarray(np.ascontiguousarray(pixels[..., 0] if x.shape[-1] == 1 else pixels))


def save_img(
    path: Any,
    x: Any,
    data_format: str | None = None,
    file_format: str | None = None,
    scale: bool = True,
    **kwargs: Any,
) -> None:
    """Write an array to an image file.

    Args:
        path: a path or a file open for writing.
        x: see `array_to_img`, as `data_format` and `scale`.
        file_format: such as "png"; by default the suffix of the path.
        **kwargs: for Pillow's `Image.save`.
    """
    if file_format is None and isinstance(path, str | os.PathLike):
        file_format = os.path.splitext(path)[1][1:]
    file_format = file_format.lower() if file_format else None
    if file_format == "jpg":
        file_format = "jpeg"
    img = array_to_img(x, data_format=data_format, scale=scale)
    if img.mode == "RGBA" and file_format == "jpeg":
        warnings.warn("JPEG has no transparency: the image is written as RGB", stacklevel=2)
        img = img.convert("RGB")
    img.save(path, format=file_format, **kwargs)
