"""Ops that join tensors and split them."""

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from kerasish.core.abstract import is_unknown
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, agree, meet
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis
from kerasish.ops.shape import as_shape, ravel, reshape

__all__ = [
    "append", "array_split", "concatenate", "dsplit", "dstack", "hsplit", "hstack", "split", "stack", "unstack",
    "vsplit", "vstack",
]


def _ends(lengths: list[int]) -> tuple[int, ...]:
    """Where the parts but the last end."""
    return tuple([sum(lengths[: i + 1]) for i in range(len(lengths) - 1)])


def _concatenate_spec(*xs, axis):
    first = xs[0].shape
    for x in xs:
        if len(x.shape) != len(first) or not all(agree(x.shape[i], n) for i, n in enumerate(first) if i != axis):
            raise ValueError(f"tensors that are concatenated along axis {axis} differ in length there alone, "
                             f"got {', '.join(str(tuple(x.shape)) for x in xs)}")
    out = [reduce(meet, lengths) for lengths in zip(*[x.shape for x in xs], strict=True)]
    out[axis] = sum(x.shape[axis] for x in xs)
    return Spec(out, xs[0].dtype)


def _split_spec(x, *, points, axis):
    n = x.shape[axis]
    edges = [0, *points, n]
    lengths = [max(0, min(b, n) - min(a, n)) for a, b in zip(edges, edges[1:], strict=False)]
    return tuple([Spec((*x.shape[:axis], m, *x.shape[axis + 1 :]), x.dtype) for m in lengths])


def _concatenate_vjp(g, xs_spec, axis):
    if len(xs_spec) == 1:
        return (g,)
    return _split(g, points=_ends([s.shape[axis] for s in xs_spec]), axis=axis)


_concatenate = Card("concatenate", ("*xs",), spec=_concatenate_spec, promote="same", vjp=_concatenate_vjp)
_split = Card("split", ("x",), spec=_split_spec, vjp=(lambda g, axis: _concatenate(*g, axis=axis),))


@public
def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors along an axis that they have.

    Args:
        xs: tensors of the same shape but on `axis`.
        axis: the axis that grows; None joins the flattened tensors.

    Raises:
        ValueError: there is no tensor, or the shapes do not fit.
    """
    xs = [to_tensor(x) for x in xs]
    if not xs:
        raise ValueError("argument `xs` is empty: expected at least one tensor to concatenate")
    if axis is None:
        xs, axis = [ravel(x) for x in xs], 0
    return _concatenate(*xs, axis=canonical_axis(axis, xs[0].ndim))


@public
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Join tensors of one shape along a new axis.

    Raises:
        ValueError: there is no tensor, or the shapes differ.
    """
    xs = [to_tensor(e) for e in x]
    if not xs or not all(e.ndim == xs[0].ndim and all(map(agree, e.shape, xs[0].shape)) for e in xs):
        raise ValueError(f"argument `x` must hold tensors of one shape to stack, got {[e.shape for e in xs]}")
    axis = canonical_axis(axis, xs[0].ndim + 1)
    return _concatenate(*[reshape(e, (*e.shape[:axis], 1, *e.shape[axis:])) for e in xs], axis=axis)


def _at_least(x: Any, ndim: int) -> Tensor:
    """The tensor with as many axes, as `numpy.atleast_1d` (2d, 3d) adds them."""
    x = to_tensor(x)
    if x.ndim >= ndim:
        return x
    if ndim == 3 and x.ndim:
        return reshape(x, (*((1,) * (2 - x.ndim)), *x.shape, 1))
    return reshape(x, (*((1,) * (ndim - x.ndim)), *x.shape))


@public
def hstack(xs: Sequence[Any]) -> Tensor:
    """Join tensors along the second axis, or along the only one."""
    xs = [_at_least(x, 1) for x in xs]
    return concatenate(xs, axis=1 if xs and xs[0].ndim > 1 else 0)


@public
def vstack(xs: Sequence[Any]) -> Tensor:
    """Join tensors along the first axis; tensors of one axis are rows."""
    return concatenate([_at_least(x, 2) for x in xs], axis=0)


@public
def dstack(xs: Sequence[Any]) -> Tensor:
    """Join tensors along the third axis; a missing third axis is added."""
    return concatenate([_at_least(x, 3) for x in xs], axis=2)


@public
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """Join two tensors along an axis, or flattened if `axis` is None."""
    return concatenate([x1, x2], axis=axis)  # type: ignore[arg-type]


@public
def split(x: Any, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Split a tensor along an axis.

    Args:
        x: tensor.
        indices_or_sections: into how many equal parts, or at which indices.
        axis: the axis.

    Raises:
        ValueError: the axis cannot be divided into as many equal parts.
    """
    x = to_tensor(x)
    axis = canonical_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, int | np.integer):
        return _split_at(x, as_shape(indices_or_sections), axis)
    n, parts = x.shape[axis], int(indices_or_sections)
    if parts < 1 or n % parts:
        raise ValueError(f"axis {axis} of shape {x.shape} cannot be split into {parts} equal parts")
    return _split_at(x, tuple(range(n // parts, n, n // parts)) if n else (0,) * (parts - 1), axis)


def _split_at(x: Tensor, points: tuple[int, ...], axis: int) -> list[Tensor]:
    if not points:
        return [x]
    n = x.shape[axis]
    return list(_split(x, points=tuple([p + n if p < 0 else p for p in points]), axis=axis))


@public
def array_split(x: Any, indices_or_sections: int, axis: int = 0) -> list[Tensor]:
    """Split a tensor along an axis into parts that differ by at most 1 in length, longer ones first."""
    x = to_tensor(x)
    axis = canonical_axis(axis, x.ndim)
    if not isinstance(indices_or_sections, int | np.integer):
        raise TypeError(f"argument `indices_or_sections` must be an int, got {indices_or_sections!r}")
    each, more = divmod(x.shape[axis], int(indices_or_sections))
    return _split_at(x, _ends([each + (i < more) for i in range(int(indices_or_sections))]), axis)


@public
def hsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Split a tensor along the second axis, or along the only one."""
    x = to_tensor(x)
    return split(x, indices_or_sections, axis=0 if x.ndim == 1 else 1)


@public
def vsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Split a tensor along the first axis."""
    return split(x, indices_or_sections, axis=0)


@public
def dsplit(x: Any, indices_or_sections: Any) -> list[Tensor]:
    """Split a tensor along the third axis."""
    return split(x, indices_or_sections, axis=2)


@public
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """Split a tensor into its slices along an axis, which they no longer have.

    Args:
        x: tensor.
        num: how many slices there are, if the axis should have that length.
        axis: the axis.
    """
    x = to_tensor(x)
    axis = canonical_axis(axis, x.ndim)
    if is_unknown(x.shape[axis]):
        if num is None:
            raise ValueError(f"Cannot infer argument `num` from shape: axis {axis} of {x.shape} has no known length")
        return [OPS["get_item"](x, (*[slice(None)] * axis, i)) for i in range(int(num))]
    n = x.shape[axis] if num is None else int(num)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    return [reshape(part, shape) for part in split(x, n, axis)] if n else []
