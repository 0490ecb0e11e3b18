"""Initializers without chance."""

from typing import Any

from kerasish import ops
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.tensor import Tensor
from kerasish.initializers.base import Initializer
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.initializers")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.zeros(shape, dtype=standardize_dtype(dtype))


@builtin("keras.initializers")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.ones(shape, dtype=standardize_dtype(dtype))


@builtin("keras.initializers")
class Constant(Initializer):
    """One value everywhere.

    Args:
        value: a number, or an array that broadcasts to the shape.
    """

    def __init__(self, value: Any = 0.0):
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.full(shape, ops.cast(self.value, standardize_dtype(dtype)), dtype=standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Constant":
        return cls(deserialize_keras_object(config["value"]))


@builtin("keras.initializers")
class Identity(Initializer):
    """The identity matrix times `gain`.

    Raises:
        ValueError: the shape has not two axes.
    """

    def __init__(self, gain: float = 1.0):
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ValueError(f"an identity matrix has two axes, got shape {tuple(shape)}")
        return self.gain * ops.eye(*shape, dtype=standardize_dtype(dtype))

    def get_config(self) -> dict[str, Any]:
        return {"gain": self.gain}
