"""Batches from an object that can be iterated again and again: our Dataset, a tf.data one, a DataLoader."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kerasish.data.source import Batch, ConvertingSource

_INFINITE = -1  # as tf.data says it


def _length(dataset: Any) -> int | None:
    """Return the number of elements as `cardinality` or `len` tells it: below 0 for infinite, None if unknown."""
    cardinality = getattr(dataset, "cardinality", None)
    if cardinality is not None:
        count = int(cardinality() if callable(cardinality) else cardinality)
        return None if count < _INFINITE else count
    try:
        return len(dataset)
    except (TypeError, NotImplementedError):
        return None


class IterableSource(ConvertingSource):
    """Batches from an iterable; every pass iterates it anew.

    Args:
        dataset: yields batches `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`; may tell how many by
            `cardinality()` (-1 infinite, -2 unknown) or `len`.
        class_weight: class -> weight, or None.
    """

    def __init__(self, dataset: Iterable[Any], class_weight: Mapping[int, float] | None = None):
        super().__init__(class_weight)
        self._dataset = dataset

    @property
    def infinite(self) -> bool:  # type: ignore[override]
        return _length(self._dataset) == _INFINITE

    @property
    def num_batches(self) -> int | None:  # type: ignore[override]
        count = _length(self._dataset)
        return None if count == _INFINITE else count

    def __iter__(self) -> Iterator[Batch]:
        return map(self._convert, self._dataset)
