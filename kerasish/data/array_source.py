"""Batches from arrays that are there as a whole."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from kerasish.data.class_weight import check_class_weight, weigh_classes
from kerasish.data.leaves import is_other_float, place, take_rows, to_arrays, to_floatx
from kerasish.data.source import Batch, BatchSource
from kerasish.utils import tree

DEFAULT_BATCH_SIZE = 32


class ArraySource(BatchSource):
    """Batches of consecutive rows, or of rows in an order drawn anew for every pass.

    The order comes from NumPy's global generator, as in Keras: `np.random.seed`, and so
    `keras.utils.set_random_seed`, makes it repeatable. Rows are gathered a batch at a time; without
    shuffling, batches are views.

    Args:
        x, y, sample_weight: structures of arrays, all with the same number of rows. One `sample_weight`
            for several outputs serves each of them.
        batch_size: rows of a batch; by default rows / `steps`, or 32.
        steps: batches of a pass, where `batch_size` is not given.
        shuffle: True shuffles all rows, "batch" the rows within each batch.
        class_weight: class -> weight; instead of `sample_weight`.

    Raises:
        ValueError: the arrays do not fit together; names each with its size.
    """

    batch_size: int

    def __init__(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        batch_size: int | None = None,
        steps: int | None = None,
        shuffle: bool | str = False,
        class_weight: Mapping[int, float] | None = None,
    ):
        check_class_weight(class_weight)
        if isinstance(shuffle, str) and shuffle != "batch":
            raise ValueError(f"shuffle must be True, False or 'batch', got {shuffle!r}")
        x, y = to_arrays(x, "x"), to_arrays(y, "y")
        sample_weight = _match_outputs(y, to_arrays(sample_weight, "sample_weight"))
        self.num_samples: int = count_samples(x=x, y=y, sample_weight=sample_weight)
        if class_weight is not None:
            sample_weight = weigh_classes(y, sample_weight, class_weight)
        self._structure = (x, y, sample_weight)
        self._nested = any(tree.is_nested(part) for part in self._structure)
        self._leaves = tree.flatten(self._structure)
        self._shuffle = shuffle
        self.batch_size = _checked_batch_size(batch_size, steps, self.num_samples)
        self.num_batches = math.ceil(self.num_samples / self.batch_size)
        self.partial_batch_size = self.num_samples % self.batch_size or None

    def __iter__(self) -> Iterator[Batch]:
        order = np.random.permutation(self.num_samples) if self._shuffle is True else None
        take = self._picker()
        for start in range(0, self.num_samples, self.batch_size):
            stop = min(start + self.batch_size, self.num_samples)
            if order is not None:
                yield take(order[start:stop])
            elif self._shuffle == "batch":
                yield take(np.random.permutation(stop - start) + start)
            else:
                yield take(slice(start, stop))

    def _picker(self) -> Callable[[Any], Batch]:
        """Return what takes rows during a pass: the quick way if nothing is nested or must be cast."""
        leaves: Any = self._leaves
        if self._nested or not all(
                a is None or isinstance(a, np.ndarray) and not is_other_float(a.dtype) for a in leaves):
            return self._take
        if self._shuffle:
            return lambda rows: tuple([None if a is None else a.take(rows, 0) for a in leaves])  # type: ignore
        return lambda rows: tuple([None if a is None else a[rows] for a in leaves])  # type: ignore

    def peek(self) -> Batch:
        # Without drawing an order: looking must not change what a seed gives.
        return self._take(slice(0, min(self.batch_size, self.num_samples)))

    def _take(self, rows: slice | np.ndarray) -> Batch:
        leaves: Any = [None if leaf is None else take_rows(leaf, rows) for leaf in self._leaves]
        return tree.pack_sequence_as(self._structure, leaves) if self._nested else tuple(leaves)


def only_batch(x: Any, batch_size: int | None) -> Batch | None:
    """Return the one batch that a plain array of few rows makes, without further ado; None for anything else."""
    rows = DEFAULT_BATCH_SIZE if batch_size is None else batch_size
    if type(x) is np.ndarray and type(rows) is int and x.ndim and 0 < len(x) <= rows:
        return to_floatx(x), None, None
    return None


def _checked_batch_size(batch_size: int | None, steps: int | None, num_samples: int) -> int:
    if batch_size is None:
        return math.ceil(num_samples / steps) if steps else DEFAULT_BATCH_SIZE
    if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
        raise ValueError(f"batch_size must be a positive integer, got {batch_size!r}")
    return int(batch_size)


def _match_outputs(y: Any, sample_weight: Any) -> Any:
    """Return sample weights nested like `y`, one array repeated for every output."""
    if sample_weight is None or not tree.is_nested(y):
        return sample_weight
    if tree.is_nested(sample_weight):
        try:
            tree.assert_same_structure(y, sample_weight)
        except ValueError as error:
            message = f"`sample_weight` must hold an array for each output, nested like y: {error}"
            raise ValueError(message) from None
        return sample_weight
    shape = sample_weight.shape
    if len(shape) != 1 and not (len(shape) == 2 and shape[1] == 1):
        raise ValueError(
            "a `sample_weight` that serves several outputs must have shape (samples,), one weight a sample, "
            f"got {tuple(shape)}; give one array an output for other weights"
        )
    return tree.map_structure(lambda _: sample_weight, y)


def count_samples(**arrays: Any) -> int:
    """Return the number of rows that all arrays have.

    Args:
        arrays: structures of arrays by name.

    Raises:
        ValueError: they have different numbers of rows (names each array with its own), or none.
    """
    sizes = {
        place(name, path): int(leaf.shape[0])
        for name, structure in arrays.items()
        for path, leaf in tree.flatten_with_path(structure)
        if leaf is not None
    }
    if len(set(sizes.values())) > 1:
        listed = ", ".join(f"{where} has {size}" for where, size in sizes.items())
        raise ValueError(f"Data cardinality is ambiguous: all arrays must have as many samples, but {listed}")
    if not sizes or not next(iter(sizes.values())):
        raise ValueError(f"there are no samples in {' or '.join(sizes) or 'the data'}")
    return next(iter(sizes.values()))
