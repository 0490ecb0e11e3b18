"""Schedule-free AdamW: averaging in place of a falling learning rate."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class ScheduleFreeAdamW(Optimizer):
    """Schedule-free AdamW (Defazio et al. 2024; Keras: `optimizers.ScheduleFreeAdamW`).

    z takes Adam's steps, x is the mean of all z, and the gradient is taken at `w = (1 - b1) z + b1 x`:
    `v += (g^2 - v)(1 - b2); z -= r g / (sqrt(v / (1 - b2^t)) + eps); x += (z - x) / t`

    Args:
        learning_rate: r, a number or a schedule.
        beta_1: b1, above 0.
        beta_2: b2.
        epsilon: eps.
        warmup_steps: number of updates over which r grows to its value.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.0025, beta_1: float = 0.9, beta_2: float = 0.999,
                 epsilon: float = 1e-8, warmup_steps: int = 0,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.warmup_steps = beta_1, beta_2, epsilon, warmup_steps

    def build(self, var_list: list[Variable]) -> None:
        """Make z, which begins as the variable itself, and v."""
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])
        for z, w in zip(self._momentums, var_list, strict=True):
            if z is not None:
                z.assign(w)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, old_z = ops.cast(gradient, dtype), self._momentums[i].value
        rate, of_v, weight = self._once(self._factors, learning_rate, dtype)
        v = follow(self._velocities[i], ops.square(g), 1 - self.beta_2)
        epsilon = max(self.epsilon, 6e-8) if dtype == "float16" else self.epsilon  # the default is 0 in float16
        spread = ops.add(ops.sqrt(ops.multiply(v, of_v)), epsilon)
        z = self._momentums[i].assign_sub(ops.divide(ops.multiply(g, rate), spread))
        # b1 x, with x found again from the variable, so that it needs no slot.
        old_x = ops.subtract(variable.value, ops.multiply(old_z, 1 - self.beta_1))
        x = ops.add(old_x, ops.multiply(ops.subtract(ops.multiply(z, self.beta_1), old_x), weight))
        variable.assign(ops.add(ops.multiply(z, 1 - self.beta_1), x))

    def _factors(self, learning_rate: Any, dtype: Any) -> tuple[Any, Any, Any]:
        """The learning rate after its warm-up, what v is multiplied by for having begun at 0, and the weight 1 / t."""
        t = self._once(self._step_number, dtype)
        if self.warmup_steps > 0:
            learning_rate = ops.multiply(learning_rate, ops.minimum(ops.divide(t, self.warmup_steps), 1))
        factors = learning_rate, ops.divide(1, self._bias(self.beta_2, dtype)), ops.divide(1, t)
        return tuple(ops.cast(f, dtype) for f in factors)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "warmup_steps": self.warmup_steps}
