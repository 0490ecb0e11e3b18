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
    """The interpreter that gives every op a result without values.

    Args:
        unknown: what stands for an unknown length in this run.
        given: whether a length of the inputs is unknown.
    """

    def __init__(self, unknown: int, given: bool):
        self.unknown, self.given, self.asked = unknown, given, False

    def apply(self, card: Any, inputs: list[Tensor], params: dict[str, Any]) -> Any:
        """Return tensors of the specs that the card's shape rule gives."""
        out = card.spec(*[x.data for x in inputs], **params)
        return tuple([Tensor(o) for o in out]) if type(out) is tuple else Tensor(out)


def in_shape_inference() -> bool:
    """Tell whether ops only infer shapes now."""
    return isinstance(state.interpreter, ShapeInference)


def unknown_length() -> int:
    """Return, while shapes are inferred, the number that stands for a length that only values would tell."""
    state.interpreter.asked = True
    return state.interpreter.unknown


def is_unknown(n: int) -> bool:
    """Tell whether shapes are inferred now, and a length stands for an unknown one."""
    run = state.interpreter
    return isinstance(run, ShapeInference) and n == run.unknown and (run.given or run.asked)


def leave_open(x: Tensor, *axes: int) -> Tensor:
    """Return, while shapes are inferred, a tensor like `x` with unknown lengths along axes."""
    return Tensor(Spec([unknown_length() if i in axes else n for i, n in enumerate(x.shape)], x.dtype.name))


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
    first, asked = _run(function, is_symbolic, args, kwargs, ShapeInference(STAND_INS[0], unknown))
    if unknown or asked:
        last, _ = _run(function, is_symbolic, args, kwargs, ShapeInference(STAND_INS[1], unknown))
    else:
        last = first
    return tree.map_structure(_merge, first, last)


def _run(function: Callable[..., Any], is_symbolic: Any, args: Any, kwargs: Any,
         run: ShapeInference) -> tuple[Any, bool]:
    """The function's result, and whether some length in it depends on values."""
    def fill(x: Any) -> Any:
        if not is_symbolic(x):
            return x
        return Tensor(Spec([run.unknown if n is None else n for n in x.shape], x.dtype))

    args, kwargs = tree.map_structure(fill, (args, kwargs))
    try:
        with StatelessScope(), scope(interpreter=run, tapes=()):
            return function(*args, **kwargs), run.asked
    except Exception as error:
        if len(error.args) == 1 and isinstance(error.args[0], str):
            error.args = (re.sub(rf"\b{run.unknown}\b", "None", error.args[0]),)
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
