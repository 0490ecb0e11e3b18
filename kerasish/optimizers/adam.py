"""Adam: steps by running means of the gradient and of its square."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.ops.elementwise import over
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Adam(Optimizer):
    """Adam (Kingma and Ba 2014; Keras: `optimizers.Adam`).

    `m += (g - m)(1 - b1); v += (g^2 - v)(1 - b2); w -= r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps)`

    Args:
        learning_rate: r, a number or a schedule.
        beta_1: b1.
        beta_2: b2.
        epsilon: eps.
        amsgrad: whether the largest v so far is used (Reddi et al. 2018).
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.999, epsilon: float = 1e-7,
                 amsgrad: bool = False,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_1, self.beta_2, self.epsilon, self.amsgrad = beta_1, beta_2, epsilon, amsgrad

    def build(self, var_list: list[Variable]) -> None:
        """Make the two running means of each variable, and with `amsgrad` the largest second one."""
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])
        if self.amsgrad:
            self._velocity_hats = self.add_optimizer_variables(var_list, "velocity_hat")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(self._unbiased_rate, learning_rate, dtype)
        m = follow(self._momentums[i], g, 1 - self.beta_1)
        v = follow(self._velocities[i], ops.square(g), 1 - self.beta_2)
        if self.amsgrad:
            v = self._velocity_hats[i].assign(ops.maximum(self._velocity_hats[i].value, v))
        step = over("divide", ops.multiply(m, rate), over("add", ops.sqrt(v), self.epsilon))
        variable.assign(over("subtract", variable.value, step, own=1))

    def _unbiased_rate(self, learning_rate: Any, dtype: Any) -> Any:
        bias = ops.divide(ops.sqrt(self._bias(self.beta_2, dtype)), self._bias(self.beta_1, dtype))
        return ops.cast(ops.multiply(learning_rate, bias), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon,
                "amsgrad": self.amsgrad}
