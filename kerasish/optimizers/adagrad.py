"""Adagrad: steps divided by the root of all squared gradients so far."""

from typing import Any

from kerasish import initializers, ops
from kerasish.core.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Adagrad(Optimizer):
    """Adagrad (Duchi et al. 2011; Keras: `optimizers.Adagrad`): `a += g^2; w -= r g / sqrt(a + eps)`.

    Args:
        learning_rate: r, a number or a schedule.
        initial_accumulator_value: first value of a.
        epsilon: eps.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, initial_accumulator_value: float = 0.1, epsilon: float = 1e-7,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def build(self, var_list: list[Variable]) -> None:
        """Make the sums of squares."""
        if self.built:
            return
        super().build(var_list)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators = self.add_optimizer_variables(var_list, "accumulator", start)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        total = self._accumulators[self._get_variable_index(variable)].assign_add(ops.square(g))
        variable.assign_sub(ops.divide(ops.multiply(g, rate), ops.sqrt(ops.add(total, self.epsilon))))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "initial_accumulator_value": self.initial_accumulator_value,
                "epsilon": self.epsilon}
