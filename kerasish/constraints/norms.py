"""Constraints on signs and norms."""

from typing import Any

from kerasish import ops
from kerasish.constraints.base import Constraint
from kerasish.utils import config
from kerasish.utils.registry import builtin


def _norms(w: Any, axis: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(w), axis=axis, keepdims=True))


@builtin("keras.constraints")
class NonNeg(Constraint):
    """`max(w, 0)`."""

    def __call__(self, w: Any) -> Any:
        return ops.maximum(w, 0)


@builtin("keras.constraints")
class MaxNorm(Constraint):
    """Norms along `axis` of at most `max_value`: `w min(||w||, max_value) / (epsilon + ||w||)`.

    Args:
        max_value: the largest norm.
        axis: the axes that make one vector; 0 for the inputs of each unit of a dense layer, (0, 1, 2) for
            each filter of a 2-D convolution.
    """

    def __init__(self, max_value: float = 2, axis: Any = 0):
        self.max_value, self.axis = max_value, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        return w * (ops.clip(norms, 0, self.max_value) / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"max_value": self.max_value, "axis": self.axis}


@builtin("keras.constraints")
class UnitNorm(Constraint):
    """Norms along `axis` of one: `w / (epsilon + ||w||)`."""

    def __init__(self, axis: Any = 0):
        self.axis = axis

    def __call__(self, w: Any) -> Any:
        return w / (config.epsilon() + _norms(w, self.axis))

    def get_config(self) -> dict[str, Any]:
        return {"axis": self.axis}


@builtin("keras.constraints")
class MinMaxNorm(Constraint):
    """Norms along `axis` drawn into [min_value, max_value].

    The new norm is `rate clip(||w||, min_value, max_value) + (1 - rate) ||w||`.
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Any = 0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis

    def __call__(self, w: Any) -> Any:
        norms = _norms(w, self.axis)
        wanted = self.rate * ops.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (config.epsilon() + norms))

    def get_config(self) -> dict[str, Any]:
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}
