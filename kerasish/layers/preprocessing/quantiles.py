"""Quantiles of data that comes in batches: weighted values, few enough to be remembered, many enough to be exact.

A summary is an array (2, n): values, ascending, and how many elements of the data each stands for.
"""

import numpy as np


def summary_of(values: np.ndarray, epsilon: float) -> np.ndarray:
    """Return the summary of values: about 1 / epsilon of them, at equal distances in their order."""
    ordered = np.sort(values.ravel())
    step = max(len(ordered) * epsilon, 1)
    chosen = ordered[int(step - 1):: int(step)]
    return np.stack([chosen, np.full_like(chosen, step)])


def merged(one: np.ndarray, other: np.ndarray, epsilon: float) -> np.ndarray:
    """Return the summary of the data of two summaries."""
    both = np.concatenate([one, other], axis=1)
    return compressed(both[:, np.argsort(both[0])], epsilon)


def compressed(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Return a summary of 1 / epsilon values, each for an equal share of the elements."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    reached = summary[1].cumsum()
    reached_shares = reached / reached[-1]
    values = np.interp(shares, reached_shares, summary[0])
    weights = np.diff(np.interp(shares, reached_shares, reached), prepend=0)
    return np.stack([values, weights]).astype("float32")
