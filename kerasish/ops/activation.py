"""Activations, element by element where nothing else is said. Slopes at kinks are JAX's."""

import math
from typing import Any

import numpy as np

from kerasish.core.dispatch import state, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import like
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.building import as_float, canonical_axis, elementwise
from kerasish.ops.comparison import where
from kerasish.ops.elementwise import absolute, clip, erf, exp, expm1, maximum, minimum, negative, sqrt, square, tanh
from kerasish.ops.joining import split
from kerasish.ops.shape import reshape
from kerasish.ops.sorting import sort

__all__ = [
    "celu", "elu", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_swish", "hard_tanh", "leaky_relu",
    "log_sigmoid", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink", "softplus", "softsign", "sparse_plus",
    "sparse_sigmoid", "sparsemax", "squareplus", "swish", "tanh_shrink", "threshold",
]  # fmt: skip


@elementwise(promote="number", vjp=lambda g, out: where(out > 0, g, 0))
def relu(x):
    """Rectifier max(x, 0), with slope 0 at 0."""


@elementwise(promote="float", vjp=lambda g, out: where((out > 0) & (out < 6), g, 0))
def relu6(x):
    """Rectifier with a ceiling: min(max(x, 0), 6), with slope 0 at both ends."""


@public
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """Rectifier that leaks: x where x >= 0, negative_slope x elsewhere."""
    x = as_float(x)
    return where(x >= 0, x, x * negative_slope)


@elementwise(promote="float", vjp=lambda g, out: g * (out * (1 - out)))
def sigmoid(x):
    """Logistic function 1 / (1 + exp(-x))."""


@public
def log_sigmoid(x: Any) -> Tensor:
    """Logarithm of the logistic function -log(1 + exp(-x)), without overflow."""
    return negative(softplus(negative(as_float(x))))


@public
def hard_sigmoid(x: Any) -> Tensor:
    """Piecewise linear logistic function relu6(x + 3) / 6."""
    return relu6(as_float(x) + 3) * (1 / 6)


@public
def silu(x: Any) -> Tensor:
    """Sigmoid linear unit x sigmoid(x), also named swish (Ramachandran et al. 2017)."""
    x = as_float(x)
    return x * sigmoid(x)


@public
def hard_silu(x: Any) -> Tensor:
    """Piecewise form of silu: x relu6(x + 3) / 6 (Howard et al. 2019)."""
    x = as_float(x)
    return x * hard_sigmoid(x)


@elementwise(promote="float", vjp=lambda g, x: g * sigmoid(x))
def softplus(x):
    """Smooth rectifier log(1 + exp(x)), without overflow."""


@public
def softsign(x: Any) -> Tensor:
    """x / (1 + |x|)."""
    x = as_float(x)
    return x / (1 + absolute(x))


def _gelu_vjp(g, x):
    if not state.tapes:
        return (_gelu_grad(g, x),)
    # Somebody wants the gradient of this gradient.
    return (g * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * exp(-0.5 * (x * x)) * (1 / math.sqrt(2 * math.pi))),)


# Where ops run at once: one pass through memory, and only the input is kept. A trace fuses the formula by itself.
_gelu = Card("gelu", ("x",), spec=like(0), promote="float", vjp=_gelu_vjp)
_gelu_grad = Card("gelu_grad", ("y", "x"), spec=like(0), promote="float")


@public
def gelu(x: Any, approximate: bool = True) -> Tensor:
    """Gaussian error linear unit x P(N <= x) for a standard normal N (Hendrycks and Gimpel 2016).

    Args:
        x: tensor.
        approximate: whether the distribution function is replaced by
            (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
    """
    x = as_float(x)
    if approximate:
        return 0.5 * x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * (x * x * x))))
    if state.interpreter is None:
        return _gelu(x)
    return 0.5 * x * (1 + erf(x * math.sqrt(0.5)))


@public
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """Exponential linear unit: x where x > 0, alpha (exp(x) - 1) elsewhere (Clevert et al. 2015)."""
    x = as_float(x)
    # Where x is positive its exponential might be infinite, and 0 times infinity spoil the gradient.
    return where(x > 0, x, alpha * expm1(where(x > 0, 0, x)))


@public
def selu(x: Any) -> Tensor:
    """Scaled elu, with the scales that keep mean 0 and variance 1 (Klambauer et al. 2017)."""
    return 1.0507009873554805 * elu(x, 1.6732632423543772)


@public
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """max(x, 0) + alpha (exp(min(x, 0) / alpha) - 1), smooth for every alpha (Barron 2017)."""
    x = as_float(x)
    return maximum(x, 0) + alpha * expm1(minimum(x, 0) / alpha)


@public
def glu(x: Any, axis: int = -1) -> Tensor:
    """Gated linear unit a sigmoid(b), a and b the halves of an axis (Dauphin et al. 2016).

    Raises:
        ValueError: the axis has an odd length.
    """
    x = as_float(x)
    if x.shape[canonical_axis(axis, x.ndim)] % 2:
        raise ValueError(f"ops.glu needs an even length in axis {axis}, got shape {x.shape}")
    a, b = split(x, 2, axis=axis)
    return a * sigmoid(b)


@public
def hard_tanh(x: Any) -> Tensor:
    """Identity between -1 and 1, and those outside."""
    x = to_tensor(x)
    if x.dtype.kind == "u":  # -1 is no number of the dtype
        return minimum(x, 1)
    return where(x > 1, 1, where(x < -1, -1, x))


@public
def tanh_shrink(x: Any) -> Tensor:
    """x - tanh(x)."""
    x = as_float(x)
    return x - tanh(x)


@public
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """Move towards 0 by a threshold, and to 0 within it."""
    x = as_float(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0))


@public
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """x where |x| exceeds a threshold, 0 elsewhere."""
    x = as_float(x)
    return where(absolute(x) > threshold, x, 0)


@public
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """x where it exceeds a threshold, `default_value` elsewhere."""
    x = to_tensor(x)
    return where(x > threshold, x, default_value)


@public
def squareplus(x: Any, b: float = 4) -> Tensor:
    """Algebraic smooth rectifier (x + sqrt(x^2 + b)) / 2 (Barron 2021)."""
    x = as_float(x)
    return (x + sqrt(square(x) + b)) * 0.5


@public
def sparse_plus(x: Any) -> Tensor:
    """Rectifier smooth by a parabola: 0 up to -1, (x + 1)^2 / 4 between, x from 1."""
    x = as_float(x)
    return where(x <= -1, 0, where(x >= 1, x, square(x + 1) * 0.25))


@public
def sparse_sigmoid(x: Any) -> Tensor:
    """Slope of `sparse_plus`: 0 up to -1, (x + 1) / 2 between, 1 from 1."""
    return clip(as_float(x) + 1, 0, 2) * 0.5


@public
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """Projection of the numbers along an axis onto the probability simplex (Martins and Astudillo 2016).

    max(x - tau, 0), with tau such that the results sum to one.
    """
    x = as_float(x)
    a = canonical_axis(axis, x.ndim)
    ordered = negative(sort(negative(x), axis=a))
    rank = reshape(np.arange(1, x.shape[a] + 1, dtype="int32"), [-1 if i == a else 1 for i in range(x.ndim)])
    inside = 1 + rank * ordered > reduction.cumsum(ordered, axis=a)
    count = reduction.sum(inside, axis=a, keepdims=True)
    tau = (reduction.sum(where(inside, ordered, 0), axis=a, keepdims=True) - 1) / count
    return maximum(x - tau, 0)


swish = silu
hard_swish = hard_silu
