"""The promotion table of dtypes, and the dtypes of the results of common ops."""

from __future__ import annotations

import itertools
from functools import partial
from typing import Any

import keras

DTYPES = ("bool", "uint8", "uint16", "uint32", "int8", "int16", "int32", "int64", "bfloat16", "float16", "float32",
          "float64")  # fmt: skip
PYTHON = {"int": int, "float": float}  # types of Python numbers
FEW = ("bool", "uint8", "int8", "int32", "bfloat16", "float16", "float32")

UNARY = (
    "abs", "negative", "sign", "square", "exp", "log", "sqrt", "sin", "tanh", "reciprocal", "floor", "ceil", "round",
    "trunc", "isnan", "isfinite", "logical_not", "mean", "sum", "prod", "max", "min", "any", "all", "var", "std",
    "argmax", "argmin", "argsort", "sort", "cumsum", "cumprod", "count_nonzero", "median", "average", "relu", "sigmoid",
    "softmax", "gelu", "silu", "softplus", "log1p", "expm1", "rsqrt", "erf", "logsumexp", "norm", "diff", "trace",
    "zeros_like", "ones_like", "transpose", "flip", "ravel", "nan_to_num", "arctan", "cosh", "log2", "log10", "tril",
    "diagonal", "real", "imag", "amax", "ptp", "nonzero",
)  # fmt: skip
BINARY = (
    "add", "subtract", "multiply", "divide", "true_divide", "divide_no_nan", "floor_divide", "mod", "power", "maximum",
    "minimum", "matmul", "dot", "tensordot", "inner", "outer", "vdot", "equal", "less", "logical_and", "arctan2",
    "hypot", "cross", "logaddexp", "where", "concatenate", "stack", "isclose", "bitwise_and", "left_shift", "append",
)  # fmt: skip
SCALARS = (2, 2.5, True)


def call_binary(name: str, x: Any, y: Any) -> Any:
    if name == "where":
        return keras.ops.where(keras.ops.equal(x, x), x, y)
    if name in ("concatenate", "stack"):
        return getattr(keras.ops, name)([x, y])
    return getattr(keras.ops, name)(x, y)


def call_with_scalar(name: str, scalar: Any, x: Any) -> Any:
    return call_binary(name, x, scalar)


def result_type(*names: str) -> str:
    return keras.backend.result_type(*(PYTHON.get(name, name) for name in names))


def run_promotion() -> list[dict]:
    """`result_type` of pairs, of triples and of single dtypes."""
    few = ("bool", "uint8", "int32", "bfloat16", "float16", "float32", "int", "float")
    groups = [*itertools.combinations_with_replacement((*DTYPES, *PYTHON), 2), *itertools.combinations(few, 3)]
    return [{"of": list(group), "is": result_type(*group)} for group in [*groups, *((d,) for d in DTYPES)]]


def run() -> list[dict]:
    """Ops on one tensor, on two, on a tensor and a Python number; makers of tensors from Python values."""
    rows = []
    for name in UNARY:
        rows.append({"kind": "unary", "op": name, "is": {d: agreed(getattr(keras.ops, name), d) for d in FEW}})
    for name in BINARY:
        fn = partial(call_binary, name)
        rows.append({"kind": "binary", "op": name, "is": {f"{a} {b}": agreed(fn, a, b) for a in FEW for b in FEW}})
    for name in ("add", "multiply", "divide", "floor_divide", "power", "mod", "maximum", "equal", "where"):
        fns = {s: partial(call_with_scalar, name, s) for s in SCALARS}
        results = {f"{d} {s}": agreed(fn, d) for d in FEW for s, fn in fns.items()}
        rows.append({"kind": "scalar", "op": name, "is": results})
    for row in rows:
        row["is"] = {operands: dtype for operands, dtype in row["is"].items() if dtype}
    for op, args in MAKERS:
        rows.append({"kind": "make", "op": op, "args": args, "is": dtype_of(getattr(keras.ops, op)(*args))})
    return rows


MAKERS = (
    ("arange", [3]), ("arange", [3.0]), ("arange", [0, 3, 1.5]), ("linspace", [0, 1, 3]), ("zeros", [[2]]),
    ("ones", [[2]]), ("full", [[2], 1]), ("full", [[2], 1.5]), ("full", [[2], True]), ("eye", [2]), ("identity", [2]),
    ("tri", [2]), ("array", [1]), ("array", [1.5]), ("array", [True]), ("array", [[1, 2.5]]),
    ("convert_to_tensor", [3]), ("convert_to_tensor", [3.5]), ("convert_to_tensor", [[True, False]]),
    ("one_hot", [1, 3]), ("logspace", [0, 1, 3]), ("empty", [[2]]),
)  # fmt: skip


def agreed(fn: Any, *dtypes: str) -> str | None:
    """The dtype of the result, or None where Keras fails, or infers another one (unless a half is at stake)."""
    try:
        eager = dtype_of(fn(*(keras.ops.cast([[1, 2, 3], [1, 2, 3], [1, 1, 1]], d) for d in dtypes)))
    except (TypeError, ValueError, NotImplementedError):
        return None
    inferred = dtype_of(fn(*(keras.KerasTensor((3, 3), d) for d in dtypes)))
    return eager if eager == inferred or "float16" in eager else None


def dtype_of(out: Any) -> str:
    out = out[0] if isinstance(out, list | tuple) else out
    return keras.backend.standardize_dtype(out.dtype)
