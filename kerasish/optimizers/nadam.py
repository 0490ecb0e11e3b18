"""Nadam: Adam with a look ahead."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Nadam(Optimizer):
    """Nadam (Dozat 2016; Keras: `optimizers.Nadam`).

    With `u_t = b1 (1 - 0.96^t / 2)` and their product U_t, Adam's m and v, and `v_hat = v / (1 - b2^t)`:
    `m_hat = u_(t+1) m / (1 - U_(t+1)) + (1 - u_t) g / (1 - U_t); w -= r m_hat / (sqrt(v_hat) + eps)`

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
        """Make the two running means of each variable, and the product of the momentums."""
        if self.built:
            return
        dtype = var_list[0].handle.dtype.name if var_list else config.floatx()
        super().build(var_list)
        self._momentums, self._velocities = self.add_optimizer_variables(var_list, ["momentum", "velocity"])
        self._u_product = Variable(1.0, dtype=dtype)

    def _backend_update_step(self, grads: list, trainable_variables: list, learning_rate: Any) -> None:
        self._u_product.assign(ops.multiply(self._u_product.value, self._momentum_at(0, self._u_product.dtype)))
        super()._backend_update_step(grads, trainable_variables, learning_rate)

    def _momentum_at(self, ahead: int, dtype: Any) -> Any:
        """The momentum u of this update, or of one ahead."""
        step = ops.add(self._once(self._step_number, dtype), ahead)
        return ops.multiply(ops.subtract(1, ops.multiply(ops.power(0.96, step), 0.5)), self.beta_1)

    def _factors(self, dtype: Any) -> tuple[Any, Any, Any]:
        """What m and g are multiplied by for the look ahead, and v for having begun at 0."""
        product, now, then = self._u_product.value, self._momentum_at(0, dtype), self._momentum_at(1, dtype)
        of_m = ops.divide(then, ops.subtract(1, ops.multiply(product, then)))
        of_g = ops.divide(ops.subtract(1, now), ops.subtract(1, product))
        of_v = ops.divide(1, self._bias(self.beta_2, dtype))
        return ops.cast(of_m, dtype), ops.cast(of_g, dtype), ops.cast(of_v, dtype)

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        of_m, of_g, of_v = self._once(self._factors, dtype)
        m = follow(self._momentums[i], g, 1 - self.beta_1)
        v = follow(self._velocities[i], ops.square(g), 1 - self.beta_2)
        ahead = ops.add(ops.multiply(m, of_m), ops.multiply(g, of_g))
        spread = ops.add(ops.sqrt(ops.multiply(v, of_v)), self.epsilon)
        variable.assign_sub(ops.divide(ops.multiply(ahead, rate), spread))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2, "epsilon": self.epsilon}
