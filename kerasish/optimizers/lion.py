"""Lion: steps by the sign of a momentum."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Lion(Optimizer):
    """Lion (Chen et al. 2023; Keras: `optimizers.Lion`).

    `w -= r sign(b1 m + (1 - b1) g); m = b2 m + (1 - b2) g`

    Args:
        learning_rate: r, a number or a schedule; 3 to 10 times smaller than Adam's.
        beta_1: b1, in (0, 1].
        beta_2: b2.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, beta_1: float = 0.9, beta_2: float = 0.99,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        if not 0 < beta_1 <= 1:
            raise ValueError(f"argument `beta_1` of Lion must be in (0, 1], got {beta_1}")
        self.beta_1, self.beta_2 = beta_1, beta_2

    def build(self, var_list: list[Variable]) -> None:
        """Make the momentums."""
        if self.built:
            return
        super().build(var_list)
        self._momentums = self.add_optimizer_variables(var_list, "momentum")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        dtype = variable.handle.dtype
        g, rate = ops.cast(gradient, dtype), self._once(ops.cast, learning_rate, dtype)
        slot = self._momentums[self._get_variable_index(variable)]
        m = slot.value
        mixed = ops.add(ops.multiply(m, self.beta_1), ops.multiply(g, 1 - self.beta_1))
        variable.assign_sub(ops.multiply(ops.sign(mixed), rate))
        slot.assign(ops.add(ops.multiply(m, self.beta_2), ops.multiply(g, 1 - self.beta_2)))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_1": self.beta_1, "beta_2": self.beta_2}
