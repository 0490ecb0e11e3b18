"""What elementwise ops are in the language of kernels: the table of those that a fused kernel may hold."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native import vector_math as m
from kerasish.backend.native.language import Value

_NAMES = {"float32": "f4", "float64": "f8", "bool": "b", "int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2",
          "int32": "i4", "uint32": "u4", "int64": "i8", "uint64": "u8"}
# By dtype: asking NumPy for its name takes longer than all else here.
KINDS = {np.dtype(name): kind for name, kind in _NAMES.items()}


def kind_of(spec: Any) -> str | None:
    """Return the kind of a dtype in the language of kernels, None if it has none."""
    return KINDS.get(spec.dtype)


def _clip(x: Value, low: Value, high: Value) -> Value:
    return x.maximum(low).minimum(high)


def _sign(x: Value) -> Value:
    positive, negative = (x > 0).to(x.kind), (x < 0).to(x.kind)
    sign = positive - negative
    return x.differs(x).where(x, sign) if x.is_float else sign


def _power(x: Value, y: Value) -> Value:
    """By the system's function, for single numbers alone."""
    wide = x.to("f8")
    out = x.kernel.intrinsic("llvm.pow", wide.code.type, [wide, y.to("f8")])
    return wide.like(out).to(x.kind)


def _logical_not(x: Value) -> Value:
    return x.equals(0) if x.kind != "b" else ~x


def _relu6(x: Value) -> Value:
    return x.maximum(0.0).minimum(6.0)


# name -> function of the inputs' values; parameters are not passed
EVERYWHERE: dict[str, Callable[..., Value]] = {
    "add": lambda x, y: x + y if x.kind != "b" else x | y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y if x.kind != "b" else x & y,
    "negative": lambda x: -x,
    "square": lambda x: x * x,
    "absolute": lambda x: x.abs(),
    "sign": _sign,
    "maximum": lambda x, y: x.maximum(y),
    "minimum": lambda x, y: x.minimum(y),
    "clip": _clip,
    "relu": lambda x: x.maximum(0),
    "relu6": _relu6,
    "where": lambda c, x, y: c.to("b").where(x, y),
    "equal": lambda x, y: x.equals(y),
    "not_equal": lambda x, y: x.differs(y),
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "logical_and": lambda x, y: x.to("b") & y.to("b"),
    "logical_or": lambda x, y: x.to("b") | y.to("b"),
    "logical_xor": lambda x, y: x.to("b") ^ y.to("b"),
    "logical_not": _logical_not,
    "stop_gradient": lambda x: x,
    "copy": lambda x: x,
}
# The same, for floating-point numbers alone.
REAL: dict[str, Callable[..., Value]] = {
    "divide": lambda x, y: x / y,
    "reciprocal": lambda x: 1.0 / x,
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": lambda x: 1.0 / x.sqrt(),
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "trunc": lambda x: x.trunc(),
    "isnan": lambda x: x.differs(x),
    "isfinite": lambda x: (x - x).equals(0.0),
    "isinf": lambda x: x.abs().equals(float("inf")),
}
# The same, for float32 alone.
SINGLE: dict[str, Callable[..., Value]] = {
    "exp": m.exp, "expm1": m.expm1, "log": m.log, "log1p": m.log1p, "tanh": m.tanh, "sigmoid": m.sigmoid, "erf": m.erf,
    "softplus": m.softplus,
}
# The same, for single numbers.
SCALAR: dict[str, Callable[..., Value]] = {"power": _power}
# What is worth keeping rather than computing again.
COSTLY = frozenset({*SINGLE, "divide", "sqrt", "rsqrt", "reciprocal"})


def writer(name: str, ins: list[Any], out: Any) -> Callable[..., Value] | None:
    """Return what writes an op on inputs and a result of these specs, None if it has no place in a fused kernel."""
    kinds = [KINDS.get(s.dtype) for s in (*ins, out)]
    if None in kinds:
        return None
    found = EVERYWHERE.get(name)
    if found is not None:
        return found
    if name == "cast":
        return _cast(kind_of(out) or "f4")
    if any(k not in ("f4", "f8") for k in kinds[: len(ins)]):
        return None
    if name in REAL:
        return REAL[name]
    if name in SINGLE and set(kinds) == {"f4"}:
        return SINGLE[name]
    if name in SCALAR and out.size == 1:
        return SCALAR[name]
    return None


def _cast(kind: str) -> Callable[..., Value]:
    return lambda x: x.to(kind)
