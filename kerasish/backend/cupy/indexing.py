"""Adding and combining at indices on the GPU, in dtypes for which CuPy has atomic operations.

CuPy 14 adds at indices int32, uint32, uint64, float16, float32 and float64. Its maximum and minimum of float64 go
through float32, and pass over NaN; so extremes are taken of integers that have the order of the floats.
"""

from typing import Any

from kerasish.backend.common.halves import widen
from kerasish.backend.common.indexing import as_index
from kerasish.backend.registry import kernel

ADDED = ("int32", "uint32", "uint64", "float16", "float32", "float64")
SIGN_64 = 1 << 63


def _not_added(table: Any, values: Any, *_: Any, **__: Any) -> bool:
    return table.dtype not in ADDED


@kernel("add_at", device="cupy")
def add_at(table, values, *, index):
    import cupy

    cupy.add.at(table, index, values)


@kernel("add_at", device="cupy", when=_not_added)
def add_at_converted(table, values, *, index):
    """Complex numbers by their parts, int64 as uint64 (sums modulo 2^64 are the same), narrow integers by int32."""
    if table.dtype.kind == "c":
        add_at(table.real, values.real, index=index)
        add_at(table.imag, values.imag, index=index)
    elif table.dtype == "int64":
        add_at(table.view("uint64"), values.astype("int64", copy=False).view("uint64"), index=index)
    else:
        wide = table.astype("int32")
        add_at(wide, values.astype("int32"), index=index)
        table[...] = wide


def _is_extreme(*_: Any, reduction: str, **__: Any) -> bool:
    return reduction != "multiply"


@kernel("combine_item", device="cupy", when=_is_extreme)
def extreme_item(x, values, *arrays, index, reduction):
    """A copy of `x`, in which rows at the index are the larger (or smaller) of themselves and `values`."""
    import cupy

    wide = widen(x)
    keys = _to_keys(cupy, wide, reduction)
    getattr(cupy, reduction).at(keys, as_index(index, arrays), _to_keys(cupy, widen(values), reduction))
    return _from_keys(keys, wide.dtype).astype(x.dtype, copy=False)


def _to_keys(xp, x, reduction):
    """Integers (int32, uint32 or uint64) in the order of `x`; NaN goes to the end that wins."""
    if x.dtype.kind == "f":
        bits, last = _mirrored(x.view(f"i{x.itemsize}")), (1 << 8 * x.itemsize - 1) - 1
        keys = xp.where(xp.isnan(x), bits.dtype.type(last if reduction == "maximum" else -last - 1), bits)
    elif x.dtype in ("int64", "uint32", "uint64"):
        keys = x.copy()
    else:
        keys = x.astype("int32")
    return keys.view("uint64") ^ xp.uint64(SIGN_64) if keys.dtype == "int64" else keys


def _from_keys(keys, dtype):
    if dtype.kind == "f":
        signed = (keys ^ keys.dtype.type(SIGN_64)).view("int64") if dtype.itemsize == 8 else keys
        return _mirrored(signed).view(dtype)
    if dtype == "int64":
        return (keys ^ keys.dtype.type(SIGN_64)).view("int64")
    return keys.astype(dtype)


def _mirrored(bits):
    """The bits of floats as integers of the same order, and back: negative floats count downwards."""
    last = (1 << 8 * bits.itemsize - 1) - 1
    return bits ^ ((bits >> (8 * bits.itemsize - 1)) & bits.dtype.type(last))
