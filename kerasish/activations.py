"""Activation functions (`keras.activations`): ops of one tensor, found by name.

Most are ops of the same name. Those written here differ from the op in signature or default, or have none.
"""

from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.core.dispatch import apply_over, to_tensor
from kerasish.core.op import CARDS, public
from kerasish.core.tensor import Tensor
from kerasish.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from kerasish.ops.softmax import quiet_softmax as softmax
from kerasish.utils import serialization
from kerasish.utils.registry import CustomObjectScope, builtin, builtin_name

__all__ = [
    "celu", "deserialize", "elu", "exponential", "gelu", "get", "glu", "hard_shrink", "hard_sigmoid", "hard_silu",
    "hard_swish", "hard_tanh", "leaky_relu", "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu",
    "serialize", "sigmoid", "silu", "soft_shrink", "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid",
    "sparsemax", "squareplus", "swish", "tanh", "tanh_shrink", "threshold",
]

Activation = Callable[..., Any]


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """Rectified linear unit: x above `threshold`, at most `max_value`; `negative_slope * (x - threshold)` below.

    Args:
        x: tensor.
        negative_slope: slope below the threshold.
        max_value: largest value of the result; None for no limit.
        threshold: below it (and at it) the sloped part holds.
    """
    if negative_slope == 0 and max_value is None and threshold == 0:
        return ops.relu(x)
    return relu_with_options(x, negative_slope, max_value, threshold)


def activate_own(activation: Callable[..., Any] | None, x: Any) -> Any:
    """Return a layer's activation of x, written over x where that can be.

    Args:
        activation: what `get` returned.
        x: the product of others, which the caller alone holds and does not use any more.
    """
    if activation is relu and type(x) is Tensor:
        return apply_over(CARDS["relu"], (x,))
    return x if activation is None else activation(x)


@public
def relu_with_options(x: Any, negative_slope: float, max_value: float | None, threshold: float) -> Any:
    """The rectified linear unit in general, one op of a symbolic graph."""
    x = to_tensor(x)
    if max_value is None and threshold == 0:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    out = ops.relu(x) if threshold == 0 else ops.where(ops.greater(x, threshold), x, 0)
    if max_value is not None:
        out = ops.clip(out, 0.0, max_value)
    return out if negative_slope == 0 else out - negative_slope * ops.relu(threshold - x)


def gelu(x: Any, approximate: bool = False) -> Any:
    """Gaussian error linear unit, `x * P(X <= x)` for a standard normal X; by tanh where `approximate`."""
    return ops.gelu(x, approximate=approximate)


@public
def mish(x: Any) -> Any:
    """Self-regularised activation `x * tanh(softplus(x))` (Misra, 2019)."""
    x = to_tensor(x)
    return x * ops.tanh(ops.softplus(x))


def linear(x: Any) -> Any:
    """Return x itself."""
    return x


exponential = ops.exp
swish = silu
hard_swish = hard_silu

for _name in __all__:
    if _name not in ("deserialize", "get", "serialize", "hard_swish", "swish"):
        builtin("keras.activations", name=_name)(globals()[_name])
_BY_NAME = serialization.family("keras.activations", swish=silu, hard_swish=hard_silu)


def serialize(activation: Activation) -> Any:
    """Return a built-in activation's name, or the config of another function or of an object with `get_config`."""
    if activation is ops.relu:  # the op means the same as the activation without options
        return "relu"
    known = builtin_name(activation)
    if known is not None and known[0] == "keras.activations":
        return known[1]
    return serialization.serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Activation:
    """Return the activation that `serialize` described.

    Args:
        config: a name, or a config.
        custom_objects: the caller's functions and classes by name.

    Raises:
        TypeError: a config names a function or class that is not known.
        ValueError: a name is not known.
    """
    with CustomObjectScope(custom_objects):
        return serialization.get_object(config, _BY_NAME, "an activation")


def get(identifier: Any) -> Activation:
    """Return an activation from its name, its config, None (`linear`) or the function itself.

    Raises:
        TypeError: a config names a function or class that is not known.
        ValueError: it is none of these.
    """
    return linear if identifier is None else deserialize(identifier)
