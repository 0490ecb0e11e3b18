"""What op families share: decorators for elementwise ops, and helpers for axes."""

import functools
import inspect
from collections.abc import Callable
from typing import Any

from kerasish.backend.common.halves import is_half
from kerasish.core.dispatch import apply, promoted_dtype, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import broadcast, like
from kerasish.core.tensor import Tensor


def elementwise(*, vjp: Any = None, promote: Any = "same", dtype: Any = None,
                spec: Any = None) -> Callable[..., Any]:
    """Return a decorator that makes an elementwise op of a function with a docstring and no body.

    The positional parameters without defaults are the inputs, which broadcast; the others are static.

    Args:
        vjp: one gradient rule an input (None where no gradient flows), or a single rule for one input.
        promote: as in `Card`.
        dtype: the result's dtype where it is not the inputs' common one.
        spec: the shape rule, where it is not that of the (broadcast) inputs.
    """

    def make(function: Callable[..., Any]) -> Callable[..., Any]:
        # Read off the code: at import, `inspect.signature` of every op would take longer than all the rest.
        values = function.__defaults__ or ()
        names = function.__code__.co_varnames[: function.__code__.co_argcount]
        inputs, static = names[: len(names) - len(values)], names[len(names) - len(values):]
        rules = (vjp,) if callable(vjp) else vjp
        shape_rule = spec or (like(0, dtype) if len(inputs) == 1 else broadcast(dtype))
        card = Card(function.__name__, inputs, spec=shape_rule, promote=promote, vjp=rules, broadcasts=len(inputs) > 1)

        defaults, count = dict(zip(static, values, strict=True)), len(inputs)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if len(args) == count and (not kwargs or kwargs.keys() <= defaults.keys()):  # the common way: it is quick
                return apply(card, args, {**defaults, **kwargs} if kwargs else defaults.copy())
            bound = inspect.signature(function).bind(*args, **kwargs)
            bound.apply_defaults()
            return card(*[bound.arguments[n] for n in inputs], **{n: bound.arguments[n] for n in static})

        return public(call)

    return make


def as_float(*values: Any) -> Any:
    """Return values as tensors of the floating-point type in which they meet; a single one bare."""
    if len(values) == 1 and type(values[0]) is Tensor and values[0].data.dtype.kind == "f":
        return values[0]
    dtype = promoted_dtype("float", values)
    tensors = [to_tensor(x, dtype) for x in values]
    return tensors[0] if len(tensors) == 1 else tensors


def widened(x: Any) -> Any:
    """Return a tensor of half precision in float32, any other as it is."""
    return to_tensor(x, "float32") if is_half(x.dtype) else x


def canonical_axis(axis: int, ndim: int) -> int:
    """Return a non-negative axis.

    Raises:
        ValueError: the axis is outside the tensor.
    """
    axis = int(axis)
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of bounds: the tensor has {ndim} axes")
    return axis % ndim


def canonical_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return sorted, non-negative, distinct axes; None means all.

    Raises:
        ValueError: an axis is outside the tensor or named twice.
    """
    if axis is None:
        return tuple(range(ndim))
    if type(axis) is int:
        return (canonical_axis(axis, ndim),)
    axes = tuple(sorted(canonical_axis(a, ndim) for a in (axis if isinstance(axis, list | tuple) else [axis])))
    if len(set(axes)) != len(axes):
        raise ValueError(f"an axis is named twice in {axis}")
    return axes
