"""Multiplicative Gaussian noise while training."""

import math
from typing import Any

from kerasish.core.random_state import SeedGenerator
from kerasish.layers.base.arguments import fraction
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class GaussianDropout(SameShapeLayer):
    """Multiply by noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))` while training.

    Source: Srivastava et al., 2014; Keras: `layers.GaussianDropout`.

    Args:
        rate: from 0 to less than 1; the rate of the `Dropout` with noise of the same variance.
        seed: integer; None for another one at each run.
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = fraction(rate, "rate")
        if rate == 1:
            raise ValueError("argument `rate` of GaussianDropout must be less than 1: at 1 the noise is infinite")
        self.seed = seed
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, multiplied by noise if `training`."""
        if not training or self.rate == 0:
            return inputs
        stddev = math.sqrt(self.rate / (1 - self.rate))
        return inputs * random.normal(inputs.shape, 1.0, stddev, dtype=self.compute_dtype, seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
