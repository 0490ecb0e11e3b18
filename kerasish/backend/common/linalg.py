"""Matrix products and decompositions. Matrices are the last two axes; half precision goes through float32."""

import math
from functools import lru_cache
from typing import Any

from kerasish.backend.common.halves import is_half, through_float32, widen
from kerasish.backend.registry import kernel


@kernel("matmul")
def matmul(xp, x, y, *, out=None):
    if is_half(x.dtype):
        return _store(product(xp, widen(x), widen(y)), x.dtype, out)
    return product(xp, x, y, out)


def product(xp: Any, x: Any, y: Any, out: Any = None) -> Any:
    """Return x @ y; stacked rows times one matrix are a single product."""
    if y.ndim == 2 and x.ndim > 2:
        shape = (*x.shape[:-1], y.shape[1])
        rows = (math.prod(shape[:-1]), x.shape[-1])
        if out is None or out.flags.c_contiguous:
            flat = None if out is None else out.reshape(rows[0], shape[-1])
            return xp.matmul(x.reshape(rows), y, out=flat).reshape(shape)
    if x.ndim == 1 or y.ndim == 1:
        return _store(xp.matmul(x, y), x.dtype, out)
    return xp.matmul(x, y, out=out)


def _store(value: Any, dtype: Any, out: Any) -> Any:
    if out is None:
        return value.astype(dtype, copy=False)
    out[...] = value
    return out


@kernel("einsum")
def einsum(xp, x, y, *, subscripts, out=None):
    """Contract two arrays by one matrix product.

    Args:
        subscripts: "ab,bc->ac": letters once an operand, none in one operand alone (summed before).
    """
    left, right, (batch, rows, summed), back = _plan(subscripts)
    wide_x, wide_y = widen(x).transpose(left), widen(y).transpose(right)
    lead, middle, columns = wide_x.shape[:batch], wide_x.shape[batch : batch + rows], wide_y.shape[batch + summed :]
    k = math.prod(wide_y.shape[batch : batch + summed])
    z = product(xp, wide_x.reshape(*lead, math.prod(middle), k), wide_y.reshape(*lead, k, math.prod(columns)))
    return _store(z.reshape((*lead, *middle, *columns)).transpose(back), x.dtype, out)


@lru_cache(1024)
def _plan(subscripts: str) -> tuple:
    """Orders of axes that make a contraction a matrix product: (batch, rows, summed) x (batch, summed, columns)."""
    left, right, result = subscripts.replace("->", ",").split(",")
    both = [c for c in left if c in right]
    batch, summed = [c for c in both if c in result], [c for c in both if c not in result]
    rows, columns = [c for c in left if c not in right], [c for c in right if c not in left]
    product_order = [*batch, *rows, *columns]
    return (tuple([left.index(c) for c in (*batch, *rows, *summed)]),
            tuple([right.index(c) for c in (*batch, *summed, *columns)]),
            (len(batch), len(rows), len(summed)),
            tuple([product_order.index(c) for c in result]))


@kernel("cholesky")
@through_float32
def cholesky(xp, x):
    return xp.linalg.cholesky(x)


@kernel("det")
@through_float32
def det(xp, x):
    return xp.linalg.det(x)


@kernel("slogdet")
@through_float32
def slogdet(xp, x):
    return tuple(xp.linalg.slogdet(x))


@kernel("inv")
@through_float32
def inv(xp, x):
    return xp.linalg.inv(x)


@kernel("solve")
@through_float32
def solve(xp, a, b):
    if a.shape[:-2] != b.shape[:-2]:  # CuPy does not broadcast them
        lead = xp.broadcast(a[..., 0, 0], b[..., 0, 0]).shape
        a, b = (xp.broadcast_to(m, (*lead, *m.shape[-2:])) for m in (a, b))
    return xp.linalg.solve(a, b)


@kernel("solve_triangular")
@through_float32
def solve_triangular(xp, a, b, *, lower):
    """Solve by halves: all but small diagonal blocks is matrix products. The other triangle is not read."""
    n = a.shape[-1]
    if n <= 32:
        return solve.__wrapped__(xp, xp.tril(a) if lower else xp.triu(a), b)
    h = n // 2
    first, second = (slice(None, h), slice(h, None)) if lower else (slice(h, None), slice(None, h))
    x = solve_triangular.__wrapped__(xp, a[..., first, first], b[..., first, :], lower=lower)
    rest = b[..., second, :] - a[..., second, first] @ x
    y = solve_triangular.__wrapped__(xp, a[..., second, second], rest, lower=lower)
    return xp.concatenate((x, y) if lower else (y, x), axis=-2)


@kernel("qr")
@through_float32
def qr(xp, x, *, mode):
    return tuple(xp.linalg.qr(x, mode=mode))


@kernel("svd")
@through_float32
def svd(xp, x, *, full_matrices):
    return tuple(xp.linalg.svd(x, full_matrices=full_matrices))


@kernel("svdvals")
@through_float32
def svdvals(xp, x):
    return xp.linalg.svd(x, compute_uv=False)


@kernel("eigh")
@through_float32
def eigh(xp, x):
    return tuple(xp.linalg.eigh(x))


@kernel("eig")
@through_float32
def eig(xp, x):
    dtype = xp.result_type(x.dtype, xp.complex64)
    return tuple(part.astype(dtype) for part in xp.linalg.eig(x))


@kernel("pinv")
@through_float32
def pinv(xp, x, *, rcond):
    return xp.linalg.pinv(x, rcond=rcond)


@kernel("lu_factor")
@through_float32
def lu_factor(xp, x):
    """P A = L U with partial pivoting, packed as in LAPACK: (LU, int32 row that step i swaps with row i)."""
    lu = x.reshape(-1, *x.shape[-2:]).copy()
    each = xp.arange(len(lu))
    pivots = []
    for j in range(min(lu.shape[1:])):
        best = j + xp.argmax(xp.abs(lu[:, j:, j]), axis=1)
        pivots.append(best)
        held = lu[:, j].copy()
        lu[:, j] = lu[each, best]
        lu[each, best] = held
        pivot = lu[:, j, j]
        lu[:, j + 1 :, j] /= xp.where(pivot == 0, 1, pivot)[:, None]
        lu[:, j + 1 :, j + 1 :] -= lu[:, j + 1 :, j, None] * lu[:, j, None, j + 1 :]
    packed = xp.stack(pivots, axis=-1) if pivots else xp.zeros((len(lu), 0))
    return lu.reshape(x.shape), packed.astype("int32").reshape(*x.shape[:-2], len(pivots))
