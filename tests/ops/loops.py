"""Convolution and pooling as they are defined, one window at a time: references for ops and kernels."""

from itertools import product

import numpy as np


def loop_conv(x, w, strides, padding, dilation, groups):
    """Convolution of channels-last `x` with explicit padding."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)))
    sizes = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[1:-1], w.shape, strides, dilation)]
    ins, outs = w.shape[-2], w.shape[-1] // groups
    y = np.zeros((x.shape[0], *sizes, w.shape[-1]))
    for cell in product(*map(range, sizes)):
        for tap in product(*map(range, w.shape[:-2])):
            at = tuple(c * s + t * d for c, s, t, d in zip(cell, strides, tap, dilation))
            for i in range(groups):
                part = x[(slice(None), *at)][:, i * ins : (i + 1) * ins]
                y[(slice(None), *cell)][:, i * outs : (i + 1) * outs] += part @ w[tap][:, i * outs : (i + 1) * outs]
    return y


def loop_pool(x, window, strides, padding, reduce):
    """Pooling of channels-last `x`; the explicit padding is NaN, which `reduce` passes over."""
    x = np.pad(x, ((0, 0), *padding, (0, 0)), constant_values=np.nan)
    sizes = [(n - k) // s + 1 for n, k, s in zip(x.shape[1:-1], window, strides)]
    y = np.zeros((x.shape[0], *sizes, x.shape[-1]))
    for cell in product(*map(range, sizes)):
        cut = tuple(slice(c * s, c * s + k) for c, s, k in zip(cell, strides, window))
        y[(slice(None), *cell)] = reduce(x[(slice(None), *cut)].reshape(x.shape[0], -1, x.shape[-1]), axis=1)
    return y


def loop_conv_transpose(x, w, strides, dilation, begin, sizes):
    """Send each cell of channels-last `x` to its window on a canvas, and cut `sizes` cells from `begin` out."""
    reach = [(k - 1) * d for k, d in zip(w.shape, dilation)]
    canvas = [(n - 1) * s + r + 1 + 20 for n, s, r in zip(x.shape[1:-1], strides, reach)]  # with room to spare
    y = np.zeros((x.shape[0], *canvas, w.shape[-2]))
    for cell in product(*map(range, x.shape[1:-1])):
        for tap in product(*map(range, w.shape[:-2])):
            at = tuple(c * s + t * d for c, s, t, d in zip(cell, strides, tap, dilation))
            y[(slice(None), *at)] += x[(slice(None), *cell)] @ w[tap].T
    return y[(slice(None), *(slice(b, b + n) for b, n in zip(begin, sizes)))]


def same_padding(spatial, window, strides, dilation):
    """Padding for ceil(n / stride) windows, the odd cell at the end."""
    pairs = []
    for n, k, s, d in zip(spatial, window, strides, dilation):
        total = max(0, (int(np.ceil(n / s)) - 1) * s + (k - 1) * d + 1 - n)
        pairs.append((total // 2, total - total // 2))
    return tuple(pairs)


def channels_last(x, data_format):
    """`x` with its channels last."""
    return np.moveaxis(x, 1, -1) if data_format == "channels_first" else x


def restored(y, data_format):
    """Channels-last `y` in a data format."""
    return np.moveaxis(y, -1, 1) if data_format == "channels_first" else y
