"""LAMB: Adam with steps as long as the weights, for large batches."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Lamb(Optimizer):
    """LAMB (You et al. 2019; Keras: `optimizers.Lamb`).

    With Adam's unbiased means m and v, `u = m / (sqrt(v) + eps)`: `w -= r |w| / |u| u`, the ratio of norms 1 where
    one of them is 0.

    Args:
        learning_rate: r, a number or a schedule.
        beta_1: weight of the old m.
        beta_2: weight of the old v.
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
        """Make the two running means of each variable."""
        if self.built:
            return
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        of_m, of_v = self._once(self._factors, dtype)
        m = follow(self._momentums[i], g, 1 - self.beta_1)
        v = follow(self._velocities[i], ops.square(g), 1 - self.beta_2)
        u = ops.divide(ops.multiply(m, of_m), ops.add(ops.sqrt(ops.multiply(v, of_v)), self.epsilon))
        w_norm, u_norm = _norm(variable.value), _norm(u)
        measured = ops.logical_and(ops.greater(w_norm, 0), ops.greater(u_norm, 0))
        ratio = ops.where(measured, ops.divide(w_norm, u_norm), 1.0)
        variable.assign_sub(ops.multiply(u, ops.multiply(ratio, rate)))

    def _factors(self, dtype: Any) -> tuple[Any, Any]:
        """What m and v are multiplied by for having begun at 0."""
        biases = self._bias(self.beta_1, dtype), self._bias(self.beta_2, dtype)
        return ops.cast(ops.divide(1, biases[0]), dtype), ops.cast(ops.divide(1, biases[1]), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}


def _norm(x: Any) -> Any:
    return ops.sqrt(ops.sum(ops.square(x)))
