"""Inputs shifted and scaled to mean 0 and variance 1."""

import math
from typing import Any

import numpy as np

from kerasish import ops
from kerasish.core.tensor import Tensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.preprocessing.adapting import batches_of, is_whole
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Normalization(Layer):
    """`(x - mean) / max(sqrt(variance), epsilon)`, with the moments of data seen before (`layers.Normalization`).

    Args:
        axis: axes along which each place has its own mean and variance; None for a single one for all.
        mean, variance: the moments, if they are known; else call `adapt`.
        invert: whether normalized inputs are turned back: `x max(sqrt(variance), epsilon) + mean`.
    """

    def __init__(self, axis: Any = -1, mean: Any = None, variance: Any = None, invert: bool = False, **kwargs: Any):
        super().__init__(**kwargs)
        self.axis = () if axis is None else (axis,) if isinstance(axis, int) else tuple(axis)
        if (mean is None) != (variance is None):
            raise ValueError(f"Normalization takes `mean` and `variance` together or not at all, got {mean!r} and "
                             f"{variance!r}")
        if mean is not None and np.shape(mean) != np.shape(variance):
            raise ValueError("arguments `mean` and `variance` of Normalization must have one shape, got "
                             f"{np.shape(mean)} and {np.shape(variance)}")
        if np.ndim(mean if mean is not None else 0) > len(self.axis):
            raise ValueError(f"argument `mean` of Normalization has shape {np.shape(mean)}: more axes than `axis` "
                             f"{self.axis} names")
        self.input_mean, self.input_variance, self.invert = mean, variance, invert
        self.supports_masking = True
        self._given: tuple[np.ndarray, np.ndarray] | None = None

    def build(self, input_shape: Any) -> None:
        """Make mean, variance and count, unless the moments were given."""
        if input_shape is None:
            return
        rank = len(input_shape)
        if any(not -rank <= a < rank for a in self.axis):
            raise ValueError(f"layer {self.path!r}: an axis of {rank} lies from {-rank} to {rank - 1}, got axis="
                             f"{self.axis} for inputs of shape {tuple(input_shape)}")
        kept = tuple(sorted(a % rank for a in self.axis))
        if any(input_shape[a] is None for a in kept):
            raise ValueError(f"layer {self.path!r}: All `axis` values to be kept apart need a known length, got axes "
                             f"{kept} of shape {tuple(input_shape)}")
        self._kept = kept
        self._lengths = tuple(input_shape[a] for a in kept)
        self._broadcast = tuple(n if a in kept else 1 for a, n in enumerate(input_shape))
        if self.input_mean is not None:
            self._given = self._spread(self.input_mean), self._spread(self.input_variance)
            return
        self.adapt_mean = self.add_weight(name="mean", shape=self._lengths, initializer="zeros", trainable=False)
        self.adapt_variance = self.add_weight(name="variance", shape=self._lengths, initializer="ones",
                                              trainable=False)
        # Not used; files have it.
        self.count = self.add_weight(name="count", shape=(), dtype="int32", initializer="zeros", trainable=False)

    def _spread(self, values: Any) -> np.ndarray:
        """Given moments in a shape that broadcasts to the inputs', their axes the last of those kept."""
        array = np.asarray(values, "float64" if self.compute_dtype == "float64" else config.floatx())
        shape = [1] * len(self._broadcast)
        for length, axis in zip(array.shape[::-1], self._kept[::-1]):
            shape[axis] = length
        try:
            return np.broadcast_to(array.reshape(shape), self._broadcast)
        except ValueError:
            raise ValueError(f"layer {self.path!r}: `mean` and `variance` have shape {array.shape}, but the axes "
                             f"{self._kept} of its input have lengths {self._lengths}") from None

    @property
    def mean(self) -> Any:
        """The mean, in a shape that broadcasts to the inputs'."""
        return self._moment(0)

    @property
    def variance(self) -> Any:
        """The variance, in a shape that broadcasts to the inputs'."""
        return self._moment(1)

    def _moment(self, which: int) -> Any:
        if not self.built:
            return None
        if self._given is not None:
            return ops.cast(self._given[which], self.compute_dtype)
        learned = (self.adapt_mean, self.adapt_variance)[which]
        return ops.cast(ops.reshape(learned, self._broadcast), self.compute_dtype)

    def adapt(self, data: Any) -> None:
        """Set mean and variance to those of data.

        Args:
            data: an array, or a data set or other iterable of batches.
        """
        if self.input_mean is not None:
            raise ValueError(f"layer {self.path!r} was given its `mean` and `variance`, so it cannot adapt to data")
        mean: Any = 0.0
        variance: Any = 0.0
        total = 0
        for batch in [data] if is_whole(data, lists=False) else batches_of(data, self.path):
            if not hasattr(batch, "shape") and not isinstance(batch, list | tuple):
                raise TypeError(f"layer {self.path!r} adapts to batches that are arrays, with a `.shape`, got "
                                f"{batch!r} ({type(batch).__name__})")
            x = np.asarray(batch)
            self._check_batch(x.shape)
            reduced = tuple(a for a in range(x.ndim) if a not in self._kept)
            count = math.prod(x.shape[a] for a in reduced)
            total += count
            # In float64, and combined as Chan, Golub and LeVeque (1979) do.
            new_mean, new_variance = x.mean(reduced, dtype="float64"), x.var(reduced, dtype="float64")
            share, gap = count / total, new_mean - mean
            mean = mean + gap * share
            variance = variance * (1 - share) + new_variance * share + gap**2 * share * (1 - share)
        self.adapt_mean.assign(mean)
        self.adapt_variance.assign(variance)

    def _check_batch(self, shape: tuple[int, ...]) -> None:
        if not self.built:
            self.build(shape)
        elif len(shape) != len(self._broadcast) or tuple(shape[a] for a in self._kept) != self._lengths:
            raise ValueError(f"layer {self.path!r} was built for inputs with lengths {self._lengths} along the axes "
                             f"{self._kept} of {len(self._broadcast)}, but is adapted to data of an incompatible "
                             f"shape: {shape}")

    def finalize_state(self) -> None:
        """Nothing is left to do after `adapt`."""

    def call(self, inputs: Any) -> Tensor:
        """Return the normalized inputs, or with `invert` the original ones."""
        mean, variance = self.mean, self.variance
        x = ops.cast(inputs, self.compute_dtype)
        spread = ops.maximum(ops.sqrt(variance), config.epsilon())
        return ops.add(ops.multiply(x, spread), mean) if self.invert else ops.divide(ops.subtract(x, mean), spread)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis, "invert": self.invert,
                "mean": _listed(self.input_mean), "variance": _listed(self.input_variance)}


def _listed(values: Any) -> Any:
    return values if values is None else np.asarray(values).tolist()
