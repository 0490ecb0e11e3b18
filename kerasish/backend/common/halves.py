"""Half precision (float16, bfloat16): computed in float32, handed back as it came."""

from collections.abc import Callable
from functools import wraps
from typing import Any

HALVES = ("float16", "bfloat16")


def widen(x: Any) -> Any:
    """Return a half-precision array in float32, any other as it is."""
    return x.astype("float32") if x.dtype.name in HALVES else x


def through_float32(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a kernel that computes in float32 where its first array has half precision."""

    @wraps(function)
    def wrapped(xp, x, *arrays, **params):
        if x.dtype.name not in HALVES:
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
