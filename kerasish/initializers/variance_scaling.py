"""Initializers whose variance follows from the shape: Glorot, He, Lecun."""

import math
from typing import Any

from kerasish.core.tensor import Tensor
from kerasish.initializers.random import RandomInitializer
from kerasish.ops import random
from kerasish.utils.registry import builtin

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")
TRUNCATED_STDDEV = 0.87962566103423978  # of a standard normal restricted to two standard deviations


def compute_fans(shape: Any, input_axes: Any = None, output_axes: Any = None) -> tuple[int, int]:
    """Return how many inputs an output is made of, and how many outputs an input goes to.

    Args:
        shape: of the weights: (inputs, outputs), or (*kernel, in_channels, out_channels) of a convolution.
        input_axes, output_axes: with both, the products of these axes are taken instead.
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[a] for a in input_axes), math.prod(shape[a] for a in output_axes)
    if len(shape) < 2:
        return (int(shape[0]),) * 2 if shape else (1, 1)
    field = math.prod(shape[:-2])
    return int(field * shape[-2]), int(field * shape[-1])


@builtin("keras.initializers")
class VarianceScaling(RandomInitializer):
    """Values of mean 0 and variance `scale / n`, n the fan of the weights (Keras: `VarianceScaling`).

    Args:
        scale: positive.
        mode: which n: "fan_in", "fan_out", or "fan_avg", their mean.
        distribution: "truncated_normal", "untruncated_normal" or "uniform".
        seed: integer, `SeedGenerator` or None.
        input_axes, output_axes: axes of the weights whose products are the fans.
    """

    def __init__(self, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
                 seed: Any = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(seed)
        distribution = distribution.lower()
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if scale <= 0.0:
            raise ValueError(f"Argument `scale` must be positive float, got {scale}")
        if mode not in MODES:
            raise ValueError(f"Invalid `mode` argument: expected one of {MODES}, got {mode!r}")
        if distribution not in DISTRIBUTIONS:
            raise ValueError(f"Invalid `distribution` argument: expected one of {DISTRIBUTIONS}, got {distribution!r}")
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        stddev = math.sqrt(self.scale / max(1.0, n))
        if self.distribution == "uniform":
            limit = math.sqrt(3.0) * stddev
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.seed)
        return random.truncated_normal(shape, 0.0, stddev / TRUNCATED_STDDEV, dtype, self.seed)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale, "mode": self.mode, "distribution": self.distribution,
                "input_axes": self.input_axes, "output_axes": self.output_axes}


class _Named(VarianceScaling):
    """A variance scaling of fixed settings: (scale, mode, distribution)."""

    SETTINGS: tuple[float, str, str]

    def __init__(self, seed: Any = None, input_axes: Any = None, output_axes: Any = None):
        super().__init__(*self.SETTINGS, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        return {name: config[name] for name in ("seed", "input_axes", "output_axes")}


@builtin("keras.initializers")
class GlorotUniform(_Named):
    """Uniform, variance `2 / (fan_in + fan_out)` (Glorot and Bengio, 2010)."""

    SETTINGS = (1.0, "fan_avg", "uniform")


@builtin("keras.initializers")
class GlorotNormal(_Named):
    """Truncated normal, variance `2 / (fan_in + fan_out)` (Glorot and Bengio, 2010)."""

    SETTINGS = (1.0, "fan_avg", "truncated_normal")


@builtin("keras.initializers")
class HeUniform(_Named):
    """Uniform, variance `2 / fan_in` (He et al., 2015)."""

    SETTINGS = (2.0, "fan_in", "uniform")


@builtin("keras.initializers")
class HeNormal(_Named):
    """Truncated normal, variance `2 / fan_in` (He et al., 2015)."""

    SETTINGS = (2.0, "fan_in", "truncated_normal")


@builtin("keras.initializers")
class LecunUniform(_Named):
    """Uniform, variance `1 / fan_in` (LeCun et al., 1998; Klambauer et al., 2017)."""

    SETTINGS = (1.0, "fan_in", "uniform")


@builtin("keras.initializers")
class LecunNormal(_Named):
    """Truncated normal, variance `1 / fan_in` (LeCun et al., 1998; Klambauer et al., 2017)."""

    SETTINGS = (1.0, "fan_in", "truncated_normal")
