"""Ops on matrices as a whole: norms, determinants, inverses, systems of equations, decompositions.

Matrices are the last two axes. Gradients after M. Giles, "Collected matrix derivative results for forward and
reverse mode algorithmic differentiation" (2008); `_t` is the transpose, S(x) = (x + x^T) / 2.
"""

from typing import Any

import numpy as np

from kerasish.backend.common.halves import is_half
from kerasish.core.dispatch import to_tensor
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec, broadcast_shapes
from kerasish.core.tensor import OPS, Tensor
from kerasish.ops.building import as_float, canonical_axes
from kerasish.ops.creation import eye
from kerasish.ops.diagonals import tril, triu
from kerasish.ops.elementwise import absolute, cast, power, sqrt, square
from kerasish.ops.products import matmul
from kerasish.ops.shape import expand_dims, moveaxis, squeeze
from kerasish.ops.shape import matrix_transpose as _t

__all__ = [
    "cholesky", "cholesky_inverse", "det", "eig", "eigh", "inv", "logdet", "lstsq", "lu_factor", "matrix_rank", "norm",
    "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd",
]


def _columns(x: Tensor) -> Tensor:
    """Values as a row beside each matrix, to scale its columns by."""
    return expand_dims(x, -2)


def _require(x: Any, square: bool = True) -> None:
    if len(x.shape) < 2:
        raise ValueError(f"Input should have rank >= 2. Received: {x.dtype}{list(x.shape)}")
    if square and x.shape[-1] != x.shape[-2]:
        raise ValueError(f"expected square matrices, got shape {tuple(x.shape)}")


def _square_spec(x, **_params):
    _require(x)
    return Spec(x.shape, x.dtype)


def _no_gradient(name: str):
    def rule(g):
        raise NotImplementedError(f"no gradient is known for the op {name!r}: use stop_gradient on its result")

    return rule


def _half(x: Tensor) -> Tensor:
    """The lower triangle, its diagonal halved."""
    return tril(x) - 0.5 * x * eye(x.shape[-1], dtype=x.dtype)


def _gaps(values: Tensor) -> Tensor:
    """1 / (values[j] - values[i]) off the diagonal, 0 on it."""
    d = _columns(values) - expand_dims(values, -1)
    diagonal_ = eye(values.shape[-1], dtype=values.dtype)
    return (1 - diagonal_) / (d + diagonal_)


# ---- inverses, determinants, systems of equations ----


def _solve_spec(a, b, **_params):
    _require(a)
    if len(b.shape) < 2 or b.shape[-2] != a.shape[-1]:
        raise ValueError(f"right-hand sides of shape {tuple(b.shape)} do not fit matrices of shape {tuple(a.shape)}")
    return Spec((*broadcast_shapes(tuple(a.shape[:-2]), tuple(b.shape[:-2])), *b.shape[-2:]), b.dtype)


def _solve_vjp(g, a, out):
    gb = _solve(_t(a), g)
    return -matmul(gb, _t(out)), gb


def _triangular_vjp(g, a, out, lower):
    gb = _triangular(_t(a), g, lower=not lower)
    return (tril if lower else triu)(-matmul(gb, _t(out))), gb


def _cholesky_vjp(g, out):
    inner = _half(matmul(_t(out), g))
    x = _triangular(_t(out), _t(_triangular(_t(out), _t(inner), lower=False)), lower=False)
    return 0.5 * (x + _t(x))


def _pinv_vjp(g, x, out):
    p, pt, gt = out, _t(out), _t(g)
    return (-matmul(matmul(pt, g), pt)
            + matmul(gt - matmul(x, matmul(p, gt)), matmul(p, pt))
            + matmul(matmul(pt, p), gt - matmul(matmul(gt, p), x)))


_det = Card("det", ("x",), promote="float", spec=lambda x: Spec(_square_spec(x).shape[:-2], x.dtype),
            vjp=(lambda g, x, out: expand_dims(g * out, (-1, -2)) * _t(_inv(x)),))
_slogdet = Card("slogdet", ("x",), promote="float", spec=lambda x: (_det.spec(x), _det.spec(x)),
                vjp=(lambda g, x: expand_dims(g[1], (-1, -2)) * _t(_inv(x)),))
_inv: Card = Card("inv", ("x",), promote="float", spec=_square_spec,
            vjp=(lambda g, out: -matmul(_t(out), matmul(g, _t(out))),))
_solve = Card("solve", ("a", "b"), promote="float", spec=_solve_spec, vjp=_solve_vjp, broadcasts=True)
_triangular = Card("solve_triangular", ("a", "b"), promote="float", spec=_solve_spec, vjp=_triangular_vjp,
                   broadcasts=True)
_cholesky = Card("cholesky", ("x",), promote="float", spec=_square_spec, vjp=(_cholesky_vjp,))
_pinv = Card("pinv", ("x",), promote="float", vjp=(_pinv_vjp,), spec=lambda x, *, rcond: Spec(
    (*x.shape[:-2], x.shape[-1], x.shape[-2]), x.dtype))


@public
def det(x: Any) -> Tensor:
    """Determinants of square matrices: (..., n, n) -> (...)."""
    return _det(x)


@public
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """Signs of the determinants of square matrices, and logarithms of their absolute values."""
    return _slogdet(x)


@public
def logdet(x: Any) -> Tensor:
    """Logarithms of the absolute determinants of square matrices."""
    return slogdet(x)[1]


@public
def inv(x: Any) -> Tensor:
    """Inverses of square matrices. Raises `numpy.linalg.LinAlgError` for a singular one (on the CPU)."""
    return _inv(x)


def _solved(card: Card, a: Any, b: Any, **params: Any) -> Tensor:
    """Solve for a matrix of right-hand sides, or for one vector each matrix."""
    a, b = as_float(a, b)
    _require(a)
    if b.ndim == 1 or b.shape == a.shape[:-1]:
        return squeeze(card(a, expand_dims(b, -1), **params), -1)
    return card(a, b, **params)


@public
def solve(a: Any, b: Any) -> Tensor:
    """Solve a x = b.

    Args:
        a: (..., n, n), not singular.
        b: (..., n, k), or (..., n) in the shape of `a` less one axis, or (n,).

    Returns:
        x in the shape of b.
    """
    return _solved(_solve, a, b)


@public
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """Solve a x = b for triangular matrices.

    Args:
        a: (..., n, n), of which the lower or the upper triangle alone is read.
        b: (..., n, k), or (..., n) in the shape of `a` less one axis, or (n,).
        lower: which triangle.
    """
    return _solved(_triangular, a, b, lower=bool(lower))


@public
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The Cholesky factor L of symmetric positive definite matrices: x = L L^T, L lower triangular.

    Args:
        x: (..., n, n).
        upper: whether to return L^T.

    Raises:
        ValueError: a matrix is not positive definite (on the CPU).
    """
    x = as_float(x)
    try:
        out = _cholesky(x)
    except np.linalg.LinAlgError as error:
        raise ValueError(f"cholesky: the matrix is not positive definite ({error})") from error
    return _t(out) if upper else out


@public
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of the matrix whose Cholesky factor is given.

    Args:
        x: (..., n, n), triangular.
        upper: whether it is the upper triangle.
    """
    x = as_float(x)
    _require(x)
    root = _triangular(x, eye(x.shape[-1], dtype=x.dtype), lower=not upper)
    return matmul(root, _t(root)) if upper else matmul(_t(root), root)


@public
def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """Moore-Penrose pseudo-inverses: (..., m, n) -> (..., n, m).

    Args:
        x: matrices, of constant rank where a gradient is asked for.
        rcond: singular values below `rcond` times the largest count as zero; by default
            10 max(m, n) times the precision of the dtype.
    """
    x = as_float(x)
    _require(x, square=False)
    return _pinv(x, rcond=10 * max(x.shape[-2:]) * _precision(x) if rcond is None else float(rcond))


def _precision(x: Tensor) -> float:
    return float(np.finfo("float32" if is_half(x.dtype) else x.dtype).eps)


@public
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The x of least norm among those that minimise |a x - b|.

    Args:
        a: (m, n).
        b: (m,) or (m, k).
        rcond: singular values below `rcond` times the largest count as zero; by default max(m, n) times the
            precision of the dtype.

    Returns:
        (n,) or (n, k).
    """
    a, b = as_float(a, b)
    if a.ndim != 2 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise ValueError(f"expected `a` of shape (m, n) and `b` (m,) or (m, k), got {a.shape} and {b.shape}")
    return matmul(pinv(a, max(a.shape) * _precision(a) if rcond is None else rcond), b)


# ---- decompositions ----


def _qr_spec(x, *, mode):
    _require(x, square=False)
    m, n = x.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return Spec((*x.shape[:-1], k), x.dtype), Spec((*x.shape[:-2], k, n), x.dtype)


def _qr_vjp(g, out):
    (gq, gr), (q, r) = g, out
    if r.shape[-1] != r.shape[-2]:
        raise NotImplementedError("qr has a gradient for matrices that are not wide, in reduced mode alone")
    m = matmul(r, _t(gr)) - matmul(_t(gq), q)
    middle = tril(m, -1)
    middle = middle + _t(middle) + m * eye(m.shape[-1], dtype=m.dtype)
    return _t(_triangular(r, _t(gq + matmul(q, middle)), lower=False))


def _svd_spec(x, *, full_matrices):
    _require(x, square=False)
    *lead, m, n = x.shape
    k = min(m, n)
    u, v = ((m, m), (n, n)) if full_matrices else ((m, k), (k, n))
    return Spec((*lead, *u), x.dtype), Spec((*lead, k), x.dtype), Spec((*lead, *v), x.dtype)


def _svd_vjp(g, out):
    (gu, gs, gvt), (u, s, vt) = g, out
    if u.shape[-1] != vt.shape[-2]:
        raise NotImplementedError("the gradient of svd of matrices that are not square needs full_matrices=False")
    v, gv = _t(vt), _t(gvt)
    gaps = _gaps(square(s))
    j, k = gaps * matmul(_t(u), gu), gaps * matmul(_t(v), gv)
    middle = (j + _t(j)) * _columns(s) + expand_dims(s, -1) * (k + _t(k))
    middle = middle + expand_dims(gs, -1) * eye(s.shape[-1], dtype=s.dtype)
    outside_u = (gu - matmul(u, matmul(_t(u), gu))) / _columns(s)
    outside_v = (gv - matmul(v, matmul(vt, gv))) / _columns(s)
    return matmul(matmul(u, middle) + outside_u, vt) + matmul(u, _t(outside_v))


def _svdvals_vjp(g, x):
    u, _, vt = _svd(x, full_matrices=False)
    return matmul(u * _columns(g), vt)


def _eigh_vjp(g, out):
    (gw, gv), (w, v) = g, out
    inner = _gaps(w) * matmul(_t(v), gv) + expand_dims(gw, -1) * eye(w.shape[-1], dtype=w.dtype)
    x = matmul(matmul(v, inner), _t(v))
    return 0.5 * (x + _t(x))


def _eig_spec(x):
    _require(x)
    dtype = "complex128" if x.dtype in ("float64", "complex128") else "complex64"
    return Spec(x.shape[:-1], dtype), Spec(x.shape, dtype)


def _lu_spec(x):
    _require(x, square=False)
    return Spec(x.shape, x.dtype), Spec((*x.shape[:-2], min(x.shape[-2:])), "int32")


_qr = Card("qr", ("x",), promote="float", spec=_qr_spec, vjp=(_qr_vjp,))
_svd = Card("svd", ("x",), promote="float", spec=_svd_spec, vjp=(_svd_vjp,))
_svdvals = Card("svdvals", ("x",), promote="float", vjp=(_svdvals_vjp,),
                spec=lambda x: _svd_spec(x, full_matrices=False)[1])
_eigh = Card("eigh", ("x",), promote="float", vjp=(_eigh_vjp,),
             spec=lambda x: (Spec(_square_spec(x).shape[:-1], x.dtype), Spec(x.shape, x.dtype)))
_eig = Card("eig", ("x",), promote="float", spec=_eig_spec, vjp=(_no_gradient("eig"),))
_lu_factor = Card("lu_factor", ("x",), promote="float", spec=_lu_spec, vjp=(_no_gradient("lu_factor"),))


@public
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """Decompose x = Q R, Q of orthonormal columns, R upper triangular.

    Args:
        x: (..., m, n).
        mode: "reduced" for Q (..., m, min(m, n)), "complete" for Q (..., m, m).
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"argument `mode`: Expected one of {{'reduced', 'complete'}}, got {mode!r}")
    return _qr(x, mode=mode)


@public
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """Decompose x = U diag(s) V^T, singular values descending.

    Args:
        x: (..., m, n).
        full_matrices: whether U is (..., m, m) and V^T (..., n, n), else they are cut to min(m, n).
        compute_uv: whether to return (U, s, V^T) or s alone.
    """
    x = as_float(x)
    _require(x, square=False)
    if not compute_uv:
        return _svdvals(x)
    # Square matrices have one form, and the reduced one has a gradient.
    return _svd(x, full_matrices=bool(full_matrices) and x.shape[-1] != x.shape[-2])


@public
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """Eigenvalues, ascending, and orthonormal eigenvectors (columns) of symmetric matrices."""
    return _eigh(x)


@public
def eig(x: Any) -> tuple[Tensor, Tensor]:
    """Complex eigenvalues and eigenvectors (columns) of square matrices. Has no gradient."""
    return _eig(x)


@public
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """Decompose P x = L U with partial pivoting.

    Args:
        x: (..., m, n).

    Returns:
        L (below the diagonal, ones on it left out) and U in one matrix, and int32 pivots: which row step i exchanged
        with row i. Has no gradient.
    """
    return _lu_factor(x)


@public
def matrix_rank(x: Any, tol: Any = None) -> Tensor:
    """How many singular values exceed a tolerance, by default the largest times max(m, n) times the precision."""
    x = as_float(x)
    _require(x, square=False)
    s = svd(x, compute_uv=False)
    if tol is None:
        tol = OPS["max"](s, axis=-1) * (max(x.shape[-2:]) * _precision(x))
    return OPS["sum"](cast(s > expand_dims(to_tensor(tol, s.dtype.name), -1), "int32"), axis=-1)


# ---- norms ----


@public
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Norms of vectors or matrices.

    Args:
        x: tensor.
        ord: None for the root of the sum of squares; for vectors a number p (sum |x|^p)^(1/p), inf, -inf, or 0 for the
            count of nonzeros; for matrices "fro", "nuc", 1, -1, inf, -inf (sums of rows or columns), 2, -2 (extreme
            singular values).
        axis: one axis for vectors, two for matrices; None for the tensor as a whole.
        keepdims: whether the axes stay, with length 1.
    """
    x = as_float(x)
    axes = canonical_axes(axis, x.ndim) if not isinstance(axis, list | tuple) else tuple(axis)
    if axis is None and ord is None or ord is None and len(axes) > 2:
        return sqrt(OPS["sum"](square(absolute(x)), axis=axes, keepdims=keepdims))
    if len(axes) == 1:
        return _vector_norm(x, 2 if ord is None else ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, "fro" if ord is None else ord, axes, keepdims)
    raise ValueError(f"a norm of order {ord!r} needs one axis or two, got {axes}")


def _vector_norm(x: Tensor, ord: Any, axis: int, keepdims: bool) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"argument `ord` of a vector norm must be a number, got {ord!r}")
    fold = dict(axis=axis, keepdims=keepdims)
    if ord in (np.inf, -np.inf):
        return OPS["max" if ord > 0 else "min"](absolute(x), **fold)
    if ord == 0:
        return OPS["sum"](cast(x != 0, x.dtype), **fold)
    if ord == 1:
        return OPS["sum"](absolute(x), **fold)
    if ord == 2:
        return sqrt(OPS["sum"](square(absolute(x)), **fold))
    return power(OPS["sum"](power(absolute(x), ord), **fold), 1.0 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    x = moveaxis(x, axes, (-2, -1))
    if ord == "fro":
        out = sqrt(OPS["sum"](square(absolute(x)), axis=(-2, -1)))
    elif ord in ("nuc", 2, -2):
        s = svd(x, compute_uv=False)
        out = OPS["sum" if ord == "nuc" else "max" if ord == 2 else "min"](s, axis=-1)
    elif ord in (1, -1, np.inf, -np.inf):
        sums = OPS["sum"](absolute(x), axis=-2 if abs(ord) == 1 else -1)
        out = OPS["max" if ord > 0 else "min"](sums, axis=-1)
    else:
        raise ValueError(f"the `ord` of a matrix norm must be 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    return expand_dims(out, [a % x.ndim for a in axes]) if keepdims else out
