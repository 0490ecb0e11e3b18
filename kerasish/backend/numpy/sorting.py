"""Top-k on the CPU by partition, where a full sort of the axis would be wasted."""

import numpy as np

from kerasish.backend.common.halves import widen
from kerasish.backend.registry import kernel


def _few_of_many(x, *, k):
    return k > 0 and 8 * k <= x.shape[-1] and x.size > 256


@kernel("top_k", device="numpy", when=_few_of_many)
def top_k(x, *, k):
    wide = widen(x)
    flat = wide.reshape(-1, wide.shape[-1])
    # The k-th largest, or NaN where there is one among the largest.
    last = np.partition(flat, -k, axis=-1)[:, -k:].min(axis=-1, keepdims=True)
    above, level = flat > last, flat == last
    # Of the entries equal to the k-th largest the first ones fill up the k places.
    chosen = above | (level & (np.cumsum(level, axis=-1) <= k - above.sum(axis=-1, keepdims=True)))
    if np.isnan(last).any():
        chosen = _with_nan(flat, k)
    index = np.nonzero(chosen)[1].reshape(len(flat), k)
    order = k - 1 - np.argsort(np.take_along_axis(flat, index, -1)[:, ::-1], axis=-1, kind="stable")[:, ::-1]
    index = np.take_along_axis(index, order, -1).reshape(*x.shape[:-1], k)
    return np.take_along_axis(x, index, -1), index.astype("int32")


def _with_nan(flat, k):
    """Mark the k largest of each row, NaN counted as the largest."""
    n = flat.shape[-1]
    order = n - 1 - np.argsort(flat[:, ::-1], axis=-1, kind="stable")[:, ::-1][:, :k]
    chosen = np.zeros(flat.shape, bool)
    np.put_along_axis(chosen, order, True, -1)
    return chosen
