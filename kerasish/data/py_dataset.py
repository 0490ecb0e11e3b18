"""Batches by number, made by the user's Python code."""

import itertools
import random
from collections.abc import Iterator, Mapping
from typing import Any

from kerasish.data.prefetch import made_ahead, processes, threads
from kerasish.data.source import Batch, ConvertingSource


def _stored(name: str, doc: str) -> property:
    """Return a property that is kept under another name, so that a subclass may override it."""
    return property(lambda self: getattr(self, name), lambda self, value: setattr(self, name, value), doc=doc)


class PyDataset:
    """Base class of data sets that make their batches in Python, if wished in parallel.

    A subclass has `__getitem__(index)`, which returns a whole batch `(x,)`, `(x, y)` or
    `(x, y, sample_weight)`, and either `__len__` or the property `num_batches`.

    Args:
        workers: threads or processes that make batches; with one thread they are made as they are needed.
        use_multiprocessing: whether the workers are processes, to which the data set is sent by pickling.
        max_queue_size: batches made ahead, at most.

    Source: `keras.utils.PyDataset`.
    """

    # Also for a subclass that does not call this constructor.
    _workers = 1
    _use_multiprocessing = False
    _max_queue_size = 10

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10):
        self._workers = workers
        self._use_multiprocessing = use_multiprocessing
        self._max_queue_size = max_queue_size

    workers = _stored("_workers", "Threads or processes that make batches.")
    use_multiprocessing = _stored("_use_multiprocessing", "Whether workers are processes.")
    max_queue_size = _stored("_max_queue_size", "Batches made ahead, at most.")

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} must have a method __getitem__ that returns a batch")

    @property
    def num_batches(self) -> int | None:
        """Batches of an epoch; None for a data set without end."""
        if hasattr(self, "__len__"):
            return len(self)
        raise NotImplementedError(f"{type(self).__name__} must have a method __len__ or a property num_batches")

    def __iter__(self) -> Iterator[Any]:
        try:
            count = self.num_batches
        except NotImplementedError:  # of no known length: as far as somebody reads
            count = None
        return (self[i] for i in (itertools.count() if count is None else range(count)))

    def on_epoch_begin(self) -> None:
        """Called before every epoch."""

    def on_epoch_end(self) -> None:
        """Called after every epoch."""


class PyDatasetSource(ConvertingSource):
    """Batches of a PyDataset, in order, made ahead by its workers.

    Args:
        dataset: the PyDataset.
        shuffle: whether the batches of a pass come in random order, from Python's global generator.
        class_weight: class -> weight, or None.
    """

    def __init__(
        self, dataset: PyDataset, shuffle: bool | str = False, class_weight: Mapping[int, float] | None = None
    ):
        super().__init__(class_weight)
        self._dataset = dataset
        self._shuffle = shuffle

    @property
    def num_batches(self) -> int | None:  # type: ignore[override]
        return self._dataset.num_batches

    @property
    def infinite(self) -> bool:  # type: ignore[override]
        return self.num_batches is None

    def peek(self) -> Batch:
        if self.num_batches == 0:
            raise ValueError("the PyDataset has no batches: its length is 0")
        return self._convert(self._dataset[0])

    def on_epoch_begin(self) -> None:
        self._dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self._dataset.on_epoch_end()

    def __iter__(self) -> Iterator[Batch]:
        dataset, count = self._dataset, self.num_batches
        order: Any = itertools.count() if count is None else range(count)
        if self._shuffle and count is not None:
            order = random.sample(order, count)
        if dataset.workers > 1 or (dataset.workers == 1 and dataset.use_multiprocessing):
            return map(self._convert, _batches_ahead(dataset, iter(order)))
        return (self._convert(dataset[i]) for i in order)


# Set in each worker process.
_dataset_here: Any = None


def _receive(dataset: PyDataset) -> None:
    global _dataset_here
    _dataset_here = dataset


def _batch_here(index: int) -> Any:
    return _dataset_here[index]


def _batches_ahead(dataset: PyDataset, order: Iterator[int]) -> Iterator[Any]:
    ahead = max(dataset.max_queue_size, dataset.workers)
    if dataset.use_multiprocessing:
        return made_ahead(processes(dataset.workers, _receive, dataset), _batch_here, order, ahead)
    return made_ahead(threads(dataset.workers), dataset.__getitem__, order, ahead)
