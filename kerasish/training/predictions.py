"""The outputs of all batches of a `predict`, put together."""

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
        self._rows = 0  # of `_whole` that are filled

    def add(self, outputs: Any) -> None:
        """Take the outputs of the next batch, a structure of arrays that nobody else writes to."""
        leaves = tree.flatten(outputs)
        if not self._parts and self._samples is not None and self._whole is None:
            self._begin(outputs, leaves)
        if self._whole is not None:
            if self._fits(leaves):
                rows = len(leaves[0])
                for whole, leaf in zip(self._whole, leaves, strict=True):
                    whole[self._rows:self._rows + rows] = leaf
                self._rows += rows
                return
            self._parts.append(self._filled())
            self._whole = None
        self._parts.append(outputs)

    def _begin(self, outputs: Any, leaves: list[Any]) -> None:
        """Make the arrays for all rows, unless these are all, or one of the outputs has no rows."""
        rows = {len(x) if isinstance(x, np.ndarray) and x.ndim else None for x in leaves}
        if len(rows) == 1 and None not in rows and rows != {self._samples}:
            self._structure = tree.map_structure(lambda _: 0, outputs)
            self._whole = [np.empty((self._samples, *x.shape[1:]), x.dtype) for x in leaves]

    def _fits(self, leaves: list[Any]) -> bool:
        whole = self._whole or []
        return len(leaves) == len(whole) and self._rows + len(leaves[0]) <= len(whole[0]) and all(
            isinstance(x, np.ndarray) and x.dtype == w.dtype and x.shape == (len(leaves[0]), *w.shape[1:])
            for x, w in zip(leaves, whole, strict=True))

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


def join(parts: list[Any]) -> Any:
    """Return structures of arrays as one, rows behind rows."""
    return parts[0] if len(parts) == 1 else tree.map_structure(lambda *pieces: np.concatenate(pieces), *parts)
