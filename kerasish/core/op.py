"""Op cards: an op is written once, and serves eager, taped, symbolic and traced programs.

A card names an op's inputs and says which shape and dtype its result has and how gradients flow
back. Its kernels stand in the backend's table under the same name.

    tanh = Card("tanh", ("x",), spec=like(0), promote="float", vjp=(lambda g, out: g * (1 - out * out),))
    tanh(x)                                       # runs, records or traces, as the context says

A gradient rule is written in ops. It asks by name for what it needs, and only that is kept alive:
`g` (gradient of the result), `out`, an input by its name, the shape and dtype of an input or of the
result (`x_spec`, `out_spec`), or a static parameter.

`public` makes a function of the API: called on symbolic tensors, it adds a node to their graph.
"""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.core.dispatch import apply
from kerasish.core.tensor import OPS, Tensor

CARDS: dict[str, "Card"] = {}


class Card:
    """What the framework knows of one op.

    Args:
        name: the key of its kernels; one card a name.
        inputs: the names of its tensor inputs, in order; one name with a star ("*xs") for any number.
        spec: `spec(*inputs, **params)` -> Spec, or a tuple of them; reads `.shape` and `.dtype` alone,
            and raises ValueError or TypeError for inputs that do not fit.
        promote: None, "same", "number", "float", or a function from the common dtype to the one to compute in.
        vjp: a tuple with one rule an input (None where no gradient flows), or one function that returns
            a tuple with one gradient an input; None for an op that stops gradients. With several
            results, `g` and `out` are tuples. Gradients that nobody gave are zeros in it; where the rule's first
            argument is called `given`, None.
        broadcasts: whether inputs broadcast against each other: the tape then sums each gradient over
            the axes along which its input was repeated, and rules need not think of it.
        effect: whether it must run even if nobody reads its result, such as a check that may raise.
    """

    def __init__(self, name: str, inputs: tuple[str, ...], *, spec: Callable[..., Any], promote: Any = None,
                 vjp: Any = None, broadcasts: bool = False, effect: bool = False):
        if name in CARDS:
            raise ValueError(f"there is a card for op {name!r} already")
        self.name, self.inputs, self.spec, self.promote = name, inputs, spec, promote
        self.broadcasts, self.effect = broadcasts, effect
        self.variadic = inputs[-1][1:] if inputs and inputs[-1].startswith("*") else None
        self.joint: Rule | None = None
        self.rules: tuple[Rule | None, ...] | None = None
        CARDS[name] = self
        if vjp is not None:
            self.set_vjp(vjp)

    def set_vjp(self, vjp: Any) -> Any:
        """Set the gradient rule, or one rule an input; also usable as a decorator."""
        if callable(vjp):
            self.joint, self.rules = Rule(self, vjp), None
        else:
            if len(vjp) != len(self.inputs):
                raise ValueError(f"card {self.name!r} has inputs {self.inputs} but {len(vjp)} gradient rules")
            self.joint, self.rules = None, tuple(None if r is None else Rule(self, r) for r in vjp)
        return vjp

    @property
    def differentiable(self) -> bool:
        """Whether any gradient flows back through the op."""
        return self.joint is not None or self.rules is not None

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        return apply(self, inputs, params)

    def __repr__(self) -> str:
        return f"<op card {self.name}({', '.join(self.inputs)})>"


class Rule:
    """A gradient rule, with what it asks for read off its signature.

    Attributes:
        values: names of the tensors it needs: of inputs, or "out".
        specs: names of those of which shape and dtype suffice.
        kept: both.
        params: names of static parameters.
        wants_needs: whether it takes `needs`, one bool an input: is its gradient asked for?
        takes_gaps: whether gradients that nobody gave are None to it, and not zeros.
    """

    __slots__ = ("function", "values", "specs", "kept", "params", "wants_needs", "takes_gaps")

    def __init__(self, card: Card, function: Callable[..., Any]):
        self.function = function
        code = function.__code__
        names = [n for n in code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if n != "self"]
        self.takes_gaps = names[0] == "given"
        names = [n for n in names if n not in ("g", "given")]
        tensors = {n.removeprefix("*") for n in card.inputs} | {"out"}
        self.wants_needs = "needs" in names
        self.values = tuple(n for n in names if n in tensors)
        self.specs = tuple(n for n in names if n.endswith("_spec") and n.removesuffix("_spec") in tensors)
        self.kept = (*self.values, *self.specs)
        self.params = tuple(n for n in names if n not in (*self.kept, "needs"))


def register(name: str, function: Callable[..., Any]) -> None:
    """Enter a public op in the table by which operators and gradients find it."""
    OPS[name] = function


# Set by core.symbolic: tells whether arguments hold symbolic tensors, and adds a node for them.
symbolic_door: dict[str, Callable[..., Any]] = {}


def public(function: Callable[..., Any] | None = None, *, name: str | None = None) -> Any:
    """Make a function an op of the API: known by name, and symbolic on symbolic tensors."""
    if function is None:
        return functools.partial(public, name=name)

    @functools.wraps(function)
    def door(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            if type(x) not in PLAIN and symbolic_door["holds"](x):
                return symbolic_door["call"](door, args, kwargs)
        for x in kwargs.values():
            if type(x) not in PLAIN and symbolic_door["holds"](x):
                return symbolic_door["call"](door, args, kwargs)
        return function(*args, **kwargs)

    register(name or function.__name__, door)
    return door


# Types of arguments that are no symbolic tensor and hold none; those of dtypes are one a dtype.
PLAIN: set[type] = {int, float, bool, str, type(None), Tensor, np.ndarray,
                    *[type(np.dtype(name)) for name in ("float32", "float64", "int32", "int64", "bool")]}
