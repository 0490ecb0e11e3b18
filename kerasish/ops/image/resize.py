"""Images resampled to another size."""

from typing import Any

import numpy as np

from kerasish.backend.common.image import nearest_pixels
from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_int
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.image.layout import Layout
from kerasish.utils.image import margins, middle_box

METHODS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


def _resample_spec(x, *, axes, sizes, **_params):
    shape = list(x.shape)
    for axis, size in zip(axes, sizes):
        shape[axis] = size
    return Spec(shape, x.dtype)


def _resample_vjp(g, x_spec, axes, scales, translations, method, antialias):
    return _resample_grad(g, axes=axes, input_sizes=tuple(x_spec.shape[a] for a in axes), scales=scales,
                          translations=translations, method=method, antialias=antialias)


def _resample_grad_vjp(g, dy_spec, axes, scales, translations, method, antialias):
    return _resample(g, axes=axes, sizes=tuple(dy_spec.shape[a] for a in axes), scales=scales,
                     translations=translations, method=method, antialias=antialias)


_resample = Card("resample", ("x",), spec=_resample_spec, promote="float", vjp=(_resample_vjp,))
_resample_grad = Card("resample_grad", ("dy",), promote="float",
                      spec=lambda dy, *, axes, input_sizes, **_: _resample_spec(dy, axes=axes, sizes=input_sizes),
                      vjp=(_resample_grad_vjp,))


def _as_before(x: Tensor, dtype: str) -> Tensor:
    """Cast a resampled image back: integers are rounded and kept in the dtype's range."""
    if x.dtype.name == dtype:
        return x
    if is_int(dtype):
        info = np.iinfo(dtype)
        x = OPS["clip"](OPS["round"](x), float(info.min), float(info.max))
    return OPS["cast"](x, dtype)


@public(name="image_resize")
def resize(images: Any, size: Any, interpolation: str = "bilinear", antialias: bool = False,
           crop_to_aspect_ratio: bool = False, pad_to_aspect_ratio: bool = False, fill_mode: str = "constant",
           fill_value: float = 0.0, data_format: str | None = None) -> Tensor:
    """Resize images; pixel centres lie at half-integers, and edges are not repeated (Keras: `ops.image.resize`).

    Args:
        images: one image or a batch.
        size: (height, width).
        interpolation: "bilinear", "nearest", "bicubic" (Keys, a = -1/2), "lanczos3" or "lanczos5".
        antialias: whether the filter is widened where the image shrinks.
        crop_to_aspect_ratio: whether the middle of the image, of the aspect ratio of `size`, is taken first.
        pad_to_aspect_ratio: whether the image is padded to the aspect ratio of `size` first.
        fill_mode: "constant".
        fill_value: what padding holds.
        data_format: where the channels are.
    """
    images = to_tensor(images)
    layout = Layout(images, data_format)
    if interpolation not in METHODS:
        raise ValueError(f"argument `interpolation` must be one of {METHODS}, got {interpolation!r}")
    if fill_mode != "constant":
        raise ValueError(f"argument `fill_mode` must be 'constant', got {fill_mode!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("only one of `crop_to_aspect_ratio` and `pad_to_aspect_ratio` can be True")
    if len(size) != 2:
        raise ValueError(f"argument `size` must be (height, width), got {size}")
    height, width = (int(n) for n in size)
    if height < 1 or width < 1:
        raise ValueError(f"argument `size` needs a positive height and width, got {tuple(size)}")
    if crop_to_aspect_ratio:
        images = _crop_to_ratio(images, layout, height, width)
    elif pad_to_aspect_ratio:
        images = _pad_to_ratio(images, layout, height, width, fill_value)
    axes, sizes = (layout.h, layout.w), (height, width)
    if interpolation == "nearest":
        for axis, n in zip(axes, sizes):
            images = OPS["take"](images, nearest_pixels(images.shape[axis], n), axis=axis)
        return images
    scales = tuple(n / images.shape[a] for a, n in zip(axes, sizes))
    out = _resample(images, axes=axes, sizes=sizes, scales=scales, translations=(0.0, 0.0), method=interpolation,
                    antialias=bool(antialias))
    return _as_before(out, images.dtype.name)


def _crop_to_ratio(images: Tensor, layout: Layout, height: int, width: int) -> Tensor:
    size = images.shape[layout.h], images.shape[layout.w]
    top, left, rows, columns = middle_box(size, (height, width))
    key = [slice(None)] * images.ndim
    key[layout.h], key[layout.w] = slice(top, top + rows), slice(left, left + columns)
    return images[tuple(key)]


def _pad_to_ratio(images: Tensor, layout: Layout, height: int, width: int, fill_value: float) -> Tensor:
    pads = [[0, 0] for _ in images.shape]
    rows, columns = margins((images.shape[layout.h], images.shape[layout.w]), (height, width))
    pads[layout.h], pads[layout.w] = [rows] * 2, [columns] * 2
    return OPS["pad"](images, pads, constant_values=fill_value) if any(map(any, pads)) else images


@public(name="image_scale_and_translate")
def scale_and_translate(images: Any, output_shape: Any, scale: Any, translation: Any, spatial_dims: Any, method: str,
                        antialias: bool = True) -> Tensor:
    """Resample axes at `(i + 1/2 - translation) / scale` for each output index i.

    Args:
        images: tensor.
        output_shape: shape of the result.
        scale, translation: one number for each of `spatial_dims`; no gradient flows to them.
        spatial_dims: the axes.
        method: "linear", "bilinear", "trilinear", "cubic", "bicubic", "tricubic", "lanczos3" or "lanczos5".
        antialias: whether the filter is widened where the image shrinks.
    """
    names = {"linear": "bilinear", "trilinear": "bilinear", "cubic": "bicubic", "tricubic": "bicubic"}
    method = names.get(method, method)
    if method not in METHODS or method == "nearest":
        raise ValueError(f"argument `method` must be one of linear, cubic (or bi-, tri-), lanczos3, lanczos5; "
                         f"got {method!r}")
    images = to_tensor(images)
    axes = tuple(int(a) % images.ndim for a in spatial_dims)
    if in_shape_inference():  # where scale and translation may have no values
        lengths = [int(output_shape[a]) if a in axes else n for a, n in enumerate(images.shape)]
        return Tensor(Spec(lengths, images.dtype.name))
    scale, translation = (tuple(float(v) for v in np.asarray(x).ravel()) for x in (scale, translation))
    if not len(axes) == len(scale) == len(translation):
        raise ValueError(f"`scale` and `translation` must have one number for each of `spatial_dims` {axes}, "
                         f"got {scale} and {translation}")
    return _resample(images, axes=axes, sizes=tuple(int(output_shape[a]) for a in axes), scales=scale,
                     translations=translation, method=method, antialias=bool(antialias))
