"""Dropout that keeps mean and variance of self-normalising networks."""

from typing import Any

from kerasish import ops
from kerasish.layers.regularization.dropout import Dropout
from kerasish.ops import random
from kerasish.utils.registry import builtin

_SELU_FLOOR = -1.6732632423543772 * 1.0507009873554805  # what SELU tends to at minus infinity


@builtin("keras.layers")
class AlphaDropout(Dropout):
    """Set inputs to SELU's lower limit while training, then scale and shift so that mean and variance stay.

    `out = a * (x where kept, else p) + b` with `p = -1.7581`, `a = ((1 - rate) (1 + rate p^2))^(-1/2)`,
    `b = -a p rate`. Source: Klambauer et al., 2017; Keras: `layers.AlphaDropout`.

    Args:
        rate, noise_shape, seed: as in `Dropout`.
    """

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the inputs, some of them at the lower limit if `training`."""
        if not training or self.rate == 0:
            return inputs
        shape = self._mask_shape(tuple(inputs.shape))
        kept = ops.greater_equal(random.uniform(shape, seed=self.seed_generator), self.rate)
        a = ((1 - self.rate) * (1 + self.rate * _SELU_FLOOR**2)) ** -0.5 if self.rate < 1 else 1.0
        b = -a * _SELU_FLOOR * self.rate
        return a * ops.where(kept, inputs, _SELU_FLOOR) + b

    def _mask_shape(self, shape: tuple) -> tuple:
        given = self.noise_shape
        if given is None:
            return shape
        if len(given) != len(shape):
            raise ValueError(f"argument `noise_shape` of layer {self.path!r} must have {len(shape)} axes like inputs "
                             f"of shape {shape}, got {given}")
        return tuple(n if m is None else m for m, n in zip(given, shape))
