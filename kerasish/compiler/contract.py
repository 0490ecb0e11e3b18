"""The compiler's own matrix product: batched, either operand transposed, operands and result in any order of axes.

    contract(x, y; subscripts="ambk,anbk->abmn", x_shape=(16, 128, 4, 32), ...)

Letters say what each axis is: k is summed, m are rows (of x and the result), n columns (of y and the result), each
exactly once; other letters are batches and stand in all three terms. x and y are viewed in the shapes `x_shape` and
`y_shape`, one length a letter; the result's letters, reshaped to `shape`, are its value. The last letter of x is m or
k, that of y k or n, that of the result n: so BLAS multiplies all where it lies, with strides, and copies nothing.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

from kerasish.compiler.ir import InternalCard
from kerasish.core.spec import Spec


class Layout(NamedTuple):
    """What a product is to BLAS; strides count elements of contiguous arrays.

    Attributes:
        batch: one (length, stride in x, in y, in the result) a batch letter, outermost of the result first.
        m, n, k: rows, columns, length of the sums.
        x: whether x lies transposed (its last letter is m), and its leading dimension: the stride of its other letter.
        y: likewise (its last letter is k).
        out: leading dimension of the result, whose last letter is n.
    """

    batch: tuple[tuple[int, int, int, int], ...]
    m: int
    n: int
    k: int
    x: tuple[bool, int]
    y: tuple[bool, int]
    out: int


def _spec(x: Any, y: Any, *, subscripts: str, x_shape: Any, y_shape: Any, shape: Any) -> Spec:
    plan = layout(subscripts, x_shape, y_shape)
    out = Spec(shape, x.dtype)
    size = plan.m * plan.n * math.prod([length for length, *_ in plan.batch])
    for what, has, needs in (("x", x.size, x_shape), ("y", y.size, y_shape), ("the result", out.size, (size,))):
        if has != math.prod(needs):
            raise ValueError(f"contract {subscripts!r}: {what} has {has} elements, its letters have lengths {needs}")
    return out


CONTRACT = InternalCard("contract", ("x", "y"), _spec)


@lru_cache(4096)
def layout(subscripts: str, x_shape: tuple[int, ...], y_shape: tuple[int, ...]) -> Layout:
    """Return what a contract's parameters say to BLAS.

    Raises:
        ValueError: the letters are not as this module says.
    """
    left, right, result = subscripts.replace("->", ",").split(",")
    length = dict(zip(right, y_shape, strict=True)) | dict(zip(left, x_shape, strict=True))
    batch = [c for c in result if c not in "mn"]
    ordered = left[-1] in "mk" and right[-1] in "kn" and result[-1] == "n"
    terms = [sorted([*batch, *last]) == sorted(term) for term, last in ((left, "mk"), (right, "kn"), (result, "mn"))]
    same = all(length[c] == n for c, n in zip(right, y_shape, strict=True))
    if not (ordered and all(terms) and same):
        raise ValueError(f"contract {subscripts!r} of lengths {x_shape} and {y_shape} is no product that BLAS can take")
    of_x, of_y, of_out = (_strides(term, length) for term in (left, right, result))
    return Layout(tuple([(length[c], of_x[c], of_y[c], of_out[c]) for c in batch]), length["m"], length["n"],
                  length["k"], (left[-1] == "m", of_x["k" if left[-1] == "m" else "m"]),
                  (right[-1] == "k", of_y["n" if right[-1] == "k" else "k"]), of_out["m"])


def _strides(term: str, length: dict[str, int]) -> dict[str, int]:
    strides, step = {}, 1
    for c in reversed(term):
        strides[c] = step
        step *= length[c]
    return strides
