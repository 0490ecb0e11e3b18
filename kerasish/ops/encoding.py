"""Integers as rows of zeros and ones, and the test whether a class is among the k most probable."""

from typing import Any

import numpy as np

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_int, standardize_dtype
from kerasish.core.op import public
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.building import canonical_axis
from kerasish.ops.comparison import equal, greater, isnan, less_equal, where
from kerasish.ops.indexing import take_along_axis
from kerasish.ops.shape import expand_dims

__all__ = ["in_top_k", "multi_hot", "one_hot"]


@public
def one_hot(x: Any, num_classes: int, axis: int = -1, dtype: Any = None, sparse: bool = False) -> Tensor:
    """Write each class as a row with a one at its place; a row of zeros where there is no such class.

    Args:
        x: classes, from 0; numbers of floating point are cut off to integers.
        num_classes: length of the rows.
        axis: where the result has the axis of the rows.
        dtype: of the result; by default `floatx`.
        sparse: must be False.

    Returns:
        Tensor of the shape of `x` with an axis of length `num_classes` more.

    Raises:
        TypeError: the classes are complex numbers.
    """
    _require_dense(sparse)
    x = to_tensor(x)
    if x.dtype.kind == "c":
        raise TypeError(f"one_hot needs integer classes, got dtype {x.dtype.name}")
    if not is_int(x.dtype):
        x = x.astype("int32")
    axis = canonical_axis(axis, x.ndim + 1)
    shape = [1] * (x.ndim + 1)
    shape[axis] = int(num_classes)
    classes = np.arange(num_classes, dtype="int32").reshape(shape)
    return equal(expand_dims(x, axis), classes).astype(standardize_dtype(dtype))


@public
def multi_hot(inputs: Any, num_classes: int | None = None, axis: int = -1, dtype: Any = None, sparse: bool = False,
              **kwargs: Any) -> Tensor:
    """Write each set of classes as one row with ones at their places.

    Args:
        inputs: integer classes `(batch, set, ...)`, or `(set,)`.
        num_classes: length of the rows.
        axis: where the rows have their axis before the axis of the set is folded.
        dtype: of the result; by default `floatx`.
        sparse: must be False.
        **kwargs: `num_tokens`, an older name of `num_classes`.

    Returns:
        Tensor `(batch, ..., num_classes)`, or `(num_classes,)`.

    Raises:
        ValueError: `num_classes` is missing.
    """
    num_classes = kwargs.pop("num_tokens", None) if num_classes is None else num_classes
    if kwargs:
        raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of multi_hot")
    if num_classes is None:
        raise ValueError("multi_hot needs the argument `num_classes`")
    _require_dense(sparse)
    x = to_tensor(inputs).astype("int32")
    return reduction.max(one_hot(x, num_classes, axis=axis, dtype=dtype), axis=1 if x.ndim > 1 else 0)


def _require_dense(sparse: bool) -> None:
    if sparse:
        raise ValueError("sparse tensors are not supported: leave `sparse` False")


@public
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Tell whether fewer than k classes are more probable than the target; a NaN is never probable.

    Args:
        targets: integer classes `(batch,)`.
        predictions: scores `(batch, classes)`.
        k: how many classes count.

    Returns:
        Boolean tensor `(batch,)`.
    """
    predictions = to_tensor(predictions)
    chosen = take_along_axis(predictions, expand_dims(to_tensor(targets).astype("int32"), -1), axis=-1)
    chosen = where(isnan(chosen), -np.inf, chosen)
    better = reduction.sum(greater(predictions, chosen).astype("int32"), axis=-1)
    return less_equal(better + 1, k)
