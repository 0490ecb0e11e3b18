"""Shape inference: run a function on specs instead of arrays.

Unknown lengths (None) never reach a shape rule. The function runs twice, with two different
lengths standing for None; a length that comes out different is unknown in the result.
"""

import re
from collections.abc import Callable
from typing import Any

from kerasish.core.dispatch import scope, state
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.spec import STAND_INS, Spec
from kerasish.core.stateless import StatelessScope
from kerasish.core.tensor import Tensor
from kerasish.utils import tree


class ShapeInference:
    """The interpreter that gives every op a result without values."""

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Return tensors of the specs that the card's shape rule gives."""
        out = card.spec(*[x.data for x in inputs], **params)
        return tuple([Tensor(o) for o in out]) if type(out) is tuple else Tensor(out)


_inference = ShapeInference()


def in_shape_inference() -> bool:
    """Tell whether ops only infer shapes now."""
    return state.interpreter is _inference


def infer(function: Callable[..., Any], is_symbolic: Callable[[Any], bool], args: Any, kwargs: Any) -> Any:
    """Run a function on specs.

    Args:
        function: anything made of ops.
        is_symbolic: tells which leaves of the arguments stand for tensors (have `shape` with None, and `dtype`).
        args: positional arguments, nested.
        kwargs: keyword arguments, nested.

    Returns:
        The function's result with each tensor replaced by a pair (shape with None, dtype name).
    """
    leaves = [x for x in tree.flatten((args, kwargs)) if is_symbolic(x)]
    unknown = any(None in x.shape for x in leaves)
    runs = [_run(function, is_symbolic, args, kwargs, n) for n in STAND_INS[: 2 if unknown else 1]]
    first, last = runs[0], runs[-1]
    return tree.map_structure(_merge, first, last)


def _run(function: Callable[..., Any], is_symbolic: Any, args: Any, kwargs: Any, stand_in: int) -> Any:
    def fill(x: Any) -> Any:
        if not is_symbolic(x):
            return x
        return Tensor(Spec([stand_in if n is None else n for n in x.shape], x.dtype))

    args, kwargs = tree.map_structure(fill, (args, kwargs))
    try:
        with StatelessScope(), scope(interpreter=_inference, tapes=()):
            return function(*args, **kwargs)
    except Exception as error:
        if len(error.args) == 1 and isinstance(error.args[0], str):
            error.args = (re.sub(rf"\b{stand_in}\b", "None", error.args[0]),)
        raise


def _merge(a: Any, b: Any) -> Any:
    if not isinstance(a, Tensor):
        return a
    shape = tuple(m if m == n else None for m, n in zip(a.shape, b.shape, strict=True))
    return Inferred(shape, standardize_dtype(a.dtype))


class Inferred:
    """Shape (with None) and dtype name of a result of shape inference."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape: tuple[int | None, ...], dtype: str):
        self.shape, self.dtype = shape, dtype
