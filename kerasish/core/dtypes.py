"""Data types by name, and Keras 3's rules of promotion.

Promotion takes the least upper bound on a lattice in which Python scalars are weak: they take
the type of the tensor that they meet. 64-bit types are kept where a caller asks for them.
"""

from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.utils import config
from kerasish.utils.dtype_names import numpy_dtype as numpy_dtype

INTS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
FLOATS = ("bfloat16", "float16", "float32", "float64")
COMPLEX = ("complex64", "complex128")
ALLOWED = ("bool", *INTS, *FLOATS, *COMPLEX, "string")

# Each type with the types just above it; "i*" and "f*" are the weak types of Python scalars.
_ABOVE: dict[str, tuple[str, ...]] = {
    "bool": ("i*",),
    "i*": ("uint8", "int8", "complex64"),
    "uint8": ("int16", "uint16"),
    "uint16": ("int32", "uint32"),
    "uint32": ("int64", "uint64"),
    "uint64": ("f*",),
    "int8": ("int16",),
    "int16": ("int32",),
    "int32": ("int64",),
    "int64": ("f*",),
    "f*": ("bfloat16", "float16"),
    "bfloat16": ("float32",),
    "float16": ("float32",),
    "float32": ("float64", "complex64"),
    "float64": ("complex128",),
    "complex64": ("complex128",),
    "complex128": (),
}
_WEAK = {bool: "bool", int: "i*", float: "f*", complex: "complex64"}


def standardize_dtype(dtype: Any) -> str:
    """Return the Keras name of a dtype.

    Args:
        dtype: a name, a NumPy dtype or scalar type, a Python type, anything with a `name` (or a
            `torch.` or `jax.` like string form), or None for `floatx()`.

    Raises:
        ValueError: it is no dtype that tensors can have.
    """
    if type(dtype) is str and dtype in _ALLOWED_SET:
        return dtype
    if isinstance(dtype, np.dtype):  # asking NumPy for a name takes longer than adding small arrays
        name = _NAMES.get(dtype)
        if name is None:
            name = _NAMES[dtype] = _standardize(dtype)
        return name
    return _standardize(dtype)


_ALLOWED_SET = frozenset(ALLOWED)
_NAMES: dict[np.dtype, str] = {}


def _standardize(dtype: Any) -> str:
    if dtype is None:
        return config.floatx()
    python = {bool: "bool", int: "int32", float: config.floatx(), str: "string", complex: "complex64", "int": "int32"}
    try:
        if dtype in python:
            return python[dtype]
    except TypeError:
        pass
    name = getattr(dtype, "name", None) or getattr(dtype, "__name__", None) or str(dtype).rpartition(".")[2]
    name = {"bool_": "bool", "object": "string", "str_": "string"}.get(name, name)
    if name.startswith("str") and name != "string":
        name = "string"
    if name not in _ALLOWED_SET:
        raise ValueError(f"invalid dtype {dtype!r}: expected one of {', '.join(ALLOWED)}")
    return name


@lru_cache(None)
def _upper_bounds(name: str) -> frozenset[str]:
    return frozenset({name}).union(*(_upper_bounds(above) for above in _ABOVE[name]))


@lru_cache(None)
def _least_upper_bound(names: frozenset[str]) -> str:
    bounds = frozenset.intersection(*(_upper_bounds(n) for n in names))
    least = [b for b in bounds if bounds <= _upper_bounds(b)]
    return least[0]


@lru_cache(1024)
def _promote(names: tuple[str, ...], floatx: str) -> str:
    for name in names:
        if name not in _ABOVE:
            raise ValueError(f"no promotion for dtype {name!r} among {names}: cast it first")
    out = _least_upper_bound(frozenset(names))
    bits = floatx.removeprefix("bfloat").removeprefix("float")
    return {"i*": f"int{bits}", "f*": floatx}.get(out, out)


def result_type(*dtypes: Any) -> str:
    """Return the dtype in which values of the given dtypes meet (Keras: `backend.result_type`).

    Args:
        dtypes: names, NumPy dtypes, or the Python types `int` and `float`, which are weak.

    Raises:
        ValueError: a dtype has no place on the lattice.
    """
    if not dtypes:
        return config.floatx()
    return _promote(tuple(_node(d) for d in dtypes), config.floatx())


def _node(dtype: Any) -> str:
    weak = _WEAK.get(dtype) if isinstance(dtype, type) else None
    return weak or standardize_dtype(dtype)


def default_of_python(value: Any) -> str:
    """Return the dtype that a bare Python scalar gets when it meets no tensor."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "int32" if -(2**31) <= value < 2**31 else "int64"
    if isinstance(value, complex):
        return "complex64"
    return config.floatx()


def is_float(dtype: Any) -> bool:
    """Tell whether a dtype is a real floating-point type."""
    return standardize_dtype(dtype) in FLOATS


def is_int(dtype: Any) -> bool:
    """Tell whether a dtype is an integer type, signed or not (bool is none)."""
    return standardize_dtype(dtype) in INTS


def float_of(dtype: Any) -> str:
    """Return the floating-point type in which a mathematical function of a dtype is computed."""
    name = standardize_dtype(dtype)
    return name if name in FLOATS or name in COMPLEX else result_type(name, float)
