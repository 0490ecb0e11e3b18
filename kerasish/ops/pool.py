"""Pooling: maxima and means over windows, and the linear maps that are their gradients."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.comparison import where
from kerasish.ops.indexing import take
from kerasish.ops.spatial import explicit_padding, from_channels_last, per_axis, to_channels_last, windows_spec

__all__ = ["adaptive_average_pool", "adaptive_max_pool", "average_pool", "max_pool"]


def _pool_spec(x, *, window, strides, padding) -> Spec:
    return windows_spec(x, window, strides, padding, (1,) * len(window), x.shape[-1])


def _shape_of_input(y, *_others, input_shape, **_steps) -> Spec:
    return Spec(input_shape, y.dtype)


_max_pool = Card(
    "max_pool", ("x",), spec=_pool_spec, promote="same",
    vjp=(lambda g, x, out, window, strides, padding: _max_pool_grad(
        g, x, out, window=window, strides=strides, padding=padding),),
)
# Sends y to the first cell of its window of x at which x equals the maximum.
_max_pool_grad: Card = Card(
    "max_pool_grad", ("y", "x", "maximum"), spec=lambda y, x, maximum, **_: Spec(x.shape, y.dtype),
    vjp=(lambda g, x, maximum, window, strides, padding: _max_pool_gather(
        g, _max_pool_index(x, maximum, window=window, strides=strides, padding=padding),
        window=window, strides=strides, padding=padding), None, None),
)
# The number of the winning tap of each window: the first of those that tie.
_max_pool_index: Card = Card(
    "max_pool_index", ("x", "y"),
    spec=lambda x, y, *, window, **_: Spec(y.shape, "uint8" if np.prod(window) <= 256 else "int32"),
)
_max_pool_scatter = Card(
    "max_pool_scatter", ("y", "index"), spec=_shape_of_input,
    vjp=(lambda g, index, window, strides, padding: _max_pool_gather(
        g, index, window=window, strides=strides, padding=padding), None),
)
_max_pool_gather: Card = Card(
    "max_pool_gather", ("x", "index"), spec=lambda x, index, **_: Spec(index.shape, x.dtype),
    vjp=(lambda g, index, x_spec, window, strides, padding: _max_pool_scatter(
        g, index, input_shape=x_spec.shape, window=window, strides=strides, padding=padding), None),
)
_avg_pool = Card(
    "avg_pool", ("x",), spec=_pool_spec, promote="float",
    vjp=(lambda g, x_spec, window, strides, padding: _avg_pool_grad(
        g, input_shape=x_spec.shape, window=window, strides=strides, padding=padding),),
)
_avg_pool_grad: Card = Card(
    "avg_pool_grad", ("y",), spec=_shape_of_input,
    vjp=(lambda g, window, strides, padding: _avg_pool(g, window=window, strides=strides, padding=padding),),
)


@public
def max_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
             data_format: str | None = None) -> Tensor:
    """Return the maximum of each window; the gradient goes to the first of equal maxima.

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` for "channels_first".
        pool_size: size of the window, one integer or one a spatial axis.
        strides: step between windows; by default the size of the window.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; by default the configured one.

    Returns:
        Tensor in the data format of the inputs, with one cell a window.

    Raises:
        ValueError: arguments do not fit the inputs.
    """
    return _pool(_max_pool, inputs, pool_size, strides, padding, data_format)


@public
def average_pool(inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
                 data_format: str | None = None) -> Tensor:
    """Return the mean of each window; padded cells are not counted. Arguments and result as in `max_pool`."""
    return _pool(_avg_pool, inputs, pool_size, strides, padding, data_format)


def _pool(card: Card, inputs: Any, pool_size: Any, strides: Any, padding: str, data_format: str | None) -> Tensor:
    x = to_channels_last(to_tensor(inputs), data_format)
    rank = x.ndim - 2
    window = per_axis(pool_size, rank, "pool_size")
    strides = window if strides is None else per_axis(strides, rank, "strides")
    if padding not in ("valid", "same"):
        raise ValueError(f"argument `padding` must be 'valid' or 'same', got {padding!r}")
    pairs = explicit_padding(padding, x.shape[1:-1], window, strides, (1,) * rank)
    return from_channels_last(card(x, window=window, strides=strides, padding=pairs), data_format)


@public
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """Return means over windows so placed that the output has a given size.

    Window i along an axis of n cells and m results covers the cells from floor(i n / m) up to, not including,
    ceil((i + 1) n / m).

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` for "channels_first".
        output_size: sizes of the spatial axes of the result, one integer or one an axis.
        data_format: "channels_last" or "channels_first"; by default the configured one.

    Returns:
        Tensor in the data format of the inputs.
    """
    return _adaptive(_mean_along, inputs, output_size, data_format)


@public
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """Return maxima over windows so placed that the output has a given size.

    Arguments, windows and result as in `adaptive_average_pool`.
    """
    return _adaptive(_max_along, inputs, output_size, data_format)


def _adaptive(along: Any, inputs: Any, output_size: Any, data_format: str | None) -> Tensor:
    x = to_channels_last(to_tensor(inputs), data_format)
    for axis, size in enumerate(per_axis(output_size, x.ndim - 2, "output_size"), 1):
        cuts = np.arange(size + 1) * x.shape[axis]
        x = along(x, axis, cuts[:-1] // size, -(-cuts[1:] // size))
    return from_channels_last(x, data_format)


def _max_along(x: Tensor, axis: int, starts: np.ndarray, stops: np.ndarray) -> Tensor:
    # A shorter window repeats its last cell, which changes no maximum.
    longest = int((stops - starts).max())
    cells = np.minimum(starts[:, None] + np.arange(longest), stops[:, None] - 1)
    return reduction.max(take(x, cells, axis=axis), axis=axis + 1)


def _mean_along(x: Tensor, axis: int, starts: np.ndarray, stops: np.ndarray) -> Tensor:
    # Windows differ by one cell at most; that cell is added where a window has it.
    counts = stops - starts
    shortest = int(counts.min())
    shape = [1] * x.ndim
    shape[axis] = len(counts)
    total = reduction.sum(take(x, starts[:, None] + np.arange(shortest), axis=axis), axis=axis + 1)
    last = where((counts > shortest).reshape(shape), take(x, stops - 1, axis=axis), 0)
    return (total + last) / counts.reshape(shape).astype(x.dtype)
