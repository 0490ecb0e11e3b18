"""Ops on diagonals and triangles of matrices."""

from typing import Any

from kerasish.core.abstract import is_unknown, leave_open
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, like
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis
from kerasish.ops.shape import ravel

__all__ = ["diag", "diagflat", "diagonal", "trace", "tril", "triu"]

_tril: Card = Card("tril", ("x",), spec=like(0), vjp=(lambda g, k: _tril(g, k=k),))
_triu: Card = Card("triu", ("x",), spec=like(0), vjp=(lambda g, k: _triu(g, k=k),))


def _diagonal_spec(x, *, offset, axis1, axis2):
    n = min(x.shape[axis1] + min(offset, 0), x.shape[axis2] - max(offset, 0))
    rest = [m for i, m in enumerate(x.shape) if i not in (axis1, axis2)]
    return Spec((*rest, max(n, 0)), x.dtype)


_diagonal = Card("diagonal", ("x",), spec=_diagonal_spec, vjp=(
    lambda g, x_spec, offset, axis1, axis2: _put_diagonal(
        g, shape=x_spec.shape, offset=offset, axis1=axis1, axis2=axis2),))
_put_diagonal: Card = Card("put_diagonal", ("x",), spec=lambda x, *, shape, **_: Spec(shape, x.dtype), vjp=(
    lambda g, offset, axis1, axis2: _diagonal(g, offset=offset, axis1=axis1, axis2=axis2),))


def _matrices(x: Any) -> Tensor:
    x = to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"argument `x` must have at least two axes, got shape {x.shape}")
    return x


@public
def tril(x: Any, k: int = 0) -> Tensor:
    """The lower triangle of matrices (the last two axes): zeros above the k-th diagonal."""
    return _tril(_matrices(x), k=int(k))


@public
def triu(x: Any, k: int = 0) -> Tensor:
    """The upper triangle of matrices (the last two axes): zeros below the k-th diagonal."""
    return _triu(_matrices(x), k=int(k))


@public
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonals x[i, i + offset] of two axes, which stand last in the result."""
    x = _matrices(x)
    first, second = canonical_axis(axis1, x.ndim), canonical_axis(axis2, x.ndim)
    if first == second:
        raise ValueError(f"arguments `axis1` and `axis2` must differ, got {axis1} and {axis2}")
    out = _diagonal(x, offset=int(offset), axis1=first, axis2=second)
    if is_unknown(x.shape[first]) or is_unknown(x.shape[second]):
        return leave_open(out, out.ndim - 1)  # the shorter of the two, and one of them is unknown
    return out


@public
def diag(x: Any, k: int = 0) -> Tensor:
    """The k-th diagonal of a matrix, or a square matrix with a vector on its k-th diagonal."""
    x = to_tensor(x)
    if x.ndim not in (1, 2):
        raise ValueError(f"argument `x` must have one or two axes, got shape {x.shape}")
    if x.ndim == 2:
        return diagonal(x, k)
    n = x.shape[0] + abs(k)
    return _put_diagonal(x, shape=(n, n), offset=int(k), axis1=0, axis2=1)


@public
def diagflat(x: Any, k: int = 0) -> Tensor:
    """A square matrix with the flattened tensor on its k-th diagonal."""
    return diag(ravel(x), k)


@public
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """Sum of the diagonals of two axes; integers below 32 bits are summed in 32."""
    return OPS["sum"](diagonal(x, offset, axis1, axis2), axis=-1)
