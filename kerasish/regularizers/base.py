"""What regularizers share."""

import math
from typing import Any

from kerasish.utils.registry import builtin


@builtin("keras.regularizers", "keras")
class Regularizer:
    """A penalty on weights or outputs: `regularizer(x)` is a scalar that is added to the loss."""

    def __call__(self, x: Any) -> Any:
        """Return the penalty of a tensor."""
        return 0.0

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        raise NotImplementedError(f"{type(self).__name__} must define get_config()")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Regularizer":
        """Make a regularizer from what `get_config` gave."""
        return cls(**config)


def checked_factor(value: Any, name: str) -> float:
    """Return a factor as a float.

    Raises:
        ValueError: it is negative, infinite or no number.
    """
    if not isinstance(value, float | int) or not math.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` of a regularizer: expected a non-negative float, got {value!r}")
    return float(value)
