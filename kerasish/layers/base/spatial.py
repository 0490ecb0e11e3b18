"""What layers that slide windows over spatial axes share: where the axes are, and how many windows fit."""

from typing import Any

from kerasish.ops.spatial import explicit_padding

Lengths = tuple[int | None, ...]


def split_shape(shape: Any, data_format: str) -> tuple[Lengths, int | None]:
    """Return the lengths of the spatial axes, and the number of channels."""
    shape = tuple(shape)
    return (shape[2:], shape[1]) if data_format == "channels_first" else (shape[1:-1], shape[-1])


def join_shape(batch: int | None, spatial: Lengths, channels: int | None, data_format: str) -> Lengths:
    """Return the shape of a tensor in a data format."""
    return (batch, channels, *spatial) if data_format == "channels_first" else (batch, *spatial, channels)


def windows_along(spatial: Lengths, window: tuple, strides: tuple, padding: str, dilation: tuple) -> Lengths:
    """Return how many windows there are along each spatial axis; None for an axis of unknown length.

    Raises:
        ValueError: an axis is too short for the window.
    """
    counts: list[int | None] = []
    for n, *steps in zip(spatial, window, strides, dilation, strict=True):
        k, s, d = steps
        if n is None:
            counts.append(None)
            continue
        ((before, after),) = explicit_padding(padding, (n,), *((v,) for v in steps))
        count = (n + before + after - (k - 1) * d - 1) // s + 1
        if count < 1:
            raise ValueError(f"no window of {window} cells, dilated by {dilation}, fits spatial axes of lengths "
                             f"{spatial} with padding {padding!r}: use a larger input, or padding='same'")
        counts.append(count)
    return tuple(counts)


def padding_name(padding: Any, allowed: tuple[str, ...] = ("valid", "same")) -> str:
    """Return the name of a padding in lower case.

    Raises:
        ValueError: it is none of those allowed.
    """
    name = padding.lower() if isinstance(padding, str) else padding
    if name not in allowed:
        raise ValueError(f"argument `padding` must be one of {allowed}, got {padding!r}")
    return name
