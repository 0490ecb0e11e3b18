"""Gradient descent, with or without momentum."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.ops.elementwise import over
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class SGD(Optimizer):
    """Gradient descent: `w - r g`, or with momentum `v = m v - r g; w + v` (Keras: `optimizers.SGD`).

    Args:
        learning_rate: r, a number or a schedule.
        momentum: m, in [0, 1].
        nesterov: whether the step looks ahead: `w + m v - r g` with the new v (Sutskever et al. 2013).
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.

    Raises:
        ValueError: the momentum is out of range.
    """

    def __init__(self, learning_rate: Any = 0.01, momentum: float = 0.0, nesterov: bool = False,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        if not isinstance(momentum, float | int) or not 0 <= momentum <= 1:
            raise ValueError(f"SGD: argument `momentum` is a number from 0 to 1, got {momentum!r}")
        self.momentum, self.nesterov = momentum, nesterov

    def build(self, variables: list[Variable]) -> None:
        """Make the velocities."""
        if self.built:
            return
        super().build(variables)
        self.momentums = self.add_optimizer_variables(variables, "momentum") if self.momentum else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = variable.handle.dtype
        step = ops.multiply(ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype))
        if not self.momentum:
            variable.assign_sub(step)
            return
        velocity = self.momentums[self._get_variable_index(variable)]
        new = over("subtract", ops.multiply(velocity.value, self.momentum), step)
        velocity.assign(new)
        variable.assign_add(ops.subtract(ops.multiply(new, self.momentum), step) if self.nesterov else new)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "momentum": self.momentum, "nesterov": self.nesterov}
