"""`keras.utils.to_categorical` and `normalize`, which take tensors as well as what is on the host."""

from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.ops.elementwise import cast
from kerasish.ops.encoding import one_hot
from kerasish.ops.normalization import normalize as normalize_tensor
from kerasish.ops.shape import squeeze
from kerasish.utils import numerical


def to_categorical(x: Any, num_classes: int | None = None) -> Any:
    """Return one-hot rows for class numbers.

    Args:
        x: integers from 0 to `num_classes - 1`, of any shape. A last axis of length one is dropped.
        num_classes: the number of classes; by default the largest of `x`, plus one.

    Returns:
        Shape `(*x.shape, num_classes)`: a tensor of floats for a tensor with `num_classes`, else a float64 array.

    Raises:
        ValueError: a class number is out of range; of a tensor, such a row is all zeros.

    Source: `keras.utils.to_categorical`.
    """
    if num_classes is None or not isinstance(x, Tensor | KerasTensor):
        return numerical.to_categorical(x, num_classes)
    if len(x.shape) > 1 and x.shape[-1] == 1:
        x = squeeze(x, -1)
    return one_hot(cast(x, "int32"), num_classes)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Any:
    """Scale vectors to norm one, `x / ||x||`; zero vectors stay zero.

    Args:
        x: tensor, or anything that NumPy can read.
        axis: the axis along which the vectors lie.
        order: the order of the norm, 2 for Euclidean length.

    Returns:
        For a tensor a tensor, for anything else an array, of the shape of `x`.

    Source: `keras.utils.normalize`.
    """
    if isinstance(x, Tensor | KerasTensor):
        return normalize_tensor(x, axis=axis, order=order)
    return numerical.normalize(x, axis, order)
