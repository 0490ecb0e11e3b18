"""The kernel of the compiler's matrix product: operands and result are views, so nothing is copied to be multiplied."""

from functools import lru_cache
from typing import Any

from kerasish.backend.common.halves import is_half, widen
from kerasish.backend.registry import kernel


@kernel("contract")
def contract(xp, x, y, *, subscripts, x_shape, y_shape, shape, out=None):
    """Multiply matrices.

    Args:
        subscripts: such as "amk,ank->amn"; k is summed, m and n are rows and columns, other letters stand in all terms.
        x_shape, y_shape: lengths of the letters of x and y, which are viewed so.
        shape: that of the result, which is a view of what the letters say.
    """
    of_x, of_y, of_out, lengths = _orders(subscripts, x_shape, y_shape)
    if out is None:
        out = xp.empty(shape, x.dtype)
    a, b, view = _seen(x, x_shape, of_x), _seen(y, y_shape, of_y), _seen(out, lengths, of_out)
    if is_half(x.dtype):
        view[...] = xp.matmul(widen(a), widen(b))
    else:
        xp.matmul(a, b, out=view)
    return out


def _seen(x: Any, shape: tuple[int, ...], order: tuple[int, ...] | None) -> Any:
    if x.shape != shape:
        x = x.reshape(shape)
    return x if order is None else x.transpose(order)


@lru_cache(4096)
def _orders(subscripts: str, x_shape: Any, y_shape: Any) -> tuple:
    """Orders of axes that put batches first and rows, summed and columns last, None for the order that it is already,
    and lengths of the result's letters.
    """
    left, right, result = subscripts.replace("->", ",").split(",")
    batch = "".join([c for c in result if c not in "mn"])
    length = {**dict(zip(left, x_shape, strict=True)), **dict(zip(right, y_shape, strict=True))}
    orders = [tuple([term.index(c) for c in batch + last])
              for term, last in ((left, "mk"), (right, "kn"), (result, "mn"))]
    kept = [None if order == tuple(range(len(order))) else order for order in orders]
    return *kept, tuple([length[c] for c in result])
