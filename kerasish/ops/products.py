"""Matrix products and contractions."""

import math
from functools import lru_cache
from typing import Any

from kerasish.core.dispatch import promoted, to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, agree, broadcast_shapes, meet
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import canonical_axis
from kerasish.ops.diagonals import diagonal
from kerasish.ops.elementwise import cast, conj, multiply
from kerasish.ops.joining import stack
from kerasish.ops.shape import expand_dims, moveaxis, ravel, reshape, squeeze, transpose
from kerasish.ops.shape import matrix_transpose as _t

__all__ = ["cross", "dot", "einsum", "inner", "kron", "matmul", "outer", "tensordot", "vdot"]


def _met(*xs: Any) -> list[Tensor]:
    """Inputs as tensors of the dtype in which they meet."""
    return promoted("same", xs)


# ---- the matrix product ----


def _matmul_spec(x1, x2):
    if not x1.shape or not x2.shape:
        raise ValueError(f"matmul needs at least one axis each, got shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    a = (1, *x1.shape) if len(x1.shape) == 1 else x1.shape
    b = (*x2.shape, 1) if len(x2.shape) == 1 else x2.shape
    if not agree(a[-1], b[-2]):
        raise ValueError(f"the last axis of x1 must have the length of the second-last of x2, "
                         f"got shapes {tuple(x1.shape)} and {tuple(x2.shape)}")
    ends = (a[-2],) * (len(x1.shape) > 1) + (b[-1],) * (len(x2.shape) > 1)
    return Spec((*broadcast_shapes(tuple(a[:-2]), tuple(b[:-2])), *ends), x1.dtype)


def _matmul_x1(g, x2, x1_spec):
    """g x2^H: vectors are rows of x1 and columns of x2."""
    rows = g if x2.ndim > 1 else expand_dims(g, -1)
    rows = rows if len(x1_spec.shape) > 1 else expand_dims(rows, -2)
    out = _matmul(rows, _t(x2)) if x2.ndim > 1 else rows * x2
    return out if len(x1_spec.shape) > 1 else squeeze(out, -2)


def _matmul_x2(g, x1, x2_spec):
    """x1^H g; one matrix under stacked rows gets a single product."""
    if len(x2_spec.shape) <= 2:
        k = x1.shape[-1]
        n = x2_spec.shape[1] if len(x2_spec.shape) == 2 else 1
        out = _matmul(_t(reshape(x1, (math.prod(x1.shape[:-1]), k))), reshape(g, (math.prod(x1.shape[:-1]), n)))
        return reshape(out, x2_spec.shape)
    if x1.ndim == 1:
        return expand_dims(x1, -1) * expand_dims(g, -2)
    return _matmul(_t(x1), g)


_matmul = Card("matmul", ("x1", "x2"), spec=_matmul_spec, promote="same", vjp=(_matmul_x1, _matmul_x2),
               broadcasts=True)


@public
def matmul(x1: Any, x2: Any) -> Tensor:
    """Matrix product x1 @ x2 over the last two axes.

    Args:
        x1: (..., m, k) or (k,).
        x2: (..., k, n) or (k,); leading axes broadcast.

    Returns:
        (..., m, n), without the axes that vectors lack; int32 if both are int8.
    """
    if getattr(x1, "dtype", None) == "int8" == getattr(x2, "dtype", None):
        return _matmul(cast(x1, "int32"), x2)
    return _matmul(x1, x2)


# ---- contractions by letters ----


def _einsum_spec(x, y, *, subscripts):
    left, right, result = subscripts.replace("->", ",").split(",")
    size = dict(zip(left, x.shape, strict=True))
    for letter, n in zip(right, y.shape, strict=True):
        if not agree(size.setdefault(letter, n), n):
            raise ValueError(f"axis {letter!r} of {subscripts!r} has lengths {size[letter]} and {n}")
        size[letter] = meet(size[letter], n)
    return Spec([size[c] for c in result], x.dtype)


def _swapped(subscripts: str, which: int) -> str:
    """The contraction that gives the gradient of one operand: of the result with the other operand."""
    left, right, result = subscripts.replace("->", ",").split(",")
    return f"{result},{right}->{left}" if which == 0 else f"{left},{result}->{right}"


# Each letter stands once in an operand, and in at least one other term.
_einsum: Card = Card("einsum", ("x", "y"), spec=_einsum_spec, vjp=(
    lambda g, y, subscripts: _einsum(g, y, subscripts=_swapped(subscripts, 0)),
    lambda g, x, subscripts: _einsum(x, g, subscripts=_swapped(subscripts, 1))))


@lru_cache(1024)
def _letters(subscripts: str, ndims: tuple[int, ...]) -> tuple[tuple[str, ...], str]:
    """Operands' and result's letters, the ellipsis spelt out in letters of its own."""
    text = subscripts.replace(" ", "")
    before, arrow, result = text.partition("->")
    terms = before.split(",")
    if len(terms) != len(ndims):
        raise ValueError(f"einsum subscripts {subscripts!r} name {len(terms)} operands, got {len(ndims)}")
    free = [c for c in "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" if c not in text]
    hidden = [n - len(t.replace("...", "")) for t, n in zip(terms, ndims, strict=True)]
    if any(h < 0 or (h and "..." not in t) for t, h in zip(terms, hidden, strict=True)):
        raise ValueError(f"einsum subscripts {subscripts!r} do not fit operands of {ndims} axes")
    dots = "".join(free[: max(hidden, default=0)])
    terms = [t.replace("...", dots[len(dots) - h :]) for t, h in zip(terms, hidden, strict=True)]
    if not arrow:
        joined = "".join(terms)
        result = dots + "".join(sorted(c for c in set(joined) if joined.count(c) == 1 and c not in dots))
    result = result.replace("...", dots)
    if len(set(result)) < len(result) or set(result) - set("".join(terms)):
        raise ValueError(f"the result of einsum subscripts {subscripts!r} must name letters of operands, each once")
    return tuple(terms), result


@lru_cache(1024)
def _shared(terms: tuple[str, ...], result: str) -> tuple[tuple[int, int], ...] | None:
    """Positions of the letters that two operands share, if one matrix product contracts them; else None."""
    if len(terms) != 2 or any(len(set(t)) < len(t) for t in terms):
        return None
    left, right = terms
    if set(left) - set(right + result) or set(right) - set(left + result) or set(left + right) == set(result):
        return None
    return tuple([(left.index(c), right.index(c)) for c in left if c in right])


def _reduced(x: Tensor, term: str, kept: str) -> tuple[Tensor, str]:
    """An operand without repeated letters (their diagonal is taken), and without letters to be summed at once."""
    for letter in dict.fromkeys(term):
        while term.count(letter) > 1:
            first, second = term.index(letter), term.rindex(letter)
            x = diagonal(x, 0, first, second)
            term = "".join(c for i, c in enumerate(term) if i not in (first, second)) + letter
    gone = tuple(i for i, c in enumerate(term) if c not in kept)
    if gone:
        x = cast(OPS["sum"](x, axis=gone), x.dtype)
        term = "".join(c for c in term if c in kept)
    return x, term


def _pair(x: Tensor, left: str, y: Tensor, right: str, result: str) -> Tensor:
    """Contract two operands."""
    if set(left) | set(right) != set(result):
        return _einsum(x, y, subscripts=f"{left},{right}->{result}")
    return _aligned(x, left, result) * _aligned(y, right, result)  # nothing is summed


def _aligned(x: Tensor, term: str, result: str) -> Tensor:
    """An operand with its axes in the order of the result, and axes of length 1 for letters that it lacks."""
    x = transpose(x, [term.index(c) for c in result if c in term])
    lengths = iter(x.shape)
    return reshape(x, [next(lengths) if c in term else 1 for c in result])


@public
def einsum(subscripts: str, *operands: Any, **kwargs: Any) -> Tensor:
    """Sum products of elements by Einstein's convention, as matrix products.

    Args:
        subscripts: such as "bij,jk->bik"; "..." stands for leading axes that broadcast.
        operands: tensors.
        kwargs: none is known; accepted for Keras's sake.

    Returns:
        In the dtype in which the operands meet; int32 if all are int8.
    """
    xs = _met(*operands)
    if xs[0].dtype == "int8" and all(to_tensor(x).dtype == "int8" for x in operands):
        xs = [cast(x, "int32") for x in xs]
    terms, result = _letters(subscripts, tuple([x.ndim for x in xs]))
    shared = _shared(terms, result)
    if shared is not None and all(_contractible(xs[0].shape[i], xs[1].shape[j]) for i, j in shared):
        return _einsum(xs[0], xs[1], subscripts=f"{terms[0]},{terms[1]}->{result}")
    return _contract(xs, list(terms), result)


def _contractible(m: int, n: int) -> bool:
    return m == n or (1 not in (m, n) and agree(m, n))  # an axis of length 1 broadcasts


def _contract(xs: list[Tensor], terms: list[str], result: str) -> Tensor:
    """Contract operands two at a time, the cheapest pair first."""
    size: dict[str, int] = {}
    for x, term in zip(xs, terms, strict=True):
        for c, n in zip(term, x.shape, strict=True):
            size[c] = max(n, size.get(c, n)) if n else 0
    for i, (x, term) in enumerate(zip(xs, terms, strict=True)):  # an axis of length 1 broadcasts
        ones = tuple(a for a, c in enumerate(term) if x.shape[a] == 1 != size[c])
        if ones:
            xs[i], terms[i] = squeeze(x, ones), "".join(c for a, c in enumerate(term) if a not in ones)
    while True:
        for i in range(len(xs)):
            kept = result + "".join(terms[:i] + terms[i + 1 :])
            xs[i], terms[i] = _reduced(xs[i], terms[i], kept)
        if len(xs) == 1:
            return transpose(xs[0], [terms[0].index(c) for c in result])
        pairs = [(i, j) for j in range(len(xs)) for i in range(j)]
        i, j = min(pairs, key=lambda p: math.prod(size[c] for c in {*terms[p[0]], *terms[p[1]]}))
        y, right = xs.pop(j), terms.pop(j)
        x, left = xs.pop(i), terms.pop(i)
        needed = result + "".join(terms)
        # The last contraction puts its axes into the result's order; an earlier one as they come.
        into = result if not xs else "".join(c for c in dict.fromkeys(left + right) if c in needed)
        xs.append(_pair(x, left, y, right, into))
        terms.append(into)


@public
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """Sum products over several axes of two tensors.

    Args:
        x1, x2: tensors.
        axes: how many last axes of x1 meet the first ones of x2, or a pair: which axes of x1, and which of x2.

    Returns:
        The other axes of x1, then those of x2.
    """
    x1, x2 = _met(x1, x2)
    if isinstance(axes, int):
        if not 0 <= axes <= min(x1.ndim, x2.ndim):
            raise ValueError(f"argument `axes` is {axes}, but the tensors have shapes {x1.shape} and {x2.shape}")
        first, second = list(range(x1.ndim - axes, x1.ndim)), list(range(axes))
    else:
        first, second = ([canonical_axis(a, x.ndim) for a in ([part] if isinstance(part, int) else part)]
                         for part, x in zip(axes, (x1, x2), strict=True))
    if len(first) != len(second) or not all(agree(x1.shape[a], x2.shape[b]) for a, b in zip(first, second)):
        raise ValueError(f"axes {axes} of shapes {x1.shape} and {x2.shape} do not have the same lengths")
    rest = [a for a in range(x1.ndim) if a not in first], [b for b in range(x2.ndim) if b not in second]
    left = [chr(97 + i) for i in range(x1.ndim)]
    right = [left[first[second.index(b)]] if b in second else chr(65 + b) for b in range(x2.ndim)]
    result = "".join([left[a] for a in rest[0]] + [right[b] for b in rest[1]])
    return _pair(x1, "".join(left), x2, "".join(right), result)


@public
def dot(x1: Any, x2: Any) -> Tensor:
    """Sum products over the last axis of x1 and the second-last (or only) axis of x2; scalars multiply."""
    x1, x2 = _met(x1, x2)
    if not x1.ndim or not x2.ndim:
        return multiply(x1, x2)
    return tensordot(x1, x2, axes=([-1], [max(x2.ndim - 2, 0)]))


@public
def inner(x1: Any, x2: Any) -> Tensor:
    """Sum products over the last axes; scalars multiply."""
    x1, x2 = _met(x1, x2)
    if not x1.ndim or not x2.ndim:
        return multiply(x1, x2)
    if not agree(x1.shape[-1], x2.shape[-1]):
        raise ValueError(f"ops.inner sums over the last dimension, got shapes {x1.shape} and {x2.shape}")
    return tensordot(x1, x2, axes=([-1], [-1]))


@public
def outer(x1: Any, x2: Any) -> Tensor:
    """Products of each element of x1 with each of x2, both flattened: out[i, j] = x1[i] x2[j]."""
    return multiply(expand_dims(ravel(x1), 1), expand_dims(ravel(x2), 0))


@public
def vdot(x1: Any, x2: Any) -> Tensor:
    """Sum of products of the elements, those of x1 conjugated."""
    x1, x2 = ravel(x1), ravel(x2)
    return tensordot(conj(x1) if x1.dtype.kind == "c" else x1, x2, axes=1)


@public
def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: x2 scaled by each element of x1, in the places of x1."""
    x1, x2 = _met(x1, x2)
    n = max(x1.ndim, x2.ndim)
    a, b = ((1,) * (n - x.ndim) + x.shape for x in (x1, x2))
    apart = reshape(x1, [m for pair in zip(a, (1,) * n, strict=True) for m in pair])
    beside = reshape(x2, [m for pair in zip((1,) * n, b, strict=True) for m in pair])
    return reshape(apart * beside, [p * q for p, q in zip(a, b, strict=True)])


@public
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The cross product of vectors of two or three components.

    Args:
        x1, x2: tensors that broadcast but for the axes of components.
        axisa, axisb: the axes of components of x1 and x2.
        axisc: that of the result, which has none if all vectors have two components.
        axis: all three at once.
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x1, x2 = _met(x1, x2)
    a, b = ([squeeze(p, -1) for p in OPS["split"](m, m.shape[-1], axis=-1)]
            for m in (moveaxis(x1, axisa, -1), moveaxis(x2, axisb, -1)))
    if {len(a), len(b)} - {2, 3}:
        raise ValueError(f"the cross product is of vectors of two or three components, got {len(a)} and {len(b)}")
    z = a[0] * b[1] - a[1] * b[0]
    if len(a) == len(b) == 2:
        return z
    x = a[1] * b[2] if len(a) == 2 else -a[2] * b[1] if len(b) == 2 else a[1] * b[2] - a[2] * b[1]
    y = -a[0] * b[2] if len(a) == 2 else a[2] * b[0] if len(b) == 2 else a[2] * b[0] - a[0] * b[2]
    return stack([x, y, z], axis=canonical_axis(axisc, z.ndim + 1))
