"""Windows that slide over a time series."""

from typing import Any

import numpy as np

from kerasish.data.dataset import Dataset


def timeseries_dataset_from_array(
    data: Any, targets: Any, sequence_length: int, sequence_stride: int = 1, sampling_rate: int = 1,
    batch_size: int | None = 128, shuffle: bool = False, seed: int | None = None, start_index: int | None = None,
    end_index: int | None = None, format: str = "tf",
) -> Dataset:
    """Return a data set of windows over a time series: `data[i], data[i + rate], ..., data[i + (length - 1) rate]`.

    Args:
        data: array of shape (steps, ...).
        targets: `targets[i]` belongs to the window that starts at step `i`; None for windows alone.
        sequence_length: steps of a window.
        sequence_stride: steps between the starts of two windows.
        sampling_rate: steps between two steps of a window.
        batch_size: windows of a batch; None for single windows.
        shuffle: whether the windows come in random order, another one at every iteration.
        seed: of the shuffling; by default drawn from NumPy's global generator.
        start_index: first step that is used.
        end_index: first step that is not used any more.
        format: "tf" or "grain", accepted for Keras's sake.

    Returns:
        Elements `(windows, targets)`, or windows alone, of shape (batch, length, ...).

    Raises:
        ValueError: a number does not fit the length of the data.

    Source: `keras.utils.timeseries_dataset_from_array`.
    """
    data = np.asarray(data)
    _check_arguments(len(data), sequence_length, sequence_stride, sampling_rate, start_index, end_index, format)
    start, end = start_index or 0, end_index or len(data)
    count = end - start - (sequence_length - 1) * sampling_rate
    if targets is not None:
        targets = np.asarray(targets)
        count = min(count, len(targets))
        targets = targets[start:end]
    data, starts = data[start:end], np.arange(0, count, sequence_stride)
    if shuffle:
        seed = int(np.random.randint(1_000_000)) if seed is None else seed
        np.random.RandomState(seed).shuffle(starts)
    offsets = np.arange(0, sequence_length * sampling_rate, sampling_rate)

    def gather(rows: Any) -> Any:
        windows = data[starts[rows][..., None] + offsets]
        return windows if targets is None else (windows, targets[starts[rows]])

    out = Dataset.from_rows(gather, range(len(starts)))
    if shuffle:
        out = out.shuffle(1024 if batch_size is None else batch_size * 8, seed=seed)
    return out if batch_size is None else out.batch(batch_size)


def _check_arguments(
    steps: int, length: int, stride: int, rate: int, start: int | None, end: int | None, format: str
) -> None:
    limits = (
        ("sequence_length", length, 1, steps + 1),
        ("sequence_stride", stride, 1, steps),
        ("sampling_rate", rate, 1, steps),
        ("start_index", start or 0, 0, steps),
        ("end_index", end or steps, (start or 0) + 1, steps + 1),
    )
    for name, value, least, limit in limits:
        if not least <= value < limit:
            raise ValueError(f"`{name}` must be in [{least}, {limit}) for data of {steps} steps, got {value}")
    if format not in ("tf", "grain"):
        raise ValueError(f"`format` should be 'tf' or 'grain', got {format!r}")
