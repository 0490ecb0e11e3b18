"""FTRL: follow the regularized leader, for sparse weights."""

from typing import Any

from kerasish import initializers, ops
from kerasish.core.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Ftrl(Optimizer):
    """FTRL-proximal (McMahan et al. 2013; Keras: `optimizers.Ftrl`).

    With `a' = a + g^2`, p the negative of `learning_rate_power` and `s(a) = a^p / r`:
    `z += g + 2 shrink w - (s(a') - s(a)) w; w = (clip(z, -l1, l1) - z) / (s(a') + 2 l2 + beta / r)`

    Args:
        learning_rate: r, a number or a schedule.
        learning_rate_power: at most 0; steps do not shrink at 0.
        initial_accumulator_value: first value of a.
        l1_regularization_strength: l1.
        l2_regularization_strength: l2.
        l2_shrinkage_regularization_strength: shrink, of the weights' size in the gradient.
        beta: beta.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, learning_rate_power: float = -0.5,
                 initial_accumulator_value: float = 0.1, l1_regularization_strength: float = 0.0,
                 l2_regularization_strength: float = 0.0, l2_shrinkage_regularization_strength: float = 0.0,
                 beta: float = 0.0,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength, self.beta = l2_shrinkage_regularization_strength, beta
        if learning_rate_power > 0:
            raise ValueError(f"argument `learning_rate_power` must not be positive, got {learning_rate_power}")
        for argument in ("initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
                         "l2_shrinkage_regularization_strength"):
            if getattr(self, argument) < 0:
                raise ValueError(f"argument `{argument}` must not be negative, got {getattr(self, argument)}")

    def build(self, var_list: list[Variable]) -> None:
        """Make the sums a and z."""
        if self.built:
            return
        super().build(var_list)
        start = initializers.Constant(self.initial_accumulator_value)
        self._accumulators, self._linears = self.add_optimizer_variables(
            var_list, ["accumulator", "linear"], [start, "zeros"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        w, power = variable.value, -self.learning_rate_power
        before = ops.power(self._accumulators[i].value, power)
        after = ops.power(self._accumulators[i].assign_add(ops.square(g)), power)
        if self.l2_shrinkage_regularization_strength:
            g = ops.add(g, ops.multiply(w, 2 * self.l2_shrinkage_regularization_strength))
        pull = ops.multiply(ops.divide(ops.subtract(after, before), rate), w)
        linear = self._linears[i].assign_add(ops.subtract(g, pull))
        strength = ops.add(ops.divide(ops.add(after, self.beta), rate), 2 * self.l2_regularization_strength)
        l1 = self.l1_regularization_strength
        variable.assign(ops.divide(ops.subtract(ops.clip(linear, -l1, l1), linear), strength))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "learning_rate_power": self.learning_rate_power,
                "initial_accumulator_value": self.initial_accumulator_value,
                "l1_regularization_strength": self.l1_regularization_strength,
                "l2_regularization_strength": self.l2_regularization_strength,
                "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength, "beta": self.beta}
