"""Convolutions: the card and its two gradients (closed under differentiation), and the functions of the API."""

from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops.shape import reshape
from kerasish.ops.spatial import explicit_padding, from_channels_last, per_axis, to_channels_last, windows_spec

__all__ = ["conv", "conv_transpose", "depthwise_conv", "separable_conv"]


def _conv_spec(x, w, *, strides, padding, dilation, groups) -> Spec:
    if w.shape[-2] * groups != x.shape[-1] or w.shape[-1] % groups or len(w.shape) != len(x.shape):
        raise ValueError(f"inputs {x.shape} and kernel {w.shape} do not fit each other with {groups} groups")
    return windows_spec(x, w.shape[:-2], strides, padding, dilation, w.shape[-1])


def _input_grad_of_x(g, w, x_spec, strides, padding, dilation, groups):
    steps = dict(strides=strides, padding=padding, dilation=dilation, groups=groups)
    return _conv_input_grad(g, w, input_shape=x_spec.shape, **steps)


def _weight_grad_of_w(g, x, w_spec, strides, padding, dilation, groups):
    steps = dict(strides=strides, padding=padding, dilation=dilation, groups=groups)
    return _conv_weight_grad(x, g, weight_shape=w_spec.shape, **steps)


_conv = Card("conv", ("x", "w"), spec=_conv_spec, promote="float", vjp=(_input_grad_of_x, _weight_grad_of_w))

# With y in the place of the result of `conv`: maps (y, w) to x, and (x, y) to w.
_conv_input_grad = Card(
    "conv_input_grad", ("y", "w"), promote="same",
    spec=lambda y, w, *, input_shape, **_: Spec(input_shape, y.dtype),
    vjp=(
        lambda g, w, strides, padding, dilation, groups: _conv(
            g, w, strides=strides, padding=padding, dilation=dilation, groups=groups),
        lambda g, y, w_spec, strides, padding, dilation, groups: _weight_grad_of_w(
            y, g, w_spec, strides, padding, dilation, groups),
    ),
)
_conv_weight_grad = Card(
    "conv_weight_grad", ("x", "y"), promote="same",
    spec=lambda x, y, *, weight_shape, **_: Spec(weight_shape, x.dtype),
    vjp=(
        lambda g, y, x_spec, strides, padding, dilation, groups: _input_grad_of_x(
            y, g, x_spec, strides, padding, dilation, groups),
        lambda g, x, strides, padding, dilation, groups: _conv(
            x, g, strides=strides, padding=padding, dilation=dilation, groups=groups),
    ),
)


@public
def conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", data_format: str | None = None,
         dilation_rate: Any = 1) -> Tensor:
    """Convolve over one to three spatial axes: out[n, p, o] = sum over t, c of x[n, p s + t d, c] w[t, c, o].

    Args:
        inputs: `(batch, *spatial, in)`, or `(batch, in, *spatial)` for "channels_first".
        kernel: `(*window, in / groups, out)`; the number of groups follows from its third axis from the end.
        strides: step between windows, one integer or one a spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis only).
        data_format: "channels_last" or "channels_first"; by default the configured one.
        dilation_rate: step between the taps of a window, one integer or one a spatial axis.

    Returns:
        Tensor `(batch, *out_spatial, out)`, its channels where the data format has them.

    Raises:
        ValueError: shapes or arguments do not fit each other, or no window fits the input.
    """
    x, w = to_channels_last(to_tensor(inputs), data_format), to_tensor(kernel)
    if w.ndim != x.ndim:
        raise ValueError(f"inputs of {x.ndim} axes need a kernel of as many, got shape {w.shape}")
    if not w.shape[-2] or x.shape[-1] % w.shape[-2]:
        raise ValueError(f"the input channels must match the kernel: {x.shape[-1]} cannot be divided into groups of "
                         f"{w.shape[-2]}")
    return from_channels_last(_windowed(x, w, strides, padding, dilation_rate, x.shape[-1] // w.shape[-2]), data_format)


@public
def depthwise_conv(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
                   data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """Convolve each channel by itself with `multiplier` filters.

    Args:
        inputs: `(batch, *spatial, in)`, or `(batch, in, *spatial)` for "channels_first".
        kernel: `(*window, in, multiplier)`.
        strides: step between windows, one integer or one a spatial axis.
        padding: "valid", "same", or "causal" (one spatial axis only).
        data_format: "channels_last" or "channels_first"; by default the configured one.
        dilation_rate: step between the taps of a window, one integer or one a spatial axis.

    Returns:
        Tensor `(batch, *out_spatial, in * multiplier)`: the filters of a channel stand side by side.

    Raises:
        ValueError: shapes or arguments do not fit each other, or no window fits the input.
    """
    x, w = to_channels_last(to_tensor(inputs), data_format), to_tensor(kernel)
    if w.ndim != x.ndim or w.shape[-2] != x.shape[-1]:
        raise ValueError(f"the input channels must match the kernel: {x.shape[-1]} and {x.ndim - 2} spatial axes need "
                         f"one of (*window, {x.shape[-1]}, multiplier), got shape {w.shape}")
    w = reshape(w, (*w.shape[:-2], 1, w.shape[-2] * w.shape[-1]))
    return from_channels_last(_windowed(x, w, strides, padding, dilation_rate, x.shape[-1]), data_format)


@public
def separable_conv(inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1,
                   padding: str = "valid", data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """Convolve each channel by itself, then mix the channels of each cell.

    Args:
        inputs: `(batch, *spatial, in)`, or `(batch, in, *spatial)` for "channels_first".
        depthwise_kernel: `(*window, in, multiplier)`.
        pointwise_kernel: `(*ones, in * multiplier, out)`.
        strides, padding, data_format, dilation_rate: as in `depthwise_conv`.

    Returns:
        Tensor `(batch, *out_spatial, out)`, its channels where the data format has them.
    """
    x = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(x, pointwise_kernel, data_format=data_format)


@public
def conv_transpose(inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid", output_padding: Any = None,
                   data_format: str | None = None, dilation_rate: Any = 1) -> Tensor:
    """Send each input cell, times the kernel, to the window of output cells that `conv` would read it from.

    Args:
        inputs: `(batch, *spatial, in)`, or `(batch, in, *spatial)` for "channels_first".
        kernel: `(*window, out, in)`.
        strides: step between windows of the output, one integer or one a spatial axis.
        padding: "valid" (the output holds all windows) or "same" (the output is `strides` times as long).
        output_padding: cells added to the end of each axis of the output, beside what is usual.
        data_format: "channels_last" or "channels_first"; by default the configured one.
        dilation_rate: step between the taps of a window, one integer or one a spatial axis.

    Returns:
        Tensor `(batch, *out_spatial, out)`, its channels where the data format has them.

    Raises:
        ValueError: shapes or arguments do not fit each other.
    """
    x, w = to_channels_last(to_tensor(inputs), data_format), to_tensor(kernel)
    if w.ndim != x.ndim or w.shape[-1] != x.shape[-1]:
        raise ValueError(f"the input channels must match the kernel: {x.shape[-1]} and {x.ndim - 2} spatial axes need "
                         f"one of (*window, out, {x.shape[-1]}), got shape {w.shape}")
    rank = x.ndim - 2
    steps = dict(strides=per_axis(strides, rank, "strides"), dilation=per_axis(dilation_rate, rank, "dilation_rate"))
    extra = output_padding if isinstance(output_padding, list | tuple) else (output_padding,) * rank
    if len(extra) != rank:
        raise ValueError(f"argument `output_padding` must be None, an integer or {rank} of them, got {extra!r}")
    fits = [
        transposed_axis(padding, n, k, s, d, e)
        for n, k, s, d, e in zip(x.shape[1:-1], w.shape, *steps.values(), extra)
    ]
    shape = (x.shape[0], *(length for length, _ in fits), w.shape[-2])
    out = _conv_input_grad(x, w, input_shape=shape, padding=tuple(pair for _, pair in fits), groups=1, **steps)
    return from_channels_last(out, data_format)


def transposed_axis(padding: str, length: int, window: int, stride: int, dilation: int,
                    extra: int | None) -> tuple[int, tuple[int, int]]:
    """Return the length of an axis of the output, and the padding with which `conv` maps it to the input's."""
    reach = (window - 1) * dilation
    name = padding.lower() if isinstance(padding, str) else padding
    if name == "valid":
        before = 0
        total = (length - 1) * stride + reach + 1 + (max(0, stride - reach - 1) if extra is None else extra)
    elif name == "same":
        odd = (reach + 1) % 2
        total = length * stride if extra is None else (length - 1) * stride + odd + extra
        margin = total - (length - 1) * stride + reach - 1  # of the input spread by the stride, on both sides
        before = reach - min(margin - margin // 2, reach)
    else:
        raise ValueError(f"argument `padding` must be 'valid' or 'same', got {padding!r}")
    return total, (before, (length - 1) * stride + reach + 1 - total - before)


def _windowed(x: Tensor, w: Tensor, strides: Any, padding: str, dilation: Any, groups: int) -> Tensor:
    """Convolve channels-last x, arguments as the API has them."""
    rank, window = x.ndim - 2, w.shape[:-2]
    strides, dilation = per_axis(strides, rank, "strides"), per_axis(dilation, rank, "dilation_rate")
    pairs = explicit_padding(padding, x.shape[1:-1], window, strides, dilation)
    out = _conv(x, w, strides=strides, padding=pairs, dilation=dilation, groups=groups)
    if 0 in out.shape[1:-1] and 0 not in x.shape:
        raise ValueError(f"no window of {window} taps, dilated by {dilation}, fits the input's spatial axes "
                         f"{x.shape[1:-1]} with padding {padding!r}: use a larger input or padding='same'")
    return out
