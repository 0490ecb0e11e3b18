"""What constraints share."""

from typing import Any

from kerasish.utils.registry import builtin


@builtin("keras.constraints")
class Constraint:
    """A projection of weights after each update: `constraint(w)` has the shape of w."""

    def __call__(self, w: Any) -> Any:
        """Return the projected weights."""
        return w

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Constraint":
        """Make a constraint from what `get_config` gave."""
        return cls(**config)
