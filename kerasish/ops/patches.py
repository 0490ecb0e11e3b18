"""Windows of images as columns and back, and blocks of pixels as channels and back."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops.indexing import segment_sum, take
from kerasish.ops.shape import moveaxis, pad, reshape, transpose
from kerasish.utils.config import standardize_data_format

__all__ = ["depth_to_space", "fold", "space_to_depth", "unfold"]


@public
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Write each window of an image as a column.

    Args:
        x: `(batch, channels, height, width)`.
        kernel_size: sizes of the window, one integer or two.
        dilation: steps between the cells of a window.
        padding: zeros added to both ends of the axes.
        stride: steps between windows.

    Returns:
        Tensor `(batch, channels * window cells, windows)`, both in row-major order.

    Raises:
        ValueError: `x` has not four axes, or no window fits.
    """
    x = _images(x, "unfold")
    edges = _pair(padding)
    x = pad(x, ((0, 0), (0, 0), *((p, p) for p in edges)))
    rows, columns = _cells(x.shape[2:], kernel_size, dilation, stride)
    windows = take(take(x, rows, axis=2), columns, axis=4)  # (batch, channels, kh, rows, kw, columns)
    batch, channels, kh, down, kw, across = windows.shape
    return reshape(transpose(windows, (0, 1, 2, 4, 3, 5)), (batch, channels * kh * kw, down * across))


@public
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """Add each column to its window of an image: the transpose of `unfold`.

    Args:
        x: `(batch, channels * window cells, windows)`.
        output_size: height and width of the image, one integer or two.
        kernel_size, dilation, padding, stride: as in `unfold`.

    Returns:
        Tensor `(batch, channels, height, width)`.

    Raises:
        ValueError: the columns do not fit the image and its windows.
    """
    x, edges = to_tensor(x), _pair(padding)
    sizes = tuple(n + 2 * p for n, p in zip(_pair(output_size), edges))
    rows, columns = _cells(sizes, kernel_size, dilation, stride)
    (kh, down), (kw, across) = rows.shape, columns.shape
    if x.ndim != 3 or x.shape[1] % (kh * kw) or x.shape[2] != down * across:
        raise ValueError(f"fold needs a 3D tensor (batch, channels * {kh * kw}, {down * across}), got shape {x.shape}")
    windows = reshape(x, (x.shape[0], x.shape[1] // (kh * kw), kh, kw, down, across))
    image = _added(transpose(windows, (0, 1, 2, 4, 3, 5)), 4, columns, sizes[1])
    image = _added(image, 2, rows, sizes[0])
    return image[:, :, edges[0] : sizes[0] - edges[0], edges[1] : sizes[1] - edges[1]]


def _added(x: Tensor, axis: int, cells: np.ndarray, length: int) -> Tensor:
    """Sum what goes to the same cell: the axes `axis` and `axis + 1` become one of the given length."""
    x = moveaxis(x, (axis, axis + 1), (0, 1))
    rest = x.shape[2:]
    total = segment_sum(reshape(x, (cells.size, *rest)), cells.ravel(), num_segments=length)
    return moveaxis(total, 0, axis)


def _cells(sizes: Any, kernel_size: Any, dilation: Any, stride: Any) -> list[np.ndarray]:
    """Return for each axis which cell a window's tap meets: `(taps, windows)`."""
    found = []
    for n, k, d, s in zip(sizes, _pair(kernel_size), _pair(dilation), _pair(stride)):
        count = (n - (k - 1) * d - 1) // s + 1
        if count < 1:
            raise ValueError(f"no window of {k} cells, {d} apart, fits an axis of {n}")
        found.append((np.arange(k)[:, None] * d + np.arange(count) * s).astype("int32"))
    return found


def _pair(value: Any) -> tuple[int, int]:
    return (int(value[0]), int(value[1])) if isinstance(value, list | tuple) else (int(value), int(value))


def _images(x: Any, name: str) -> Tensor:
    x = to_tensor(x)
    if x.ndim != 4:
        raise ValueError(f"{name} needs images of four axes, got shape {x.shape}")
    return x


def _block(size: int) -> int:
    if int(size) < 2:
        raise ValueError(f"`block_size` must be at least 2, got {size}")
    return int(size)


@public
def depth_to_space(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Spread the channels of each pixel over a block of pixels ("pixel shuffle").

    Args:
        x: `(batch, height, width, block_size^2 channels)`, or with the channels first.
        block_size: height and width of a block.
        data_format: "channels_last" or "channels_first".

    Returns:
        Tensor `(batch, height block_size, width block_size, channels)`, or with the channels first. Of a channel's
        number, the place in the block is the slower part in "channels_last", the faster in "channels_first".

    Raises:
        ValueError: the channels cannot be spread evenly.
    """
    x, b = _images(x, "depth_to_space"), _block(block_size)
    last = standardize_data_format(data_format) == "channels_last"
    channels = x.shape[-1 if last else 1]
    if channels % (b * b):
        raise ValueError(f"depth_to_space cannot spread {channels} channels over blocks of {b} x {b} pixels")
    c = channels // (b * b)
    if last:
        n, h, w, _ = x.shape
        return reshape(transpose(reshape(x, (n, h, w, b, b, c)), (0, 1, 3, 2, 4, 5)), (n, h * b, w * b, c))
    n, _, h, w = x.shape
    return reshape(transpose(reshape(x, (n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3)), (n, c, h * b, w * b))


@public
def space_to_depth(x: Any, block_size: int, data_format: str = "channels_last") -> Tensor:
    """Gather the pixels of each block in the channels of one: the inverse of `depth_to_space`.

    Args:
        x: `(batch, height block_size, width block_size, channels)`, or with the channels first.
        block_size: height and width of a block.
        data_format: "channels_last" or "channels_first".

    Returns:
        Tensor `(batch, height, width, block_size^2 channels)`, or with the channels first.

    Raises:
        ValueError: the image cannot be cut into blocks evenly.
    """
    x, b = _images(x, "space_to_depth"), _block(block_size)
    last = standardize_data_format(data_format) == "channels_last"
    height, width = x.shape[1:3] if last else x.shape[2:]
    if height % b or width % b:
        raise ValueError(f"space_to_depth cannot cut {height} x {width} pixels into blocks of {b} x {b}")
    h, w = height // b, width // b
    if last:
        n, _, _, c = x.shape
        return reshape(transpose(reshape(x, (n, h, b, w, b, c)), (0, 1, 3, 2, 4, 5)), (n, h, w, c * b * b))
    n, c = x.shape[:2]
    return reshape(transpose(reshape(x, (n, c, h, b, w, b)), (0, 1, 3, 5, 2, 4)), (n, c * b * b, h, w))
