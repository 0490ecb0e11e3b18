"""The outputs of all batches of a `predict`, put together."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.utils import tree


class Predictions:
    """Outputs of batches, one behind the other.

    Where the number of samples is known, they are written into arrays of the final size as they come, so that they
    are never there twice; otherwise they are joined in the end.

    Args:
        samples: how many rows all batches have together; None if that is not known.
    """

    def __init__(self, samples: int | None):
        self._samples = samples
        self._parts: list[Any] = []  # structures of arrays that are not in `_whole`
        self._whole: list[np.ndarray] | None = None
        self._rooms: dict[int, np.ndarray] = {}  # by the number that the step gives the output
        self._rows = 0  # of `_whole` that are filled

    def room(self, output: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray | None:
        """Return the place of the next batch's output of this number, so that a step can write it there at once."""
        if self._samples is None or not shape or shape[0] == self._samples or (self._parts and self._whole is None):
            return None
        whole = self._rooms.get(output)
        if whole is None and not self._rows:
            whole = self._rooms[output] = np.empty((self._samples, *shape[1:]), dtype)
        if whole is None or not _fits(whole, self._rows, shape, dtype):
            return None
        return whole[self._rows:self._rows + shape[0]]

    def add(self, outputs: Any) -> None:
        """Take the outputs of the next batch, a structure of arrays that nobody else writes to."""
        leaves = tree.flatten(outputs)
        if not self._parts and self._samples is not None and self._whole is None:
            self._begin(outputs, leaves)
        if self._whole is not None:
            if self._fit(leaves):
                self._take(leaves)
                return
            self._parts.append(self._filled())
            self._whole = None
        self._parts.append(outputs)

    def _begin(self, outputs: Any, leaves: list[Any]) -> None:
        """Find or make the arrays for all rows, unless these are all, or one of the outputs has no rows."""
        rows = {len(x) if isinstance(x, np.ndarray) and x.ndim else None for x in leaves}
        if len(rows) == 1 and None not in rows and rows != {self._samples}:
            self._structure = tree.map_structure(lambda _: 0, outputs)
            rooms = {id(room): room for room in self._rooms.values()}
            self._whole = [whole if (whole := rooms.pop(id(x.base), None)) is not None
                           else np.empty((self._samples, *x.shape[1:]), x.dtype) for x in leaves]

    def _fit(self, leaves: list[Any]) -> bool:
        whole = self._whole or []
        return len(leaves) == len(whole) and all(
            isinstance(x, np.ndarray) and _fits(w, self._rows, x.shape, x.dtype) and len(x) == len(leaves[0])
            for x, w in zip(leaves, whole, strict=True))

    def _take(self, leaves: list[Any]) -> None:
        rows = len(leaves[0])
        places = [whole[self._rows:self._rows + rows] for whole in self._whole or ()]
        if any(leaf.base is not whole for leaf, whole in zip(leaves, self._whole or (), strict=True)):
            # One that lies in another's place is read before that is written.
            for place, leaf in zip(places, [np.array(x) if x.base is not None else x for x in leaves], strict=True):
                place[...] = leaf
        self._rows += rows

    def _filled(self) -> Any:
        return tree.pack_sequence_as(self._structure, [w[:self._rows] for w in self._whole or ()])

    def joined(self) -> Any:
        """Return all outputs in their structure.

        Raises:
            ValueError: there was no batch.
        """
        if self._whole is not None:
            self._parts.append(self._filled())
            self._whole = None
        if not self._parts:
            raise ValueError("predict() got no data: the data set has no batches")
        return join(self._parts)


class PredictFunction:
    """The step of `predict` on a group of batches.

    Args:
        step: the step on one batch.
        to_arrays: makes arrays of what it returns.
    """

    def __init__(self, step: Callable[..., Any], to_arrays: Callable[[Any], Any]):
        self._step, self._to_arrays = step, to_arrays

    def __call__(self, group: list[Any], room: Any = None) -> Any:
        """Return the outputs of all batches, joined.

        Args:
            group: batches (x, y, sample_weight).
            room: where the outputs of a single batch may be written.
        """
        if len(group) == 1:
            return self._to_arrays(self._step(group[0], room))
        return join([self._to_arrays(self._step(batch)) for batch in group])


def _fits(whole: np.ndarray, begin: int, shape: tuple[int, ...], dtype: Any) -> bool:
    return whole.dtype == dtype and bool(shape) and whole.shape[1:] == shape[1:] and begin + shape[0] <= len(whole)


def join(parts: list[Any]) -> Any:
    """Return structures of arrays as one, rows behind rows."""
    return parts[0] if len(parts) == 1 else tree.map_structure(lambda *pieces: np.concatenate(pieces), *parts)
