"""Small kernels slid over images, and what is computed with them."""

from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import float_of
from kerasish.core.op import public
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.image.layout import Layout


def _filter(x: Tensor, kernels: list[Any], layout: Layout, padding: str = "same") -> list[Tensor]:
    """Correlate every channel with each kernel (height, width), zeros around the image."""
    x, out = layout.as_batch(x), []
    for kernel in kernels:
        kernel = to_tensor(kernel, x.dtype.name)
        weights = OPS["tile"](OPS["reshape"](kernel, (*kernel.shape, 1, 1)), (1, 1, x.shape[-1], 1))
        out.append(layout.as_given(
            OPS["depthwise_conv"](x, weights, strides=1, padding=padding, data_format="channels_last")))
    return out


def _gaussian(size: int, sigma: Any, dtype: str) -> Tensor:
    """`exp(-x^2 / (2 sigma^2))` about the middle, of sum one."""
    x = to_tensor(np.arange(size) - (size - 1) / 2, dtype)
    k = OPS["exp"](-0.5 * OPS["square"](x / sigma))
    return k / OPS["sum"](k)


@public(name="image_gaussian_blur")
def gaussian_blur(images: Any, kernel_size: Any = (3, 3), sigma: Any = (1.0, 1.0),
                  data_format: str | None = None) -> Tensor:
    """Blur images with a Gaussian kernel of sum one; zeros lie around the image.

    Args:
        images: one image or a batch, floating-point.
        kernel_size: two ints: width and height of the kernel.
        sigma: two standard deviations, in pixels, along width and height.
        data_format: where the channels are.
    """
    images = to_tensor(images)
    layout = Layout(images, data_format)
    if in_shape_inference():
        return images
    dtype = images.dtype.name
    sigma = to_tensor(sigma, dtype)
    across, down = (_gaussian(int(kernel_size[i]), sigma[i], dtype) for i in (0, 1))
    (out,) = _filter(images, [OPS["reshape"](across, (1, -1))], layout)
    return _filter(out, [OPS["reshape"](down, (-1, 1))], layout)[0]


@public(name="image_sobel_edges")
def sobel_edges(images: Any, data_format: str | None = None) -> Tensor:
    """Return the Sobel derivatives (d/dy, d/dx) of images in a new last axis."""
    images = to_tensor(images)
    dx = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], "float32")
    return OPS["stack"](_filter(images, [dx.T, dx], Layout(images, data_format)), axis=-1)


@public(name="image_ssim")
def ssim(image1: Any, image2: Any, max_val: float = 1.0, filter_size: int = 11, filter_sigma: float = 1.5,
         k1: float = 0.01, k2: float = 0.03, data_format: str | None = None) -> Tensor:
    """Return the structural similarity of images (Wang et al., 2004), averaged over pixels and channels.

    Args:
        image1, image2: one image each, or a batch of them.
        max_val: the range of pixel values.
        filter_size, filter_sigma: of the Gaussian window over which moments are taken, in pixels.
        k1, k2: the constants that steady the quotients of means and of variances.
        data_format: where the channels are.

    Returns:
        One number a pair, 1 for equal images.
    """
    x, y = to_tensor(image1), to_tensor(image2)
    dtype = x.dtype.name
    layout = Layout(x, data_format)
    Layout(y, data_format)
    x, y = (OPS["cast"](v, float_of(dtype)) for v in (x, y))
    window = _gaussian(int(filter_size), filter_sigma, x.dtype.name)

    def local_mean(v):
        (v,) = _filter(v, [OPS["reshape"](window, (1, -1))], layout, "valid")
        return _filter(v, [OPS["reshape"](window, (-1, 1))], layout, "valid")[0]

    c1, c2 = (k1 * max_val) ** 2, (k2 * max_val) ** 2
    mx, my = local_mean(x), local_mean(y)
    vx, vy, cov = local_mean(x * x) - mx * mx, local_mean(y * y) - my * my, local_mean(x * y) - mx * my
    quality = ((2 * mx * my + c1) * (2 * cov + c2)) / ((mx * mx + my * my + c1) * (vx + vy + c2))
    out = OPS["mean"](quality, axis=(layout.h, layout.w, layout.c))
    return OPS["cast"](out, dtype)
