"""Dropout: elements set to zero at random while training."""

from typing import Any

from kerasish.core.random_state import SeedGenerator
from kerasish.layers.base.arguments import fraction, is_int
from kerasish.layers.base.same_shape import SameShapeLayer
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Dropout(SameShapeLayer):
    """Set inputs to zero with probability `rate` while training, and divide the others by `1 - rate`.

    Source: Srivastava et al., 2014; Keras: `layers.Dropout`.

    Args:
        rate: from 0 to 1.
        noise_shape: shape of the mask, which broadcasts to that of the inputs; None in it stands for the length of
            that axis. By default every element is drawn for itself.
        seed: integer; None for another one at each run.
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        self.rate = fraction(rate, "rate")
        self.noise_shape = _checked_noise_shape(noise_shape)
        self.seed = seed
        if rate > 0:
            self.seed_generator = SeedGenerator(seed)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, some of them zero if `training`."""
        if not training or self.rate == 0:
            return inputs
        return random.dropout(inputs, self.rate, self._noise_shape_for(inputs), seed=self.seed_generator)

    def _noise_shape_for(self, inputs: Any) -> Any:
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


def _checked_noise_shape(noise_shape: Any) -> tuple | None:
    if noise_shape is None:
        return None
    if not isinstance(noise_shape, list | tuple) or not all(n is None or is_int(n, 1) for n in noise_shape):
        raise ValueError(f"argument `noise_shape` must be a tuple of positive integers and Nones, got {noise_shape!r}")
    return tuple(noise_shape)
