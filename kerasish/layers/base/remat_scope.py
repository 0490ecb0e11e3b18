"""A scope in which layers are made that keep their inputs alone for the gradient."""

import math
import threading
from collections.abc import Callable
from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.rematerialize import remat
from kerasish.utils import tree

_MODES = ("full", "activations", "larger_than", "list_of_layers", None)


class _Stack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[RematScope] = []


class RematScope:
    """Let layers that are made in the scope compute their intermediate results again for the gradient.

    Source: Keras `RematScope`.

    Args:
        mode: which layers: "full" for all; "activations" for those with an activation function; "larger_than" for
            those whose outputs have more elements than `output_size_threshold`, unknown lengths counted as 1;
            "list_of_layers" for those named in `layer_names`; None for none.
        output_size_threshold: number of elements.
        layer_names: names of layers.

    Raises:
        ValueError: there is no such mode.
    """

    def __init__(self, mode: str | None = "full", output_size_threshold: int = 1024,
                 layer_names: list[str] | None = None):
        if mode not in _MODES:
            raise ValueError(f"argument `mode` of RematScope must be one of {_MODES}, got {mode!r}")
        self.mode, self.output_size_threshold = mode, output_size_threshold
        self.layer_names = layer_names or []

    def __enter__(self) -> "RematScope":
        _stack.scopes.append(self)
        return self

    def __exit__(self, *_exception: Any) -> None:
        _stack.scopes.pop()

    def applied(self, layer: Any, call: Callable[..., Any], args: tuple, kwargs: dict[str, Any]) -> Callable[..., Any]:
        """Return a layer's `call`, or what computes it, or its activation, again for the gradient.

        Args:
            layer: whose call it is.
            call: a function of `args` and `kwargs`.
            args, kwargs: the arguments of the call.
        """
        if self.mode == "activations":
            return call if getattr(layer, "activation", None) is None else _with_activation_again(layer, call)
        chosen = self.mode == "full" or (self.mode == "list_of_layers" and layer.name in self.layer_names) or (
            self.mode == "larger_than"
            and _size(layer.compute_output_spec(*args, **kwargs)) > self.output_size_threshold)
        return remat(call) if chosen else call


def _size(out: Any) -> int:
    return sum(math.prod(n or 1 for n in x.shape) for x in tree.flatten(out) if isinstance(x, KerasTensor))


def _with_activation_again(layer: Any, call: Callable[..., Any]) -> Callable[..., Any]:
    def run(*args: Any, **kwargs: Any) -> Any:
        activation = layer.activation
        object.__setattr__(layer, "activation", remat(activation))
        try:
            return call(*args, **kwargs)
        finally:
            object.__setattr__(layer, "activation", activation)

    return run


_stack = _Stack()


def current_remat_scope() -> RematScope | None:
    """Return the innermost open scope."""
    return _stack.scopes[-1] if _stack.scopes else None
