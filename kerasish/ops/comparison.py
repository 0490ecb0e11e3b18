"""Comparisons, tests and logic, answered in booleans; and choosing by them. Only `where` has a gradient."""

from typing import Any

from kerasish.core.dispatch import promoted, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import broadcast
from kerasish.core.tensor import OPS
from kerasish.ops.building import as_float, elementwise

__all__ = [
    "allclose", "equal", "greater", "greater_equal", "isclose", "isfinite", "isinf", "isnan", "isneginf", "isposinf",
    "isreal", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "not_equal", "signbit",
    "where",
]  # fmt: skip


def _bool(_dtype: str) -> str:
    return "bool"


@elementwise(dtype="bool")
def equal(x1, x2):
    """Whether x1 == x2, element by element."""


@elementwise(dtype="bool")
def not_equal(x1, x2):
    """Whether x1 != x2, element by element."""


@elementwise(dtype="bool")
def less(x1, x2):
    """Whether x1 < x2, element by element."""


@elementwise(dtype="bool")
def less_equal(x1, x2):
    """Whether x1 <= x2, element by element."""


@elementwise(dtype="bool")
def greater(x1, x2):
    """Whether x1 > x2, element by element."""


@elementwise(dtype="bool")
def greater_equal(x1, x2):
    """Whether x1 >= x2, element by element."""


@elementwise(dtype="bool", promote=_bool)
def logical_and(x1, x2):
    """Whether both are nonzero, element by element."""


@elementwise(dtype="bool", promote=_bool)
def logical_or(x1, x2):
    """Whether at least one is nonzero, element by element."""


@elementwise(dtype="bool", promote=_bool)
def logical_xor(x1, x2):
    """Whether exactly one is nonzero, element by element."""


@elementwise(dtype="bool", promote=_bool)
def logical_not(x):
    """Whether x is zero, element by element."""


@elementwise(dtype="bool", promote="float")
def isnan(x):
    """Whether x is not a number, element by element."""


@elementwise(dtype="bool", promote="float")
def isinf(x):
    """Whether x is infinite, of either sign, element by element."""


@elementwise(dtype="bool", promote="float")
def isfinite(x):
    """Whether x is a number and finite, element by element."""


@elementwise(dtype="bool", promote="float")
def signbit(x):
    """Whether the sign bit is set: of negative numbers, and of -0.0."""


@public
def isposinf(x: Any) -> Any:
    """Whether x is +infinity, element by element."""
    return equal(_ordered(x, "isposinf"), float("inf"))


@public
def isneginf(x: Any) -> Any:
    """Whether x is -infinity, element by element."""
    return equal(_ordered(x, "isneginf"), float("-inf"))


def _ordered(x: Any, name: str) -> Any:
    x = to_tensor(x)
    if x.dtype.kind == "c":
        raise ValueError(f"ops.{name} needs real numbers, got dtype {x.dtype.name}")
    return x


@public
def isreal(x: Any) -> Any:
    """Whether the imaginary part is zero, element by element."""
    return equal(OPS["imag"](x), 0)


@public
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether |x1 - x2| <= atol + rtol |x2|, element by element; equal infinities are close.

    Args:
        x1: tensor.
        x2: tensor, broadcast against `x1`; the one that `rtol` is relative to.
        rtol: relative tolerance.
        atol: absolute tolerance.
        equal_nan: whether NaN is close to NaN.

    Returns:
        Boolean tensor of the broadcast shape.
    """
    x1, x2 = as_float(x1, x2)
    near = less_equal(abs(x1 - x2), atol + rtol * abs(x2))
    close = equal(x1, x2) | (near & isfinite(x1) & isfinite(x2))
    return close | (isnan(x1) & isnan(x2)) if equal_nan else close


@public
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Any:
    """Whether all elements are close; arguments as in `isclose`.

    Returns:
        Boolean tensor without axes.
    """
    return OPS["all"](isclose(x1, x2, rtol, atol, equal_nan))


_where = Card(
    "where", ("condition", "x1", "x2"), spec=broadcast(), broadcasts=True,
    vjp=(None, lambda g, condition: where(condition, g, 0), lambda g, condition: where(condition, 0, g)),
)  # fmt: skip


@public
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """Elements of `x1` where the condition holds, of `x2` elsewhere.

    Args:
        condition: tensor, taken as booleans.
        x1: tensor, broadcast against the others.
        x2: tensor, broadcast against the others. Without `x1` and `x2`, the indices of nonzero elements
            are returned, as by `nonzero`.

    Raises:
        ValueError: only one of `x1` and `x2` is given.
    """
    if x1 is None and x2 is None:
        return OPS["nonzero"](condition)
    if x1 is None or x2 is None:
        raise ValueError("ops.where takes both `x1` and `x2`, or none of them")
    return _where(to_tensor(condition, "bool"), *promoted("same", (x1, x2)))
