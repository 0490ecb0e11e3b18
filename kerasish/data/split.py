"""Two parts of one set of data."""

import math
import random
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish.data.array_source import count_samples
from kerasish.data.dataset import INFINITE, Dataset
from kerasish.data.leaves import is_array_like, join_numbers, part_of, pick, to_arrays
from kerasish.utils import tree


def train_validation_split(arrays: tuple, validation_split: float) -> tuple[tuple, tuple]:
    """Split structures of arrays into a first part for training and the last part for validation.

    Args:
        arrays: `(x, y, sample_weight)`, structures of arrays; None stays None.
        validation_split: fraction of the rows for validation, above 0 and below 1.

    Returns:
        `(training part, validation part)`, views where the arrays allow it.

    Raises:
        ValueError: something is no array (a generator has no last part), or a part would be empty.
    """
    joined = [join_numbers(structure) for structure in arrays]
    others = sorted({type(leaf).__name__ for leaf in tree.flatten(joined) if not is_array_like(leaf)})
    if others:
        raise ValueError(
            f"validation_split works on arrays and tensors only, got {', '.join(others)}; give validation_data"
        )
    whole = {name: to_arrays(s, name) for name, s in zip(("x", "y", "sample_weight"), joined)}
    rows = count_samples(**whole)
    split = math.floor(rows * (1.0 - validation_split))
    if not 0 < split < rows:
        raise ValueError(
            f"{rows} samples cannot be split for training and validation by "
            f"validation_split={validation_split}: one part would be empty"
        )
    return _part(whole, slice(0, split)), _part(whole, slice(split, rows))


def _part(whole: dict[str, Any], rows: slice) -> tuple:
    return tuple(tree.map_structure(lambda a: part_of(a, rows), s, none_is_leaf=False) for s in whole.values())


def split_dataset(
    dataset: Any,
    left_size: float | int | None = None,
    right_size: float | int | None = None,
    shuffle: bool = False,
    seed: int | None = None,
    preferred_backend: str | None = None,
) -> tuple[Dataset, Dataset]:
    """Split data into a left and a right data set.

    Args:
        dataset: an array, a list or tuple (or other structure) of arrays, or a data set that fits into memory,
            iterable or with `len` and `[]`: a batched Dataset is split by samples and batched again.
        left_size: fraction in (0, 1) or number of samples; by default what `right_size` leaves.
        right_size: fraction in (0, 1) or number of samples; by default what `left_size` leaves.
        shuffle: whether to put the samples into random order before.
        seed: of the shuffling; by default drawn from Python's global generator.
        preferred_backend: accepted for Keras's sake; the result is always our `Dataset`.

    Raises:
        TypeError: the data or a size is of the wrong type.
        ValueError: the sizes are missing, do not fit the data, or leave a side empty.

    Source: `keras.utils.split_dataset`.
    """
    if left_size is None and right_size is None:
        raise ValueError("split_dataset needs left_size or right_size")
    arrays, batch_size = _all_samples(dataset)
    total = count_samples(dataset=arrays)
    left, right = _sizes(left_size, right_size, total)
    order = list(range(total))
    if shuffle:
        random.Random(random.randint(0, int(1e6)) if seed is None else seed).shuffle(order)

    def side(rows: list[int]) -> Dataset:
        part = Dataset.from_rows(lambda i: tree.map_structure(lambda a: pick(a, i), arrays), rows)
        return part if batch_size is None else part.batch(batch_size)

    return side(order[:left]), side(order[total - right :])


def _all_samples(dataset: Any) -> tuple[Any, int | None]:
    """Return the data as a structure of arrays, tuples instead of lists, and its batch size if it is batched."""
    if tree.is_nested(dataset) or is_array_like(dataset):
        return tree.lists_to_tuples(to_arrays(dataset, "dataset")), None
    batch_size = None
    if isinstance(dataset, Dataset):
        if dataset.cardinality() == INFINITE:
            raise ValueError("a data set without end cannot be split: take a number of elements first")
        batch_size = dataset.batch_size
        dataset = dataset.unbatch() if batch_size else dataset
    elif hasattr(dataset, "__len__") and hasattr(dataset, "__getitem__") and not isinstance(dataset, Iterable):
        items = dataset  # samples by number, as PyTorch's data sets have them
        dataset = (items[i] for i in range(len(items)))
    elif not isinstance(dataset, Iterable) or isinstance(dataset, (str, bytes)):
        raise TypeError(
            f"dataset must be an array, a structure of arrays, or a data set, got {dataset!r} of type "
            f"{type(dataset).__name__}"
        )
    samples = list(dataset)
    if not samples:
        raise ValueError("the data set has no elements")
    return next(iter(Dataset(lambda: iter(samples), len(samples)).batch(len(samples)))), batch_size


def _sizes(left: Any, right: Any, total: int) -> tuple[int, int]:
    sizes = {"left_size": left, "right_size": right}
    for name, size in sizes.items():
        if size is None:
            continue
        if isinstance(size, bool) or not isinstance(size, (int, float, np.integer, np.floating)):
            raise TypeError(f"{name} must be an integer, a fraction or None, got {size!r}")
        whole = isinstance(size, (int, np.integer))
        if not 0 < size < (total if whole else 1):
            raise ValueError(f"{name} must be an integer in (0, {total}) or a fraction in (0, 1), got {size!r}")
        sizes[name] = int(size) if whole else round(size * total)
    left, right = sizes["left_size"], sizes["right_size"]
    left = total - right if left is None else left
    right = total - left if right is None else right
    if left + right > total:
        raise ValueError(f"left_size and right_size ask for {left} + {right} samples of {total}")
    if not left or not right:
        raise ValueError(f"of {total} samples, {left} and {right} would go left and right; neither may be empty")
    return left, right
