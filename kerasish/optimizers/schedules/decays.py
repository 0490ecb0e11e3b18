"""Schedules that fall by a formula: exponential, inverse, polynomial, and by steps."""

from typing import Any

from kerasish import ops
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, real_step, require_positive
from kerasish.utils import config
from kerasish.utils.registry import builtin


class _Decay(LearningRateSchedule):
    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool, name: str):
        require_positive(decay_steps, "decay_steps", self)
        self.initial_learning_rate, self.decay_steps, self.decay_rate = initial_learning_rate, decay_steps, decay_rate
        self.staircase, self.name = staircase, name

    def _periods(self, step: Any) -> Any:
        periods = ops.divide(real_step(step), self.decay_steps)
        return ops.floor(periods) if self.staircase else periods

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
                "decay_rate": self.decay_rate, "staircase": self.staircase, "name": self.name}


@builtin("keras.optimizers.schedules")
class ExponentialDecay(_Decay):
    """`initial decay_rate^(step / decay_steps)` (Keras: `schedules.ExponentialDecay`).

    Args:
        initial_learning_rate: the first rate.
        decay_steps: number of updates after which the rate is multiplied by decay_rate.
        decay_rate: factor.
        staircase: whether the exponent is rounded down.
        name: kept for Keras's sake.

    Raises:
        ValueError: decay_steps is not positive.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
                 name: str = "ExponentialDecay"):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        return ops.multiply(ops.power(self.decay_rate, self._periods(step)), self.initial_learning_rate)


@builtin("keras.optimizers.schedules")
class InverseTimeDecay(_Decay):
    """`initial / (1 + decay_rate step / decay_steps)` (Keras: `schedules.InverseTimeDecay`).

    Args:
        initial_learning_rate: the first rate.
        decay_steps: number of updates that count as one.
        decay_rate: how fast the rate falls.
        staircase: whether step / decay_steps is rounded down.
        name: kept for Keras's sake.

    Raises:
        ValueError: decay_steps is not positive.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, decay_rate: float, staircase: bool = False,
                 name: str = "InverseTimeDecay"):
        super().__init__(initial_learning_rate, decay_steps, decay_rate, staircase, name)

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        denominator = ops.add(ops.multiply(self._periods(step), self.decay_rate), 1)
        return ops.divide(self.initial_learning_rate, denominator)


@builtin("keras.optimizers.schedules")
class PolynomialDecay(LearningRateSchedule):
    """`(initial - end)(1 - step / decay_steps)^power + end` (Keras: `schedules.PolynomialDecay`).

    Args:
        initial_learning_rate: the first rate.
        decay_steps: number of updates until the rate is `end_learning_rate`, where it stays.
        end_learning_rate: the last rate.
        power: exponent.
        cycle: whether the rate rises again: decay_steps is then doubled, tripled ... as often as steps go beyond it.
        name: kept for Keras's sake.

    Raises:
        ValueError: decay_steps is not positive.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, end_learning_rate: float = 0.0001,
                 power: float = 1.0, cycle: bool = False, name: str = "PolynomialDecay"):
        require_positive(decay_steps, "decay_steps", self)
        self.initial_learning_rate, self.decay_steps = initial_learning_rate, decay_steps
        self.end_learning_rate, self.power, self.cycle, self.name = end_learning_rate, power, cycle, name

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        part = ops.divide(real_step(step), self.decay_steps)
        # With `cycle`, ceil(part) is how many times decay_steps covers the steps so far, at least once.
        part = ops.divide(part, ops.maximum(ops.ceil(part), 1)) if self.cycle else ops.minimum(part, 1)
        height = self.initial_learning_rate - self.end_learning_rate
        return ops.add(ops.multiply(ops.power(ops.subtract(1, part), self.power), height), self.end_learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
                "end_learning_rate": self.end_learning_rate, "power": self.power, "cycle": self.cycle,
                "name": self.name}


@builtin("keras.optimizers.schedules")
class PiecewiseConstantDecay(LearningRateSchedule):
    """`values[i]`, where i is the number of boundaries that the step lies beyond (Keras:
    `schedules.PiecewiseConstantDecay`).

    Args:
        boundaries: rising numbers of updates; up to and including the first one the rate is `values[0]`.
        values: the rates, one more than boundaries.
        name: kept for Keras's sake.

    Raises:
        ValueError: the lengths do not fit, or boundaries do not rise.
    """

    def __init__(self, boundaries: list[float], values: list[float], name: str = "PiecewiseConstant"):
        if len(boundaries) != len(values) - 1:
            raise ValueError(f"argument `values` must be one longer than `boundaries`, got {len(values)} values and "
                             f"{len(boundaries)} boundaries")
        if list(boundaries) != sorted(boundaries):
            raise ValueError(f"argument `boundaries` must rise, got {boundaries}")
        self.boundaries, self.values, self.name = boundaries, values, name

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        values = ops.convert_to_tensor([float(v) for v in self.values], config.floatx())
        if not self.boundaries:
            return values[0]
        passed = ops.greater(step, ops.convert_to_tensor(self.boundaries))
        return ops.take(values, ops.sum(ops.cast(passed, "int32")))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"boundaries": self.boundaries, "values": self.values, "name": self.name}
