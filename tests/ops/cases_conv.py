"""Rows of the op table: convolutions and pooling."""

import math

import numpy as np

from tests.ops.case import Case, distinct, normal
from tests.ops.loops import channels_last, loop_conv, loop_conv_transpose, loop_pool, restored, same_padding


def _each(value, rank):
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * rank


def _padding(name, spatial, window, strides, dilation):
    if name == "same":
        return same_padding(spatial, window, strides, dilation)
    if name == "causal":
        return (((window[0] - 1) * dilation[0], 0),)
    return ((0, 0),) * len(spatial)


def conv(x, w, strides=1, padding="valid", data_format=None, dilation_rate=1):
    x, rank = channels_last(x, data_format), x.ndim - 2
    strides, dilation = _each(strides, rank), _each(dilation_rate, rank)
    pairs = _padding(padding, x.shape[1:-1], w.shape[:-2], strides, dilation)
    return restored(loop_conv(x, w, strides, pairs, dilation, x.shape[-1] // w.shape[-2]), data_format)


def depthwise_conv(x, w, **steps):
    return conv(x, w.reshape(*w.shape[:-2], 1, -1), **steps)


def separable_conv(x, depthwise, pointwise, **steps):
    return conv(depthwise_conv(x, depthwise, **steps), pointwise, data_format=steps.get("data_format"))


def conv_transpose(x, w, strides=1, padding="valid", output_padding=None, data_format=None, dilation_rate=1):
    x, rank = channels_last(x, data_format), x.ndim - 2
    strides, dilation, extra = _each(strides, rank), _each(dilation_rate, rank), _each(output_padding, rank)
    begin, sizes = [], []
    for n, k, s, d, e in zip(x.shape[1:-1], w.shape, strides, dilation, extra):
        covered = (k - 1) * d + 1
        if padding == "valid":
            begin.append(0)
            sizes.append((n - 1) * s + (max(covered, s) if e is None else covered + e))
        else:  # as the gradient of a convolution with "same" padding
            sizes.append(n * s if e is None else (n - 1) * s + covered % 2 + e)
            around = sizes[-1] - (n - 1) * s + covered - 2  # cells beside the spread input, half of them before it
            begin.append(max(0, covered - 1 - (around + 1) // 2))
    return restored(loop_conv_transpose(x, w, strides, dilation, begin, sizes), data_format)


def _pool(reduce):
    def pool(x, pool_size, strides=None, padding="valid", data_format=None):
        x, rank = channels_last(x, data_format), x.ndim - 2
        window = _each(pool_size, rank)
        strides = window if strides is None else _each(strides, rank)
        pairs = _padding(padding, x.shape[1:-1], window, strides, (1,) * rank)
        return restored(loop_pool(x, window, strides, pairs, reduce), data_format)

    return pool


def _adaptive(reduce):
    def pool(x, output_size, data_format=None):
        x, rank = channels_last(x, data_format), x.ndim - 2
        for axis, m in enumerate(_each(output_size, rank), 1):
            n = x.shape[axis]
            cuts = [slice(math.floor(i * n / m), math.ceil((i + 1) * n / m)) for i in range(m)]
            x = np.stack([reduce(x[(slice(None),) * axis + (c,)], axis=axis) for c in cuts], axis=axis)
        return restored(x, data_format)

    return pool


def first(**steps):
    """Keywords of a row whose images have their channels first."""
    return {"data_format": "channels_first", **steps}


CONVS = [
    ([normal(2, 5, 2), normal(3, 2, 3)], {}),
    ([normal(2, 6, 2), normal(3, 2, 3)], {"padding": "causal", "dilation_rate": 2}),
    ([normal(3, 6, 2), normal(2, 2, 3)], {"padding": "same", "strides": 2}),
    ([normal(2, 4, 4, 2), normal(3, 3, 2, 3)], {}),
    ([normal(2, 4, 5, 3), normal(1, 1, 3, 2)], {}),
    ([normal(2, 4, 5, 3), normal(1, 1, 3, 2)], {"strides": 2}),
    ([normal(2, 5, 4, 2), normal(3, 2, 2, 3)], {"padding": "same", "strides": (2, 1)}),
    ([normal(3, 5, 3, 2), normal(2, 2, 2, 3)], {"padding": "same", "dilation_rate": (2, 1)}),
    ([normal(3, 3, 2, 4), normal(2, 2, 2, 6)], {"padding": "same", "id": "groups"}),
    ([normal(3, 2, 4, 3), normal(2, 2, 2, 3)], first(strides=2)),
    ([normal(3, 3, 2, 2, 2), normal(2, 1, 2, 2, 2)], {}),
    ([normal(3, 2, 2, 2, 3), normal(2, 2, 1, 2, 2)], first(padding="same", strides=(1, 2, 1))),
]
DEPTHWISE = [
    ([normal(2, 5, 3), normal(3, 3, 1)], {}),
    ([normal(2, 4, 4, 2), normal(3, 3, 2, 2)], {"padding": "same"}),
    ([normal(3, 5, 4, 2), normal(2, 3, 2, 1)], {"strides": 2, "padding": "same"}),
    ([normal(3, 2, 3, 4), normal(2, 2, 2, 1)], first(dilation_rate=2)),
]
TRANSPOSED = [
    ([normal(2, 4, 3), normal(3, 2, 3)], {}),
    ([normal(3, 3, 2), normal(2, 3, 2)], {"strides": 3}),
    ([normal(2, 3, 2), normal(4, 3, 2)], {"strides": 2, "padding": "same"}),
    ([normal(2, 3, 2), normal(3, 3, 2)], {"strides": 2, "padding": "same", "output_padding": 1}),
    ([normal(2, 3, 2, 2), normal(3, 3, 3, 2)], {"padding": "same"}),
    ([normal(3, 3, 2, 2), normal(2, 2, 3, 2)], {"strides": (1, 2), "dilation_rate": (2, 1)}),
    ([normal(2, 2, 3, 2), normal(3, 2, 1, 2)], first(strides=2, output_padding=(1, 0))),
    ([normal(3, 2, 1, 2, 2), normal(2, 1, 2, 1, 2)], {"strides": 2, "padding": "same"}),
]
POOLS = [
    ([distinct(2, 6, 3), 2], {}),
    ([distinct(2, 5, 3), 3], {"strides": 1, "padding": "same"}),
    ([distinct(2, 4, 6, 2), 2], {}),
    ([distinct(2, 5, 5, 2), (3, 2)], {"strides": (2, 1)}),
    ([distinct(2, 5, 6, 2), 3], {"strides": 2, "padding": "same"}),
    ([distinct(2, 2, 5, 4), 2], first(strides=2, padding="same")),
    ([distinct(2, 2, 4, 2, 2), (1, 2, 2)], {}),
]


def _rows(op, table, **fields):
    return [
        Case(op, inputs, {k: v for k, v in steps.items() if k != "id"}, id=steps.get("id", f"row{i}"), **fields)
        for i, (inputs, steps) in enumerate(table)
    ]


CASES = [
    *_rows("conv", CONVS, reference=conv),
    *_rows("depthwise_conv", DEPTHWISE, reference=depthwise_conv),
    *_rows("conv_transpose", TRANSPOSED, reference=conv_transpose),
    Case("separable_conv", [normal(3, 3, 4, 2), normal(2, 2, 2, 2), normal(1, 1, 4, 3)], {"padding": "same"},
         reference=separable_conv),
    Case("separable_conv", [normal(3, 2, 5), normal(2, 2, 1), normal(1, 2, 3)], first(strides=2),
         reference=separable_conv),
    *_rows("max_pool", POOLS, reference=_pool(np.nanmax)),
    *_rows("average_pool", POOLS, reference=_pool(np.nanmean)),
    Case("adaptive_average_pool", [normal(2, 7, 3), 3], reference=_adaptive(np.mean)),
    Case("adaptive_average_pool", [normal(2, 2, 5, 4), (3, 2)], first(), reference=_adaptive(np.mean)),
    Case("adaptive_max_pool", [distinct(2, 7, 3), 4], reference=_adaptive(np.max)),
    Case("adaptive_max_pool", [distinct(2, 2, 5, 4), (3, 6)], first(), reference=_adaptive(np.max)),
]
