"""Rematerialization: intermediate results are not kept for the gradient, but computed again where it needs them.

Chen et al., "Training Deep Nets with Sublinear Memory Cost" (2016).
"""

import functools
from collections.abc import Callable
from typing import Any

from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import scope, state
from kerasish.core.dtypes import is_float
from kerasish.core.op import Card
from kerasish.core.stateless import StatelessScope
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable
from kerasish.layers.base.call_spec import context
from kerasish.utils import tree


def remat(f: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of which tapes keep the inputs alone, and that runs again for the gradient (Keras: `remat`).

    It runs again with the values that variables had, so that it draws the same random numbers, and what it
    assigns to them then is forgotten. Where a whole step is compiled, the compiler may join both runs into one.

    Args:
        f: a function of tensors, or a layer.

    Raises:
        ValueError: in a call, if the function reads a variable only after it has changed it.
    """

    @functools.wraps(f, updated=())
    def run(*args: Any, **kwargs: Any) -> Any:
        if not state.tapes:
            return f(*args, **kwargs)
        seen = _Seen()
        with scope(tapes=(seen,)):
            out = f(*args, **kwargs)
            out = tree.map_structure(seen.own, out)
        card = _Again(functools.partial(f, *args, **kwargs), seen)
        results = tuple(x for x in tree.flatten(out) if isinstance(x, Tensor))
        for tape in state.tapes:
            for variable, value in seen.reads.values():
                tape.touch(variable, value)
            tape.record(card, card.sources, {}, results)
        return out

    return run


class _Seen:
    """A recorder that notes which tensors a function takes from outside, and the variables that it reads."""

    def __init__(self) -> None:
        self.sources: dict[int, Tensor] = {}
        self.reads: dict[int, tuple[Variable, Tensor]] = {}
        self._made: set[int] = set()

    def record(self, card: Card, inputs: list[Tensor], params: dict[str, Any], out: Any) -> None:
        """Note the inputs that no op before has made."""
        self._made.update(o.uid for o in (out if type(out) is tuple else (out,)))
        for x in inputs:
            if x.uid not in self._made and is_float(x.dtype):
                self.sources[x.uid] = x

    def follows(self, tensor: Tensor) -> bool:
        """Tell whether a tensor may be among the sources, or made of them."""
        return is_float(tensor.dtype)

    def own(self, x: Any) -> Any:
        """Return a result as a tensor that the function itself has made."""
        if not isinstance(x, Tensor) or x.uid in self._made:
            return x
        out = OPS["copy"](x)
        mask = getattr(x, "_keras_mask", None)
        if mask is not None:
            out._keras_mask = mask
        return out

    def touch(self, variable: Variable, value: Tensor) -> None:
        """Note a variable and the value that it had when it was first read."""
        if value.uid in self._made and id(variable) not in self.reads:
            raise ValueError(f"a function given to remat adds to variable {variable.path!r} before it reads it, so "
                             "that its value before is not known when the function runs again: read it first")
        self.reads.setdefault(id(variable), (variable, value))


class _Again(Card):
    """The card of one call; it is in no table."""

    def __init__(self, call: Callable[[], Any], seen: _Seen):
        self.name, self.inputs, self.variadic = "remat", ("*xs",), "xs"
        self.rules, self.promote, self.broadcasts = None, None, False
        self.sources = list(seen.sources.values())
        self._call, self._values = call, list(seen.reads.values())
        self._context = context.training, context.depth
        self._autocast = state.autocast
        self.set_vjp(self._vjp)

    def _vjp(self, g: Any, needs: list[bool]) -> list[Any]:
        tape = GradientTape(watch_accessed_variables=False)
        chosen = [x for x, needed in zip(self.sources, needs, strict=True) if needed]
        tape.watch(chosen)
        outer = context.training, context.depth
        context.training, context.depth = self._context
        try:
            with StatelessScope(self._values, collect_losses=True), scope(autocast=self._autocast), tape:
                out = [x for x in tree.flatten(self._call()) if isinstance(x, Tensor)]
        finally:
            context.training, context.depth = outer
        weighted = [(x, w) for x, w in zip(out, g if isinstance(g, tuple) else (g,), strict=True) if is_float(x.dtype)]
        found = iter(tape.gradient([x for x, _ in weighted], chosen, output_gradients=[w for _, w in weighted]))
        return [next(found) if needed else None for needed in needs]
