"""Adamax: Adam with the largest gradient in place of the mean square."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Adamax(Optimizer):
    """Adamax (Kingma and Ba 2014, section 7; Keras: `optimizers.Adamax`).

    `m += (g - m)(1 - b1); u = max(b2 u, |g|); w -= r m / ((1 - b1^t)(u + eps))`

    Args:
        learning_rate: r, a number or a schedule.
        beta_1: b1.
        beta_2: b2.
        epsilon: eps.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon = beta_1, beta_2, epsilon

    def build(self, var_list: list[Variable]) -> None:
        """Make the running mean and the fading maximum of each variable."""
        if self.built:
            return
        super().build(var_list)
        self._m, self._u = self.add_optimizer_variables(var_list, ["momentum", "norm"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(self._unbiased_rate, learning_rate, dtype)
        m = follow(self._m[i], g, 1 - self.beta_1)
        u = self._u[i].assign(ops.maximum(ops.multiply(self._u[i].value, self.beta_2), ops.abs(g)))
        variable.assign_sub(ops.divide(ops.multiply(m, rate), ops.add(u, self.epsilon)))

    def _unbiased_rate(self, learning_rate: Any, dtype: Any) -> Any:
        return ops.cast(ops.divide(learning_rate, self._bias(self.beta_1, dtype)), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
