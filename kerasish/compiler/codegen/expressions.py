"""What elementwise ops are in the language of kernels: the table of those that a fused kernel may hold."""

from collections.abc import Callable, Iterable
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


def _floor_divide(x: Value, y: Value) -> Value:
    """The quotient rounded down, with NumPy's answers at zeros; 0 for a whole number over 0."""
    if not x.is_float:
        zero, below, by = _divisor(x, y)
        quotient = _quotient(x, by)
        rest = x - quotient * by
        down = quotient - (rest.differs(0) & ((rest < 0) ^ (by < 0))).to(x.kind)
        return zero.where(0, below.where(-x, down))
    rest, zero = _rest(x, y), y.equals(0)
    exact = (x - rest) / y
    exact = (rest.differs(0) & ((rest < 0) ^ (y < 0))).where(exact - 1.0, exact)
    down = exact.floor()
    down = (exact - down > 0.5).where(down + 1.0, down)
    quotient = x / y
    return zero.where(quotient, exact.equals(0).where((x * 0.0).copysign(quotient), down))


def _mod(x: Value, y: Value) -> Value:
    """What is left of that quotient, with the sign of the divisor."""
    if not x.is_float:
        zero, below, by = _divisor(x, y)
        rest = x - _quotient(x, by) * by
        rest = (rest.differs(0) & ((rest < 0) ^ (by < 0))).where(rest + by, rest)
        return (zero | below).where(0, rest)
    rest = _rest(x, y)
    other = (rest < 0) ^ (y < 0)
    return rest.equals(0).where((rest * 0.0).copysign(y), other.where(rest + y, rest))


def _rest(x: Value, y: Value) -> Value:
    """What is left of the quotient cut to a whole number, exactly; by the system's function where float64 is short."""
    if x.kind == "f8":
        return x % y
    wide, by, k = x.to("f8"), y.to("f8"), x.kernel
    quotient = wide / by
    rest = (-quotient.trunc()).fma(by, wide)
    rest = (rest * wide < 0).where(rest + by.abs().copysign(wide), rest)  # the quotient was rounded to a whole number
    infinite = y.abs().equals(float("inf")) & (x - x).equals(0.0)
    out = k.var(infinite.where(x, rest.to("f4")))
    large = (quotient.abs() >= 2.0**29) & quotient.abs().differs(float("inf"))
    with k.when(large.any()):
        out.set(large.where(x % y, out.get()))
    return out.get()


def _divisor(x: Value, y: Value) -> tuple[Value, Value, Value]:
    """Whether a whole number is 0, whether it is -1, and one that is neither, which the machine can divide by."""
    zero = y.equals(0)
    below = y.equals(-1) if y.kind[0] == "i" else zero
    return zero, below, (zero | below).where(1, y)


def _quotient(x: Value, y: Value) -> Value:
    return x / y if x.kind[0] == "i" else x // y


def _signbit(x: Value) -> Value:
    return x.bits("i4" if x.kind == "f4" else "i8") < 0


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
    "bitwise_and": lambda x, y: x & y,
    "bitwise_or": lambda x, y: x | y,
    "bitwise_xor": lambda x, y: x ^ y,
    "bitwise_not": lambda x: ~x,
    "floor_divide": _floor_divide,
    "mod": _mod,
    "stop_gradient": lambda x: x,
    "copy": lambda x: x,
}
# The same, for floating-point numbers alone.
REAL: dict[str, Callable[..., Value]] = {
    "divide": lambda x, y: x / y,
    "divide_no_nan": lambda x, y: y.equals(0.0).where(0.0, x / y),
    "reciprocal": lambda x: 1.0 / x,
    "sqrt": lambda x: x.sqrt(),
    "rsqrt": lambda x: 1.0 / x.sqrt(),
    "floor": lambda x: x.floor(),
    "ceil": lambda x: x.ceil(),
    "trunc": lambda x: x.trunc(),
    "signbit": _signbit,
    "isnan": lambda x: x.differs(x),
    "isfinite": lambda x: (x - x).equals(0.0),
    "isinf": lambda x: x.abs().equals(float("inf")),
}
# The same, for float32 alone.
SINGLE: dict[str, Callable[..., Value]] = {
    "exp": m.exp, "expm1": m.expm1, "log": m.log, "log1p": m.log1p, "tanh": m.tanh, "sigmoid": m.sigmoid, "erf": m.erf,
    "softplus": m.softplus, "sin": m.sin, "cos": m.cos, "tan": m.tan, "arctan": m.arctan, "logaddexp": m.logaddexp,
    "exp2": m.exp2, "log2": m.log2, "log10": m.log10, "sinh": m.sinh, "cosh": m.cosh, "power": m.power,
}
# The same, for single numbers of float64.
SCALAR: dict[str, Callable[..., Value]] = {"power": _power}
# What is worth keeping rather than computing again.
COSTLY = frozenset({*SINGLE, "divide", "divide_no_nan", "sqrt", "rsqrt", "reciprocal"})


def nanoseconds(instructions: Iterable[Any]) -> float:
    """Return what it takes to compute one element of each of some instructions, roughly."""
    return sum(0.4 if i.card.name in COSTLY else 0.05 for i in instructions)


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
