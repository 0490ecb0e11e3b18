"""Penalties on the size of weights."""

from typing import Any

from kerasish import ops
from kerasish.regularizers.base import Regularizer, checked_factor
from kerasish.utils.registry import builtin


@builtin("keras.regularizers")
class L1(Regularizer):
    """`l1 sum |x|`."""

    def __init__(self, l1: float | None = 0.01):
        self.l1 = checked_factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Any:
        return self.l1 * ops.sum(ops.absolute(x))

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1}


@builtin("keras.regularizers")
class L2(Regularizer):
    """`l2 sum x^2`."""

    def __init__(self, l2: float | None = 0.01):
        self.l2 = checked_factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        return self.l2 * ops.sum(ops.square(x))

    def get_config(self) -> dict[str, Any]:
        return {"l2": self.l2}


@builtin("keras.regularizers")
class L1L2(Regularizer):
    """`l1 sum |x| + l2 sum x^2`."""

    def __init__(self, l1: float | None = 0.0, l2: float | None = 0.0):
        self.l1 = checked_factor(0.0 if l1 is None else l1, "l1")
        self.l2 = checked_factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Any:
        out = ops.convert_to_tensor(0.0, dtype=x.dtype)
        if self.l1:
            out = out + self.l1 * ops.sum(ops.absolute(x))
        if self.l2:
            out = out + self.l2 * ops.sum(ops.square(x))
        return out

    def get_config(self) -> dict[str, Any]:
        return {"l1": self.l1, "l2": self.l2}
