"""Random draws (`keras.random`): each a pure function of its seed.

`seed` is everywhere an integer (the same values at each call), a `SeedGenerator` (others at each call) or None
(the global generator). No gradient flows to the parameters of a distribution but for `mean`, `stddev`,
`minval` and `maxval` given as tensors.
"""

import numbers
from collections.abc import Callable
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float, is_int, numpy_dtype, standardize_dtype
from kerasish.core.op import Card, public
from kerasish.core.random_state import draw_seed
from kerasish.core.spec import Spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis

__all__ = ["beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle", "truncated_normal",
           "uniform"]


def _drawn(*_inputs, shape, dtype, **_params):
    return Spec(shape, dtype)


_uniform = Card("random_uniform", ("seed",), spec=_drawn)
_normal = Card("random_normal", ("seed",), spec=_drawn)
_truncated_normal = Card("random_truncated_normal", ("seed",), spec=_drawn)
_randint = Card("random_randint", ("seed",), spec=_drawn)
_bernoulli = Card("random_bernoulli", ("seed",), spec=lambda seed, *, shape, probability: Spec(shape, "bool"))
_permutation = Card("random_permutation", ("seed",), spec=lambda seed, *, n: Spec((n,), "int32"))
_gamma = Card("random_gamma", ("alpha", "seed"), spec=_drawn)
_beta = Card("random_beta", ("alpha", "beta", "seed"), spec=_drawn)
_binomial = Card("random_binomial", ("counts", "probabilities", "seed"), spec=_drawn)
_categorical = Card("random_categorical", ("logits", "seed"),
                    spec=lambda logits, seed, *, num_samples, dtype: Spec((logits.shape[0], num_samples), dtype))


def _shape(shape: Any) -> tuple[int, ...]:
    return tuple(int(n) for n in ([shape] if isinstance(shape, int) else shape))


def _dtype(dtype: Any, what: str, fits: Callable[[str], bool] = is_float, wanted: str = "a floating point") -> str:
    name = standardize_dtype(dtype)
    if not fits(name):
        raise ValueError(f"`keras.random.{what}` requires {wanted} `dtype`, got {name!r}")
    return name


def _located(card: Card, seed: Any, shape: Any, dtype: str, names: tuple[str, str], start: Any, scale: Any) -> Tensor:
    """Draw with two parameters: numbers go into the kernel, tensors are applied to a standard draw."""
    params = dict(shape=_shape(shape), dtype=numpy_dtype(dtype))
    if isinstance(start, numbers.Real) and isinstance(scale, numbers.Real):
        return card(draw_seed(seed), **params, **{names[0]: float(start), names[1]: float(scale)})
    start = to_tensor(start, dtype)
    if names[1] == "maxval":
        scale = OPS["subtract"](to_tensor(scale, dtype), start)
    standard = card(draw_seed(seed), **params, **{names[0]: 0.0, names[1]: 1.0})
    return OPS["add"](OPS["multiply"](standard, to_tensor(scale, dtype)), start)


def uniform(shape: Any, minval: Any = 0.0, maxval: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw from the uniform distribution on [minval, maxval).

    Args:
        shape: shape of the result.
        minval, maxval: numbers, or tensors that broadcast to `shape`.
        dtype: a floating-point type; `floatx` by default.
        seed: integer, `SeedGenerator` or None.
    """
    dtype = _dtype(dtype, "uniform")
    return _located(_uniform, seed, shape, dtype, ("minval", "maxval"), minval, maxval)


def normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw from the normal distribution.

    Args:
        shape: shape of the result.
        mean, stddev: numbers, or tensors that broadcast to `shape`.
        dtype: a floating-point type; `floatx` by default.
        seed: integer, `SeedGenerator` or None.
    """
    return _located(_normal, seed, shape, _dtype(dtype, "normal"), ("mean", "stddev"), mean, stddev)


def truncated_normal(shape: Any, mean: Any = 0.0, stddev: Any = 1.0, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw from the normal distribution restricted to two standard deviations about the mean.

    Args:
        shape: shape of the result.
        mean, stddev: numbers, or tensors that broadcast to `shape`; of the distribution before it is restricted.
        dtype: a floating-point type; `floatx` by default.
        seed: integer, `SeedGenerator` or None.
    """
    dtype = _dtype(dtype, "truncated_normal")
    return _located(_truncated_normal, seed, shape, dtype, ("mean", "stddev"), mean, stddev)


def randint(shape: Any, minval: Any, maxval: Any, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Draw integers, each of [minval, maxval) as probable as any other.

    Raises:
        ValueError: `dtype` is no integer type, the range is empty, or the dtype cannot hold it.
    """
    dtype = _dtype(dtype, "randint", is_int, "an integer")
    minval, maxval = int(minval), int(maxval)
    bits = int(dtype.lstrip("uint"))
    low, high = (0, 1 << bits) if dtype[0] == "u" else (-1 << bits - 1, 1 << bits - 1)
    if not low <= minval < maxval <= high:
        raise ValueError(f"argument `minval` must be less than `maxval` and both must fit {dtype}, "
                         f"got [{minval}, {maxval})")
    return _randint(draw_seed(seed), shape=_shape(shape), minval=minval, maxval=maxval,
                    dtype=numpy_dtype(dtype))


@public(name="random_dropout")
def dropout(inputs: Any, rate: float, noise_shape: Any = None, seed: Any = None) -> Tensor:
    """Set elements to zero with probability `rate`, and divide the others by `1 - rate`.

    Args:
        inputs: tensor.
        rate: between 0 and 1.
        noise_shape: shape of the mask, which broadcasts to that of `inputs`; None in it stands for the length of
            that axis of `inputs`.
        seed: integer, `SeedGenerator` or None.
    """
    if not isinstance(rate, numbers.Real) or not 0 <= rate <= 1:
        raise ValueError(f"argument `rate` must be a number from 0 to 1, got {rate!r}")
    x = to_tensor(inputs)
    if rate == 0:
        return x
    if rate == 1:
        return OPS["zeros_like"](x)
    shape = x.shape
    if noise_shape is not None:
        if len(noise_shape) != len(shape):
            raise ValueError(f"argument `noise_shape` must have {len(shape)} axes like inputs of shape {shape}, "
                             f"got {tuple(noise_shape)}")
        shape = tuple(m if n is None else int(n) for m, n in zip(shape, noise_shape))
    kept = _bernoulli(draw_seed(seed), shape=shape, probability=1.0 - float(rate))
    return OPS["where"](kept, OPS["multiply"](x, 1.0 / (1.0 - float(rate))), 0.0)


@public(name="random_shuffle")
def shuffle(x: Any, axis: int = 0, seed: Any = None) -> Tensor:
    """Permute the slices of a tensor along one axis, at random; each slice stays whole."""
    x = to_tensor(x)
    axis = canonical_axis(axis, x.ndim)
    return OPS["take"](x, _permutation(draw_seed(seed), n=x.shape[axis]), axis=axis)


@public(name="random_categorical")
def categorical(logits: Any, num_samples: int, dtype: Any = "int32", seed: Any = None) -> Tensor:
    """Draw class indices with probabilities `softmax(logits)`.

    Args:
        logits: (batch, classes), unnormalised log-probabilities.
        num_samples: how many indices a row.
        dtype: an integer type.
        seed: integer, `SeedGenerator` or None.

    Returns:
        (batch, num_samples).
    """
    logits = to_tensor(logits)
    if logits.ndim != 2:
        raise ValueError(f"argument `logits` must have shape (batch, classes), got {logits.shape}")
    return _categorical(logits, draw_seed(seed), num_samples=int(num_samples),
                        dtype=numpy_dtype(standardize_dtype(dtype)))


@public(name="random_gamma")
def gamma(shape: Any, alpha: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw from the gamma distribution of shape parameter `alpha` (a number, or broadcast to `shape`) and scale 1."""
    return _gamma(alpha, draw_seed(seed), shape=_shape(shape), dtype=numpy_dtype(_dtype(dtype, "gamma")))


@public(name="random_binomial")
def binomial(shape: Any, counts: Any, probabilities: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw how many of `counts` trials succeed, each with its probability; both broadcast to `shape`."""
    dtype = numpy_dtype(_dtype(dtype, "binomial"))
    return _binomial(counts, probabilities, draw_seed(seed), shape=_shape(shape), dtype=dtype)


@public(name="random_beta")
def beta(shape: Any, alpha: Any, beta: Any, dtype: Any = None, seed: Any = None) -> Tensor:
    """Draw from the beta distribution; `alpha` and `beta` broadcast to `shape`."""
    dtype = numpy_dtype(_dtype(dtype, "beta"))
    return _beta(alpha, beta, draw_seed(seed), shape=_shape(shape), dtype=dtype)
