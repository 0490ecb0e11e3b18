"""Schedules that fall along half a cosine, once or again and again."""

import math
from typing import Any

from kerasish import ops
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule, real_step, require_positive
from kerasish.utils.registry import builtin


@builtin("keras.optimizers.schedules")
class CosineDecay(LearningRateSchedule):
    """`top ((1 - alpha)(1 + cos(pi step / decay_steps)) / 2 + alpha)` (Loshchilov and Hutter 2016; Keras:
    `schedules.CosineDecay`), if asked for after a linear rise from the initial rate to the top.

    Args:
        initial_learning_rate: the first rate, and without a rise the top.
        decay_steps: number of updates over which the rate falls.
        alpha: the last rate over the top.
        name: kept for Keras's sake.
        warmup_target: the top; None for no rise.
        warmup_steps: number of updates of the rise.

    Raises:
        ValueError: decay_steps is not positive.
    """

    def __init__(self, initial_learning_rate: float, decay_steps: int, alpha: float = 0.0, name: str = "CosineDecay",
                 warmup_target: float | None = None, warmup_steps: int = 0):
        require_positive(decay_steps, "decay_steps", self)
        self.initial_learning_rate, self.decay_steps, self.alpha = initial_learning_rate, decay_steps, alpha
        self.name, self.warmup_target, self.warmup_steps = name, warmup_target, warmup_steps

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        step = real_step(step)
        if self.warmup_target is None:
            return self._falling(step, self.initial_learning_rate)
        falling = self._falling(ops.subtract(step, self.warmup_steps), self.warmup_target)
        if not self.warmup_steps:
            return falling
        slope = (self.warmup_target - self.initial_learning_rate) / self.warmup_steps
        rising = ops.add(ops.multiply(step, slope), self.initial_learning_rate)
        return ops.where(ops.less(step, self.warmup_steps), rising, falling)

    def _falling(self, step: Any, top: float) -> Any:
        angle = ops.multiply(ops.minimum(ops.divide(step, self.decay_steps), 1), math.pi)
        return _between(ops.cos(angle), 1, self.alpha, top)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"initial_learning_rate": self.initial_learning_rate, "decay_steps": self.decay_steps,
                "alpha": self.alpha, "name": self.name, "warmup_target": self.warmup_target,
                "warmup_steps": self.warmup_steps}


@builtin("keras.optimizers.schedules")
class CosineDecayRestarts(LearningRateSchedule):
    """Half cosines one after another (Loshchilov and Hutter 2016; Keras: `schedules.CosineDecayRestarts`).

    Number i, from 0 on, takes `first_decay_steps t_mul^i` updates and starts at `initial m_mul^i`.

    Args:
        initial_learning_rate: the first rate.
        first_decay_steps: number of updates of the first half cosine.
        t_mul: factor of the lengths.
        m_mul: factor of the tops.
        alpha: the last rate over the initial one.
        name: kept for Keras's sake.

    Raises:
        ValueError: first_decay_steps is not positive.
    """

    def __init__(self, initial_learning_rate: float, first_decay_steps: int, t_mul: float = 2.0, m_mul: float = 1.0,
                 alpha: float = 0.0, name: str = "SGDRDecay"):
        require_positive(first_decay_steps, "first_decay_steps", self)
        self.initial_learning_rate, self.first_decay_steps = initial_learning_rate, first_decay_steps
        self._t_mul, self._m_mul, self.alpha, self.name = t_mul, m_mul, alpha, name

    def __call__(self, step: Any) -> Any:
        """Return the learning rate after `step` updates."""
        part = ops.divide(real_step(step), self.first_decay_steps)
        if self._t_mul == 1:
            number = ops.floor(part)
            part = ops.subtract(part, number)
        else:
            # The lengths so far are a geometric series: part = (t^i - 1) / (t - 1) where number i begins.
            t = self._t_mul
            number = ops.floor(ops.divide(ops.log(ops.add(ops.multiply(part, t - 1), 1)), math.log(t)))
            length = ops.power(t, number)
            part = ops.divide(ops.subtract(part, ops.divide(ops.subtract(length, 1), t - 1)), length)
        height = ops.power(self._m_mul, number)
        return _between(ops.cos(ops.multiply(part, math.pi)), height, self.alpha, self.initial_learning_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"initial_learning_rate": self.initial_learning_rate, "first_decay_steps": self.first_decay_steps,
                "t_mul": self._t_mul, "m_mul": self._m_mul, "alpha": self.alpha, "name": self.name}


def _between(cosine: Any, height: Any, alpha: float, top: float) -> Any:
    half = ops.multiply(ops.multiply(ops.add(cosine, 1), height), 0.5 * (1 - alpha))
    return ops.multiply(ops.add(half, alpha), top)
