"""Half precision (float16, bfloat16): computed in float32, handed back as it came."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def is_half(dtype: Any) -> bool:
    """Tell whether a dtype is float16 or bfloat16 (a foreign type to NumPy), without the cost of its name."""
    return dtype.itemsize == 2 and dtype.kind in "fV"


def widen(x: Any) -> Any:
    """Return a half-precision array in float32, any other as it is."""
    return x.astype("float32") if is_half(x.dtype) else x


def through_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that computes in float32 where its first array has half precision."""

    @wraps(function)
    def wrapped(xp, x, *arrays, **params):
        if not is_half(x.dtype):
            return function(xp, x, *arrays, **params)
        given = params.pop("out", None)
        out = function(xp, *(widen(a) for a in (x, *arrays)), **params)
        if given is not None:
            given[...] = out
            return given
        if isinstance(out, tuple):
            return tuple(_narrow(o, x.dtype) for o in out)
        return _narrow(out, x.dtype)

    return wrapped


def _narrow(out: Any, dtype: Any) -> Any:
    return out.astype(dtype) if out.dtype == "float32" else out
