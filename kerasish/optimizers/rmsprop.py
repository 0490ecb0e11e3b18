"""RMSprop: steps divided by a running root mean square of the gradient."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import fade
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class RMSprop(Optimizer):
    """RMSprop (Hinton 2012, lecture 6e; Keras: `optimizers.RMSprop`).

    `v = rho v + (1 - rho) g^2; w -= r g / sqrt(v + eps)`; centered, v less the square of the mean gradient.

    Args:
        learning_rate: r, a number or a schedule.
        rho: weight of the old running means.
        momentum: above 0, the steps are gathered: `m = momentum m + step; w -= m`.
        epsilon: eps.
        centered: whether the gradient's variance takes the place of its mean square.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.9, momentum: float = 0.0, epsilon: float = 1e-7,
                 centered: bool = False, weight_decay: float | None = None, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.rho, self.momentum, self.epsilon, self.centered = rho, momentum, epsilon, centered

    def build(self, var_list: list[Variable]) -> None:
        """Make the mean squares, and where they are asked for the momentums and mean gradients."""
        if self.built:
            return
        super().build(var_list)
        self._velocities = self.add_optimizer_variables(var_list, "velocity")
        self._momentums = self.add_optimizer_variables(var_list, "momentum") if self.momentum > 0 else []
        self._average_gradients = self.add_optimizer_variables(var_list, "average_gradient") if self.centered else []

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        spread = fade(self._velocities[i], ops.square(g), self.rho)
        if self.centered:
            mean = fade(self._average_gradients[i], g, self.rho)
            spread = ops.subtract(spread, ops.square(mean))
        step = ops.divide(ops.multiply(g, rate), ops.sqrt(ops.add(spread, self.epsilon)))
        if self.momentum > 0:
            gathered = self._momentums[i]
            step = gathered.assign(ops.add(ops.multiply(gathered.value, self.momentum), step))
        variable.assign_sub(step)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "rho": self.rho, "momentum": self.momentum, "epsilon": self.epsilon,
                "centered": self.centered}
