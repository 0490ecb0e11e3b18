"""Adafactor: Adam whose mean squares are kept by rows and columns."""

from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern 2018; Keras: `optimizers.Adafactor`).

    For a matrix only the mean squares R of its rows and C of its columns are kept: `v = R C / mean(R)`. With
    `rho = min(r, 1 / sqrt(t))`, `u = g / sqrt(v)` and rms the root mean square:
    `w -= rho max(eps2, rms(w)) u / max(1, rms(u) / clip)`

    Args:
        learning_rate: r, a number or a schedule.
        beta_2_decay: d; the mean squares forget with `b = 1 - t^d`.
        epsilon_1: added to squared gradients.
        epsilon_2: smallest size of a variable that the step is measured by.
        clip_threshold: clip, the largest root mean square of u.
        relative_step: kept for Keras's sake: the step is relative to the variable in any case.
        weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency,
            loss_scale_factor, gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, beta_2_decay: float = -0.8, epsilon_1: float = 1e-30,
                 epsilon_2: float = 0.001, clip_threshold: float = 1.0, relative_step: bool = True,
                 weight_decay: float | None = None, clipnorm: float | None = None, clipvalue: float | None = None,
                 global_clipnorm: float | None = None, use_ema: bool = False, ema_momentum: float = 0.99,
                 ema_overwrite_frequency: int | None = None, loss_scale_factor: float | None = None,
                 gradient_accumulation_steps: int | None = None, name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    def build(self, var_list: list[Variable]) -> None:
        """Make the mean squares of rows, of columns and of elements."""
        if self.built:
            return
        super().build(var_list)
        self._r: list[Any] = []
        self._c: list[Any] = []
        self._v: list[Any] = []
        for v in var_list:
            rows, columns = self._factored_slots(v)
            self._r.append(rows)
            self._c.append(columns)
            self._v.append(None if v.overwrite_with_gradient else self.add_variable_from_reference(v, "velocity"))

    def _factored_slots(self, v: Variable) -> tuple[Variable | None, Variable | None]:
        if len(v.shape) < 2:  # unused, but files of Keras hold them
            unused = [Variable(0, name=v.name, trainable=False) for _ in range(2)]
            self._variables += unused
            return unused[0], unused[1]
        if v.overwrite_with_gradient:
            return None, None
        dtype = v.handle.dtype.name
        return (self.add_variable(v.shape[:-1], dtype=dtype, name=v.name),
                self.add_variable((*v.shape[:-2], v.shape[-1]), dtype=dtype, name=v.name))

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, (rate, forget) = ops.cast(gradient, dtype), self._once(self._factors, learning_rate, dtype)
        square = ops.add(ops.square(g), self.epsilon_1)
        if len(variable.shape) < 2:
            v = follow(self._v[i], square, forget)
        else:
            rows = follow(self._r[i], ops.mean(square, axis=-1), forget)
            columns = follow(self._c[i], ops.mean(square, axis=-2), forget)
            rows = ops.divide(rows, ops.mean(rows, axis=-1, keepdims=True))
            v = self._v[i].assign(ops.multiply(ops.expand_dims(rows, -1), ops.expand_dims(columns, -2)))
        u = ops.divide(g, ops.sqrt(v))
        size = ops.multiply(ops.maximum(_rms(variable.value), self.epsilon_2), rate)
        scale = ops.divide(size, ops.maximum(ops.divide(_rms(u), self.clip_threshold), 1))
        variable.assign_sub(ops.multiply(u, scale))

    def _factors(self, learning_rate: Any, dtype: Any) -> tuple[Any, Any]:
        """The relative step, and the weight of new squares in their means."""
        t = self._once(self._step_number, dtype)
        rate = ops.minimum(learning_rate, ops.rsqrt(t))
        return ops.cast(rate, dtype), ops.cast(ops.power(t, self.beta_2_decay), dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {**super().get_config(), "beta_2_decay": self.beta_2_decay, "epsilon_1": self.epsilon_1,
                "epsilon_2": self.epsilon_2, "clip_threshold": self.clip_threshold,
                "relative_step": self.relative_step}


def _rms(x: Any) -> Any:
    return ops.sqrt(ops.mean(ops.square(x)))
