"""AdamW: Adam with weight decay of its own."""

from typing import Any

from kerasish.optimizers.adam import Adam
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class AdamW(Adam):
    """AdamW (Loshchilov and Hutter 2019; Keras: `optimizers.AdamW`): Adam, after `w -= r decay w`.

    Args:
        learning_rate: r, a number or a schedule.
        weight_decay: decay.
        beta_1, beta_2, epsilon, amsgrad: as in `Adam`.
        clipnorm, clipvalue, global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
            gradient_accumulation_steps, name: as in `Optimizer`.

    Raises:
        ValueError: weight_decay is None.
    """

    def __init__(self, learning_rate: Any = 0.001, weight_decay: float = 0.004, beta_1: float = 0.9,
                 beta_2: float = 0.999, epsilon: float = 1e-7, amsgrad: bool = False, clipnorm: float | None = None,
                 clipvalue: float | None = None, global_clipnorm: float | None = None, use_ema: bool = False,
                 ema_momentum: float = 0.99, ema_overwrite_frequency: int | None = None,
                 loss_scale_factor: float | None = None, gradient_accumulation_steps: int | None = None,
                 name: str | None = None, **kwargs: Any):
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, weight_decay, clipnorm, clipvalue,
                         global_clipnorm, use_ema, ema_momentum, ema_overwrite_frequency, loss_scale_factor,
                         gradient_accumulation_steps, name, **kwargs)
        if weight_decay is None:
            raise ValueError("argument `weight_decay` of AdamW must be a number, got None; Adam goes without")
