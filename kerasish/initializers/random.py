"""Initializers that draw from one distribution, whatever the shape."""

from typing import Any

from kerasish.core.random_state import SeedGenerator, make_default_seed
from kerasish.core.tensor import Tensor
from kerasish.initializers.base import Initializer
from kerasish.ops import random
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


class RandomInitializer(Initializer):
    """An initializer with a seed.

    Args:
        seed: an integer gives the same values at each call; a `SeedGenerator` others; None makes the
            initializer take an integer of its own.

    Raises:
        ValueError: the seed is none of these.
    """

    def __init__(self, seed: Any = None):
        self._given_seed = seed
        if isinstance(seed, dict):
            seed = deserialize_keras_object(seed)
        if seed is not None and not isinstance(seed, int | SeedGenerator):
            raise ValueError(f"argument `seed` must be an integer, a SeedGenerator or None, got {seed!r}")
        self.seed = make_default_seed() if seed is None else seed

    def get_config(self) -> dict[str, Any]:
        return {"seed": serialize_keras_object(self._given_seed)}


@builtin("keras.initializers")
class RandomNormal(RandomInitializer):
    """Normal values."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@builtin("keras.initializers")
class TruncatedNormal(RandomInitializer):
    """Normal values within two standard deviations of the mean."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.mean, self.stddev = mean, stddev

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


@builtin("keras.initializers")
class RandomUniform(RandomInitializer):
    """Uniform values in [minval, maxval)."""

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None):
        super().__init__(seed)
        self.minval, self.maxval = minval, maxval

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}
