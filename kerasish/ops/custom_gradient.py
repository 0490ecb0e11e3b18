"""Functions with gradients of their own, and a stop for gradients."""

from collections.abc import Callable
from typing import Any

from kerasish.core.dispatch import scope, state, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable
from kerasish.utils import tree

__all__ = ["custom_gradient", "stop_gradient"]

_stop_gradient = Card("stop_gradient", ("variable",), spec=like(0))


@public
def stop_gradient(variable: Any) -> Tensor:
    """Return the same values, through which no gradient flows."""
    return _stop_gradient(variable)


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function with its own gradient (Keras: `ops.custom_gradient`).

    Args:
        f: returns (result, rule), where rule(*args, upstream=g) or rule(g) gives one gradient an
            argument, or a single one for a single argument.
    """

    def run(*args: Any, **kwargs: Any) -> Any:
        with scope(tapes=()):
            out, rule = f(*[to_tensor(a) if _is_array(a) else a for a in args], **kwargs)
        tensors = [a for a in args if isinstance(a, Tensor | Variable) or _is_array(a)]
        if not state.tapes:
            return out
        inputs = [to_tensor(a) for a in tensors]
        flat = [OPS["copy"](o) for o in tree.flatten(out)] if tree.is_nested(out) else [to_tensor(out)]
        card = _OneCall(rule, [i for i, a in enumerate(args) if any(a is t for t in tensors)])
        for tape in state.tapes:
            tape.record(card, inputs, {}, tuple(flat) if tree.is_nested(out) else flat[0])
        return tree.pack_sequence_as(out, flat) if tree.is_nested(out) else flat[0]

    return run


def _is_array(a: Any) -> bool:
    return hasattr(a, "shape") and hasattr(a, "dtype")


class _OneCall(Card):
    """The card of one call of a function with its own gradient; it is in no table."""

    def __init__(self, rule: Callable[..., Any], positions: list[int]):
        self.name, self.inputs, self.variadic = "custom_gradient", ("*xs",), "xs"
        self.broadcasts = self.effect = False
        self.rules, self.promote, self._rule, self._positions = None, None, rule, positions
        self.spec = lambda *x, **_: Spec(x[0].shape, x[0].dtype)
        self.set_vjp(self._vjp)

    def _vjp(self, g: Any) -> Any:
        upstream = g if isinstance(g, tuple) else (g,)
        try:
            out = self._rule(*upstream)
        except TypeError as error:
            if "upstream" not in str(error):
                raise
            out = self._rule(upstream=upstream[0])
        out = list(out) if isinstance(out, list | tuple) else [out]
        if len(out) > len(self._positions):  # one gradient an argument, of which some are no tensors
            out = [out[i] for i in self._positions]
        return [None if x is None else to_tensor(x) for x in out]
