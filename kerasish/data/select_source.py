"""The right source for whatever a user hands over."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kerasish.data.array_source import ArraySource
from kerasish.data.generator_source import GeneratorSource
from kerasish.data.iterable_source import IterableSource
from kerasish.data.leaves import is_array_like, join_numbers, place
from kerasish.data.py_dataset import PyDataset, PyDatasetSource
from kerasish.data.source import BatchSource
from kerasish.utils import tree


def batch_source(
    x: Any,
    y: Any = None,
    sample_weight: Any = None,
    batch_size: int | None = None,
    steps: int | None = None,
    shuffle: bool | str = False,
    class_weight: Mapping[int, float] | None = None,
) -> BatchSource:
    """Return the batches of what `fit`, `evaluate` and `predict` accept as data.

    Args:
        x: structure of arrays, tensors, pandas frames or series, sparse matrices or lists of numbers; or a
            PyDataset, a generator, or any iterable of batches (our Dataset, tf.data, a DataLoader); or a
            BatchSource, which comes back as it is.
        y, sample_weight: structures of arrays; only beside arrays.
        batch_size: samples of a batch, for arrays; 32 by default.
        steps: batches of an epoch, from which an array's batch size follows if it is not given.
        shuffle: True, False or "batch"; for arrays and for a PyDataset (which shuffles its batches).
            Other data sets are to shuffle themselves.
        class_weight: class -> weight; instead of sample weights.

    Raises:
        ValueError: arguments that do not go together, or data of an unknown kind; names it.
    """
    if isinstance(x, BatchSource):
        return x
    if x is None:
        raise ValueError("x is missing: give arrays, a data set or a generator")
    if _is_dataset(x):
        for name, value in (("y", y), ("sample_weight", sample_weight)):
            if value is not None:
                raise ValueError(
                    f"`{name}` should not be passed when providing `x` as a {type(x).__name__}: it belongs into the "
                    "batches that `x` gives"
                )
        if isinstance(x, PyDataset):
            return PyDatasetSource(x, shuffle, class_weight)
        return GeneratorSource(x, class_weight) if isinstance(x, Iterator) else IterableSource(x, class_weight)
    _require_arrays(x=x, y=y, sample_weight=sample_weight)
    return ArraySource(x, y, sample_weight, batch_size, steps, shuffle, class_weight)


def _is_dataset(x: Any) -> bool:
    if isinstance(x, PyDataset):
        return True
    return not (tree.is_nested(x) or is_array_like(x) or isinstance(x, (str, bytes))) and isinstance(x, Iterable)


def _require_arrays(**arrays: Any) -> None:
    for name, structure in arrays.items():
        for path, leaf in tree.flatten_with_path(join_numbers(structure)):
            if not is_array_like(leaf):
                raise ValueError(
                    f"Unrecognized data type: Expected all elements of `{name}` to be array-like, or `x` to be a data "
                    f"set, but {place(name, path)} is {leaf!r} of type {type(leaf).__name__}"
                )
