"""What users hand over as data, leaf by leaf, turned into arrays whose rows can be picked."""

from typing import Any

import numpy as np

from kerasish.core.dtypes import FLOATS, numpy_dtype
from kerasish.core.tensor import Tensor
from kerasish.utils import config, tree

Path = tuple[Any, ...]
_SCALARS = (int, float, complex, str, bytes, np.generic)


class SparseRows:
    """A SciPy sparse matrix that gives its rows as a dense array, a batch at a time."""

    ndim = 2

    def __init__(self, matrix: Any):
        self._matrix = matrix.tocsr()
        self.shape: tuple[int, ...] = tuple(self._matrix.shape)
        self.dtype: np.dtype = self._matrix.dtype

    def __getitem__(self, rows: Any) -> np.ndarray:
        return self._matrix[rows].toarray()

    def part(self, rows: slice) -> "SparseRows":
        """Return some of the rows, still sparse."""
        return SparseRows(self._matrix[rows])


def place(name: str, path: Path) -> str:
    """Return how a leaf is called in messages: "x", "x[0]", "y['b']"."""
    return name + "".join(f"[{key!r}]" for key in path)


def is_array_like(leaf: Any) -> bool:
    """Tell whether a leaf can be turned into an array with rows (None counts: an absent array)."""
    if leaf is None or isinstance(leaf, (np.ndarray, Tensor, SparseRows)):
        return True
    return hasattr(leaf, "__array__") or _is_on_device(leaf) or _is_sparse(leaf)


def join_numbers(structure: Any) -> Any:
    """Return the structure with each list that holds nothing but numbers or strings as one array."""
    return tree.traverse(_joined, structure)


def _joined(subtree: Any) -> np.ndarray | None:
    if not (isinstance(subtree, (list, tuple)) and subtree and _all_scalars(subtree)):
        return None
    text = isinstance(tree.flatten(subtree)[0], (str, bytes))
    try:
        return np.array(subtree, dtype=object if text else None)
    except ValueError:
        raise ValueError(
            f"a list of numbers must be rectangular to become an array, got {str(subtree)[:100]}; "
            "pad the rows to one length first"
        ) from None


def _all_scalars(items: Any) -> bool:
    return all(_all_scalars(i) if isinstance(i, (list, tuple)) else isinstance(i, _SCALARS) for i in items)


def to_array(leaf: Any, where: str) -> Any:
    """Return a leaf as an array with rows, without a copy where that is possible.

    Args:
        leaf: NumPy array, tensor, pandas frame (2-D) or series (a column, 2-D), SciPy sparse matrix, device
            array, or anything with `__array__`. None stays None.
        where: the leaf's name for messages.

    Raises:
        TypeError: it is none of these.
        ValueError: it has no axis of samples.
    """
    if leaf is None:
        return None
    array = _to_any_array(leaf, where)
    if len(array.shape) < 1:
        raise ValueError(f"{where} must have an axis of samples, got a single value: {leaf!r}")
    return array


def _to_any_array(leaf: Any, where: str) -> Any:
    if isinstance(leaf, Tensor):
        return leaf.data if leaf.is_concrete else leaf.numpy()  # the latter says why there are no values
    if isinstance(leaf, np.ndarray):
        # Not asanyarray: rows of a memory map or a matrix must be plain arrays.
        return np.asarray(leaf)
    if _package(leaf) == "pandas":
        values = leaf.to_numpy()
        return values[:, None] if values.ndim == 1 else values
    if _is_on_device(leaf) or isinstance(leaf, SparseRows):
        return leaf
    if _is_sparse(leaf):
        return SparseRows(leaf)
    if hasattr(leaf, "detach") and hasattr(leaf, "cpu"):  # PyTorch
        leaf = leaf.detach().cpu()
    if hasattr(leaf, "__array__"):
        return np.asarray(leaf)
    raise TypeError(
        f"{where} must be an array, a tensor, a pandas frame or series, or a list of numbers, "
        f"got {leaf!r} of type {type(leaf).__name__}"
    )


def _package(leaf: Any) -> str:
    return type(leaf).__module__.partition(".")[0]


def _is_on_device(leaf: Any) -> bool:
    return _package(leaf) == "cupy" and hasattr(leaf, "shape")


def _is_sparse(leaf: Any) -> bool:
    return _package(leaf) == "scipy" and hasattr(leaf, "tocsr")


def pick(array: Any, rows: Any) -> Any:
    """Return rows of an array as they are: a view for a slice, one row for a number, else a gathered copy."""
    if isinstance(rows, np.ndarray) and isinstance(array, np.ndarray):
        return array.take(rows, axis=0)  # faster than indexing
    return array[rows]


def take_rows(array: Any, rows: slice | np.ndarray) -> Any:
    """Return rows of an array, floats as `floatx`."""
    return to_floatx(pick(array, rows))


def part_of(array: Any, rows: slice) -> Any:
    """Return consecutive rows of an array as data of the same kind, without a cast."""
    return array.part(rows) if isinstance(array, SparseRows) else array[rows]


def to_floatx(array: Any) -> Any:
    """Return an array with real floats cast to `floatx`; integers, strings and objects stay as they are."""
    return array.astype(numpy_dtype(config.floatx())) if is_other_float(array.dtype) else array


def is_other_float(dtype: Any) -> bool:
    """Tell whether a dtype is one of real floats, but not `floatx`."""
    if dtype == numpy_dtype(config.floatx()) or dtype.kind in "biuOSUM":  # quicker than asking NumPy for the name
        return False
    return dtype.name in FLOATS


def to_host(array: Any) -> np.ndarray:
    """Return an array with rows as a NumPy array, from the device if it is there."""
    return array.get() if _is_on_device(array) else np.asarray(array)


def to_arrays(structure: Any, name: str) -> Any:
    """Return a structure with every leaf as an array with rows; `name` stands before the path in messages."""
    structure = join_numbers(structure)
    if not tree.is_nested(structure):
        return to_array(structure, name)
    leaves = [to_array(leaf, place(name, path)) for path, leaf in tree.flatten_with_path(structure)]
    return tree.pack_sequence_as(structure, leaves)


def to_batch(structure: Any, name: str) -> Any:
    """Return one batch, a structure of whole arrays, with floats as `floatx`."""
    return tree.map_structure(lambda a: take_rows(a, slice(None)), to_arrays(structure, name), none_is_leaf=False)
