"""What is known of a tensor without its values: shape and dtype."""

import math
from typing import Any

import numpy as np

from kerasish.core.dtypes import numpy_dtype, standardize_dtype


class Spec:
    """Shape and dtype of a tensor that has no values (yet).

    It stands where an array would stand: both have `shape`, `dtype`, `ndim` and `size`, so a
    shape rule reads either.
    """

    __slots__ = ("shape", "dtype", "size")

    def __init__(self, shape: Any, dtype: Any):
        self.shape: tuple[int, ...] = tuple(map(int, shape))
        self.dtype: np.dtype = dtype if isinstance(dtype, np.dtype) else numpy_dtype(standardize_dtype(dtype))
        self.size = math.prod(self.shape)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spec) and (self.shape, self.dtype) == (other.shape, other.dtype)

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"{self.dtype.name}[{', '.join(map(str, self.shape))}]"


# What stands for an unknown length while shapes are inferred: numbers of many divisors, so that reshapes come out even.
STAND_INS = (5040, 7920)


def agree(m: int, n: int) -> bool:
    """Tell whether two lengths can be the same one: they are equal, or one of them is unknown."""
    return m == n or m in STAND_INS or n in STAND_INS


def meet(m: int, n: int) -> int:
    """Return of two lengths that agree the known one."""
    return n if m in STAND_INS else m


def broadcast_shapes(*shapes: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape to which shapes broadcast; an unknown length takes the known one that it meets.

    Raises:
        ValueError: two of them cannot meet; names the shapes.
    """
    longest = max(shapes, key=len)
    if shapes.count(longest) + shapes.count(()) >= len(shapes):  # the others are like it, or of scalars
        return longest
    out = [1] * max(len(s) for s in shapes)
    for shape in shapes:
        for i, n in enumerate(reversed(shape), 1):
            if n != 1 and out[-i] != n:
                if out[-i] in STAND_INS:
                    out[-i] = n
                elif n in STAND_INS and out[-i] != 1:
                    continue
                elif out[-i] != 1:
                    raise ValueError(f"Cannot broadcast shape {' and '.join(map(str, shapes))} together")
                out[-i] = n
    return tuple(out)


def like(index: int = 0, dtype: Any = None):
    """Return a shape rule: the result has the shape (and dtype, unless given) of one input."""

    def rule(*inputs, **_params) -> Spec:
        x = inputs[index]
        return x if dtype is None and type(x) is Spec else Spec(x.shape, dtype or x.dtype)

    return rule


def broadcast(dtype: Any = None):
    """Return a shape rule: the result has the broadcast shape of all inputs, and the last one's dtype."""

    def rule(*inputs, **_params) -> Spec:
        kind = dtype or inputs[-1].dtype
        if len(inputs) == 2:  # and most often of one shape, or one of them a scalar
            x, y = inputs
            larger = x if x.shape == y.shape or not y.shape else None if x.shape else y
            if larger is not None:
                return larger if larger.dtype is kind and type(larger) is Spec else Spec(larger.shape, kind)
        shape = broadcast_shapes(*[x.shape for x in inputs])
        for x in inputs:  # most often the result is like one of them
            if x.dtype is kind and x.shape == shape and type(x) is Spec:
                return x
        return Spec(shape, kind)

    return rule
