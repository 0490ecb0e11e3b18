"""Batches from something that can be read only once."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from kerasish.data.source import Batch, ConvertingSource


class GeneratorSource(ConvertingSource):
    """Batches from a Python generator or any other iterator, which an epoch goes on with where the last one stopped.

    Args:
        generator: yields `x`, `(x,)`, `(x, y)` or `(x, y, sample_weight)`.
        class_weight: class -> weight, or None.

    Raises:
        ValueError: it is empty, or yields a list, which could be one batch of several inputs or `(x, y)`.
    """

    restartable = False

    def __init__(self, generator: Iterator[Any], class_weight: Mapping[int, float] | None = None):
        super().__init__(class_weight)
        first = next(generator, None)
        if first is None:
            raise ValueError(
                "the generator gave no batch at all (or None); it may have been used up before"
            )
        if isinstance(first, list):
            raise ValueError(
                "the generator yields lists; it must yield tuples: (x,), (x, y) or (x, y, sample_weight), "
                "where x and y may be lists"
            )
        self._first = self._convert(first)
        self._rest = itertools.chain([self._first], map(self._convert, generator))

    def __iter__(self) -> Iterator[Batch]:
        return self._rest

    def peek(self) -> Batch:
        return self._first
