"""What convolution and pooling share: data formats, sizes per axis, and padding by name."""

from typing import Any

from kerasish.backend.common.windows import Pairs, Sizes, out_sizes
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops.shape import transpose
from kerasish.utils import config


def to_channels_last(x: Tensor, data_format: str | None) -> Tensor:
    """Return `x` with its channels as the last axis.

    Raises:
        ValueError: the data format is unknown, or `x` has not one to three spatial axes.
    """
    if not 3 <= x.ndim <= 5:
        raise ValueError(f"inputs must have a batch axis, 1 to 3 spatial axes and one of channels, got shape {x.shape}")
    if config.standardize_data_format(data_format) == "channels_last":
        return x
    return transpose(x, (0, *range(2, x.ndim), 1))


def from_channels_last(x: Tensor, data_format: str | None) -> Tensor:
    """Return channels-last `x` in a data format."""
    if config.standardize_data_format(data_format) == "channels_last":
        return x
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1)))


def per_axis(value: Any, rank: int, name: str) -> Sizes:
    """Return one positive integer a spatial axis; a single one stands for all.

    Raises:
        ValueError: there are too many or too few, or one is less than 1.
    """
    sizes = tuple(int(v) for v in value) if isinstance(value, list | tuple) else (int(value),) * rank
    if len(sizes) != rank or min(sizes) < 1:
        raise ValueError(f"argument `{name}` must be a positive integer or {rank} of them, got {value!r}")
    return sizes


def explicit_padding(padding: str, spatial: Sizes, window: Sizes, strides: Sizes, dilation: Sizes) -> Pairs:
    """Return how many cells are added before and after each spatial axis.

    Args:
        padding: "valid" (none), "same" (so many that there are ceil(n / stride) windows, the odd one at the
            end), or "causal" (all before the single axis, so that no window sees what comes after it).
        spatial: lengths of the axes.
        window: sizes of the window.
        strides: steps between windows.
        dilation: steps between the taps of a window.

    Raises:
        ValueError: the name is unknown.
    """
    name = padding.lower() if isinstance(padding, str) else padding
    if name == "valid":
        return ((0, 0),) * len(spatial)
    if name == "same":
        return tuple(_same(*sizes) for sizes in zip(spatial, window, strides, dilation, strict=True))
    if name == "causal" and len(spatial) == 1:
        return (((window[0] - 1) * dilation[0], 0),)
    raise ValueError(f"argument `padding` must be 'valid' or 'same' ('causal' with one spatial axis), got {padding!r}")


def _same(length: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    total = max(0, (-(-length // stride) - 1) * stride + (window - 1) * dilation + 1 - length)
    return total // 2, total - total // 2


def windows_spec(x: Any, window: Sizes, strides: Sizes, padding: Pairs, dilation: Sizes, channels: int) -> Spec:
    """Return the spec of an array with one cell a window."""
    sizes = out_sizes(x.shape[1:-1], window, strides, padding, dilation)
    return Spec((x.shape[0], *sizes, channels), x.dtype)
