"""How the arguments of a layer's call meet its signature: which are tensors, and of what shape."""

import inspect
import threading
from collections.abc import Callable
from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.core.tensor import Tensor
from kerasish.utils import tree


class _Context(threading.local):
    training: Any = None
    depth: int = 0


# What the outermost layer call of this thread was told: inner layers take it where they are told nothing.
context = _Context()


class CallSignature:
    """The signature of a layer's `call`, read once a layer."""

    def __init__(self, call: Callable[..., Any]):
        self.signature = inspect.signature(call)
        parameters = self.signature.parameters
        self.first = next(iter(parameters), "")  # no name where the call takes nothing
        self.has_training = "training" in parameters
        self.has_mask = "mask" in parameters
        self.catches_all = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        self.mask_names = frozenset(n for n in parameters if n.endswith("_mask"))
        default = parameters["training"].default if self.has_training else None
        self.training_default = None if default is inspect.Parameter.empty else default
        self.required = [n for n, p in parameters.items() if p.default is p.empty
                         and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        simple = list(parameters.values())[1:]
        # One positional argument, and nothing that a call could be missing.
        self.simple = bool(self.first) and all(
            p.default is not p.empty or p.kind in (p.VAR_KEYWORD, p.VAR_POSITIONAL) for p in simple
        ) and parameters[self.first].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
        self.keywords = frozenset(p.name for p in simple if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY))

    def bind(self, args: tuple, kwargs: dict) -> dict[str, Any]:
        """Return the arguments that were given, by name, catch-alls left out."""
        if self.simple and len(args) == 1 and self.keywords.issuperset(kwargs):
            return {self.first: args[0], **kwargs}
        bound = self.signature.bind(*args, **kwargs).arguments
        out = {}
        for name, value in bound.items():
            kind = self.signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                out.update(value)
            elif kind is not inspect.Parameter.VAR_POSITIONAL:
                out[name] = value
            elif value:
                out[name] = list(value)
        return out


def is_tensor_like(x: Any) -> bool:
    """Tell whether a value is a tensor, symbolic or not."""
    return isinstance(x, Tensor | KerasTensor)


def tensor_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments that are tensors or nested structures of tensors."""
    return {k: v for k, v in arguments.items() if _is_tensor_structure(k, v)}


def _is_tensor_structure(name: str, value: Any) -> bool:
    if is_tensor_like(value):
        return True
    if not tree.is_nested(value) or not value:
        return False
    flat = tree.flatten(value)
    tensors = [is_tensor_like(x) for x in flat]
    if any(tensors) and not all(t or x is None for t, x in zip(tensors, flat, strict=True)):
        raise ValueError(f"a nested call argument cannot mix tensors and other values, got {name}={value!r}")
    return any(tensors)


def shapes_for(method: Callable[..., Any], tensors: dict[str, Any], signature: CallSignature,
               layer_name: str) -> dict[str, Any]:
    """Return the keyword arguments for `build` or `compute_output_shape`.

    A method of one argument gets the shape of the first tensor argument; one of several gets, as `foo_shape`,
    the shape of the call argument `foo`.
    """
    shapes = {f"{k}_shape": tree.map_structure(lambda x: None if x is None else tuple(x.shape), v)
              for k, v in tensors.items() if k != "mask"}
    parameters = inspect.signature(method).parameters.values()
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    if len(names) == 1:
        return {names[0]: next(iter(shapes.values()), None)}
    if not names:
        return shapes if any(p.kind is p.VAR_KEYWORD for p in parameters) else {}
    for name in names:
        wanted = (f"layer {layer_name!r}: a `{method.__name__}()` of several arguments takes the shape of `call()`'s "
                  "x as `x_shape`, but it has the argument ")
        if not name.endswith("_shape"):
            raise ValueError(f"{wanted}`{name}`, without `_shape` at the end")
        of = name.removesuffix("_shape")
        if of not in signature.signature.parameters and of not in tensors and not signature.catches_all:
            raise ValueError(f"{wanted}`{name}`, and `call()` knows no `{of}`")
    return {n: shapes[n] for n in names if n in shapes}
