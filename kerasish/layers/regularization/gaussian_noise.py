"""Additive Gaussian noise while training."""

from typing import Any

from kerasish.core.random_state import SeedGenerator
from kerasish.layers.base.arguments import fraction
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class GaussianNoise(SameShapeLayer):
    """Add Gaussian noise of mean 0 while training (Keras: `layers.GaussianNoise`).

    Args:
        stddev: standard deviation of the noise, from 0 to 1.
        seed: integer; None for another one at each run.
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.stddev = fraction(stddev, "stddev")
        self.seed = seed
        if stddev > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, with noise added if `training`."""
        if not training or self.stddev == 0:
            return inputs
        return inputs + random.normal(inputs.shape, 0.0, self.stddev, dtype=self.compute_dtype,
                                      seed=self.seed_generator)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}
