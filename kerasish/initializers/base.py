"""What initializers share."""

from typing import Any

from kerasish.core.tensor import Tensor
from kerasish.utils.registry import builtin


@builtin("keras.initializers")
class Initializer:
    """A rule for first values: `initializer(shape, dtype)` (Keras: `initializers.Initializer`)."""

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        """Return a tensor of a shape and dtype (`floatx` by default)."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(shape, dtype=None)")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Initializer":
        """Make an initializer from what `get_config` gave."""
        return cls(**config)

    def clone(self) -> "Initializer":
        """Return another initializer of the same config."""
        return self.from_config(self.get_config())
