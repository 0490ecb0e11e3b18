"""The learning-rate schedule: a function of the number of updates."""

from typing import Any

from kerasish import ops
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.optimizers.schedules")
class LearningRateSchedule:
    """A learning rate that changes with the number of updates (Keras: `LearningRateSchedule`).

    A subclass computes it in `__call__(step)` with ops.
    """

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        raise NotImplementedError(f"learning rate schedule {type(self).__name__} must define __call__(step)")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        raise NotImplementedError(f"learning rate schedule {type(self).__name__} must define get_config() to be saved")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "LearningRateSchedule":
        """Make a schedule from what `get_config` gave."""
        return cls(**config)


def real_step(step: Any) -> Any:
    """Return the number of updates as a floating-point tensor."""
    return ops.cast(step, config.floatx())


def require_positive(value: float, argument: str, schedule: LearningRateSchedule) -> None:
    """Raise ValueError unless an argument is above 0."""
    if value <= 0:
        raise ValueError(f"argument `{argument}` of {type(schedule).__name__} must be positive, got {value}")
