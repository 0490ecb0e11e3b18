"""Adadelta: steps as long as recent steps, for gradients as long as recent gradients."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import fade
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Adadelta(Optimizer):
    """Adadelta (Zeiler 2012; Keras: `optimizers.Adadelta`).

    `a = rho a + (1 - rho) g^2; d = -g sqrt(b + eps) / sqrt(a + eps); b = rho b + (1 - rho) d^2; w += r d`

    Args:
        learning_rate: r, a number or a schedule; 1 in the paper.
        rho: weight of the old running means.
        epsilon: eps.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, rho: float = 0.95, epsilon: float = 1e-7,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.rho, self.epsilon = rho, epsilon

    def build(self, var_list: list[Variable]) -> None:
        """Make the mean squares of gradients and of steps."""
        if self.built:
            return
        super().build(var_list)
        self._accumulated_grads, self._accumulated_delta_vars = self.add_optimizer_variables(
            var_list, ["accumulated_grad", "accumulated_delta_var"])

    def update_step(self, grad: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, rate = ops.cast(grad, dtype), self._once(ops.cast, learning_rate, dtype)
        steps = self._accumulated_delta_vars[i].value
        spread = fade(self._accumulated_grads[i], ops.square(g), self.rho)
        step = ops.multiply(g, ops.divide(self._root(steps), self._root(spread)))
        fade(self._accumulated_delta_vars[i], ops.square(step), self.rho)
        variable.assign_sub(ops.multiply(step, rate))

    def _root(self, x: Any) -> Any:
        return ops.sqrt(ops.add(x, self.epsilon))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "rho": self.rho, "epsilon": self.epsilon}
