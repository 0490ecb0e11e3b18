"""Muon: momentum steps with all their directions made equally long."""

import re
from typing import Any

from kerasish import ops
from kerasish.core.variable import Variable
from kerasish.optimizers.means import follow
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class Muon(Optimizer):
    """Muon (Jordan et al. 2024; Liu et al. 2025; Keras: `optimizers.Muon`), for the matrices inside a network.

    `m = momentum m + g; w -= r rms_rate sqrt(max(rows, columns)) orthogonal(g + momentum m)`, where `orthogonal`
    is an odd polynomial of the matrix, applied a few times (Newton and Schulz). Variables that are no matrices,
    embeddings, and those excluded by name are left to AdamW.

    Args:
        learning_rate: r, a number or a schedule.
        adam_beta_1, adam_beta_2, epsilon: AdamW's numbers.
        adam_weight_decay: AdamW's weight decay.
        weight_decay: weight decay of the matrices.
        exclude_layers: regular expressions; a variable in whose path one is found is left to AdamW.
        exclude_embeddings: whether variables with "embedding" in their path are left to AdamW.
        muon_a, muon_b, muon_c: coefficients of the polynomial `a x + b x^3 + c x^5`.
        adam_lr_ratio: AdamW's learning rate over r.
        momentum: weight of the old m.
        ns_steps: how often the polynomial is applied.
        nesterov: whether the step looks ahead; without, m takes the place of `g + momentum m`.
        rms_rate: root mean square of a step at learning rate 1; None leaves steps as the polynomial gives them.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name: as in `Optimizer`.
    """

    def __init__(self, learning_rate: Any = 0.001, adam_beta_1: float = 0.9, adam_beta_2: float = 0.999,
                 adam_weight_decay: float | None = 0.004, epsilon: float = 1e-7, weight_decay: float | None = 0.004,
                 clipnorm: float | None = None, clipvalue: float | None = None, global_clipnorm: float | None = None,
                 use_ema: bool = False, ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 name: str | None = None, exclude_layers: list[str] | None = None, exclude_embeddings: bool = True,
                 muon_a: float = 3.4445, muon_b: float = -4.775, muon_c: float = 2.0315, adam_lr_ratio: float = 1,
                 momentum: float = 0.95, ns_steps: int = 5, nesterov: bool = True, rms_rate: float | None = 0.2,
                 **kwargs: Any):
        super().__init__(learning_rate, weight_decay, clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum,
                         ema_overwrite_frequency, loss_scale_factor, gradient_accumulation_steps, name, **kwargs)
        self.adam_beta_1, self.adam_beta_2, self.epsilon = adam_beta_1, adam_beta_2, epsilon
        self.adam_weight_decay, self.adam_lr_ratio = adam_weight_decay, adam_lr_ratio
        self.exclude_layers, self.exclude_embeddings = list(exclude_layers or []), exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c = muon_a, muon_b, muon_c
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate

    def _should_use_adamw(self, variable: Variable) -> bool:
        path = variable.path
        return (len(variable.shape) != 2 or self.exclude_embeddings and "embedding" in path.lower()
                or any(re.search(pattern, path) for pattern in self.exclude_layers))

    def build(self, var_list: list[Variable]) -> None:
        """Make the momentums, and AdamW's mean squares."""
        if self.built:
            return
        super().build(var_list)
        self.momentums: list[Any] = [None] * len(var_list)
        self.adam_velocities: list[Any] = [None] * len(var_list)
        for i, v in enumerate(var_list):
            if not v.overwrite_with_gradient:
                self.momentums[i] = self.add_variable_from_reference(v, "momentum")
                if self._should_use_adamw(v):
                    self.adam_velocities[i] = self.add_variable_from_reference(v, "velocity")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable."""
        i, dtype = self._get_variable_index(variable), variable.handle.dtype
        g, m, v = ops.cast(gradient, dtype), self.momentums[i], self.adam_velocities[i]
        if v is not None:
            self._adamw_step(g, variable, self._once(self._adam_rate, learning_rate, dtype), m, v)
            return
        m = m.assign(ops.add(ops.multiply(m.value, self.momentum), g))
        if self.nesterov:
            m = ops.add(ops.multiply(m, self.momentum), g)
        step = ops.multiply(self.zeropower_via_newtonschulz5(m, self.ns_steps),
                            self._once(ops.cast, learning_rate, dtype))
        variable.assign_sub(self.lr_adjust(step))

    def lr_adjust(self, x: Any) -> Any:
        """Return an orthogonal step, scaled to a root mean square of `rms_rate`."""
        return x if self.rms_rate is None else ops.multiply(x, max(x.shape) ** 0.5 * self.rms_rate)

    def transpose_last_axis(self, X: Any) -> Any:  # noqa: N803  (Keras's spelling)
        """Return matrices with rows and columns exchanged."""
        return ops.swapaxes(X, -1, -2)

    def zeropower_via_newtonschulz5(self, x: Any, steps: int) -> Any:
        """Return a matrix with the singular vectors of x and singular values near 1.

        Args:
            x: matrix.
            steps: how often the polynomial is applied.

        Raises:
            ValueError: x is no matrix.
        """
        if len(x.shape) != 2:
            raise ValueError(f"expected a matrix, got a tensor of shape {x.shape}")
        wide = x.shape[0] <= x.shape[1]
        x = x if wide else self.transpose_last_axis(x)
        x = ops.divide(x, ops.add(ops.sqrt(ops.sum(ops.square(x))), 1e-7))
        for _ in range(steps):
            square = ops.matmul(x, self.transpose_last_axis(x))
            fourth = ops.multiply(ops.matmul(square, square), self.muon_c)
            mixed = ops.add(ops.multiply(square, self.muon_b), fourth)
            x = ops.add(ops.multiply(x, self.muon_a), ops.matmul(mixed, x))
        return x if wide else self.transpose_last_axis(x)

    def _adamw_step(self, g: Any, variable: Variable, rate: Any, m: Variable, v: Variable) -> None:
        mean, spread = follow(m, g, 1 - self.adam_beta_1), follow(v, ops.square(g), 1 - self.adam_beta_2)
        variable.assign_sub(ops.divide(ops.multiply(mean, rate), ops.add(ops.sqrt(spread), self.epsilon)))

    def _adam_rate(self, learning_rate: Any, dtype: Any) -> Any:
        bias = ops.divide(ops.sqrt(self._bias(self.adam_beta_2, dtype)), self._bias(self.adam_beta_1, dtype))
        return ops.cast(ops.multiply(ops.multiply(learning_rate, self.adam_lr_ratio), bias), dtype)

    def _apply_weight_decay(self, variables: list) -> None:
        for v in variables:
            decay = self.adam_weight_decay if self._should_use_adamw(v) else self.weight_decay
            if decay is not None and self._use_weight_decay(v):
                self._shrink(v, decay)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        names = ("adam_beta_1", "adam_beta_2", "epsilon", "exclude_layers", "muon_a", "muon_b", "muon_c",
                 "adam_lr_ratio", "momentum", "ns_steps", "nesterov", "exclude_embeddings", "adam_weight_decay",
                 "rms_rate")
        return {**super().get_config(), **{n: getattr(self, n) for n in names}}
