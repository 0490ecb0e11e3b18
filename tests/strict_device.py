"""A device that refuses what CuPy refuses: the GPU's stand-in where there is none.

Its arrays are NumPy's in a wrapper, so numbers are NumPy's; what differs between NumPy and CuPy in how arrays
may be used is as in CuPy:

- nothing becomes a NumPy array unasked (`__array__` raises), and NumPy arrays, also those without axes, are no
  operands; Python and NumPy scalars are;
- only names and parameters that CuPy has (`cupy_names.txt`), no `where=` or `initial=`;
- ufuncs, reductions, `where` and `round` have CuPy's loops, found as CuPy finds them, and their result's dtype;
  all other arithmetic refuses bfloat16;
- results without axes stay arrays, and an array is no index (`__index__`);
- `ufunc.at` only where and for the dtypes for which CuPy has an atomic operation;
- no strings, objects or dates; copies to and from the host share no memory.

What it cannot show: whether a CUDA kernel compiles and is right, float results that differ in the last digits,
what is undefined on a GPU (a NaN made an integer, races), indices out of bounds (CuPy wraps them around, here
they raise), errors that CuPy's linear algebra does not raise, streams, memory and speed.
"""

import contextlib
import inspect
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import ml_dtypes
import numpy as np

from kerasish.backend import device, registry

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
SCALARS = (bool, int, float, complex)
HOST = (np.ndarray,)
# Functions that move elements, or only look at shapes and dtypes: they take any dtype.
MOVES = {
    "arange", "array", "asarray", "ascontiguousarray", "atleast_1d", "broadcast_arrays", "broadcast_to",
    "concatenate", "copy", "copyto", "diagonal", "empty", "empty_like", "expand_dims", "eye", "flip", "full",
    "full_like", "moveaxis", "ones", "ones_like", "ravel", "repeat", "reshape", "roll", "split", "squeeze", "stack",
    "swapaxes", "take", "take_along_axis", "tile", "transpose", "tri", "tril", "triu", "zeros", "zeros_like",
    "lib.stride_tricks.as_strided", "shape", "ndim", "size", "result_type", "can_cast",
}  # fmt: skip
ATOMIC = {
    "add": ("int32", "uint32", "uint64", "float16", "float32", "float64"),
    "max": ("int32", "uint32", "uint64", "float32", "float64"),
    "min": ("int32", "uint32", "uint64", "float32", "float64"),
}
# Members of arrays that are the module's functions of the same name.
BY_FUNCTION = {
    "all", "any", "argmax", "argmin", "argpartition", "argsort", "clip", "conj", "conjugate", "cumprod", "cumsum",
    "diagonal", "max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "searchsorted", "squeeze", "std",
    "sum", "swapaxes", "take", "trace", "var",
}  # fmt: skip
VIEWS = {"T", "mT", "real", "imag", "base"}
PLAIN = {"shape", "dtype", "ndim", "size", "strides", "itemsize", "nbytes", "flags"}
METHODS = {"astype", "copy", "fill", "flatten", "reshape", "tobytes", "transpose", "view"}


@cache
def names() -> dict[str, list[str]]:
    """What CuPy's namespace holds: kind, signature, loops, atomic operation, by name."""
    lines = Path(__file__).with_name("cupy_names.txt").read_text().splitlines()[1:]
    rows = (line.split("\t") for line in lines)
    return {row[0]: row[1:] + [""] * (5 - len(row)) for row in rows}


def check_dtype(dtype: Any) -> None:
    """Refuse dtypes that CuPy has not."""
    if dtype is not None and np.dtype(dtype) != BFLOAT16 and np.dtype(dtype).kind not in "biufc":
        raise ValueError(f"Unsupported dtype {np.dtype(dtype)}")


def unwrap(x: Any) -> Any:
    """What NumPy is to be given for an argument: host arrays are refused."""
    if type(x) is StrictArray:
        return x._a
    if isinstance(x, HOST):
        raise TypeError(f"Unsupported type {type(x)}")
    if isinstance(x, (list, tuple)) and any(isinstance(e, (StrictArray, *HOST, list, tuple)) for e in x):
        return type(x)(map(unwrap, x))
    return x


def wrap(x: Any) -> Any:
    """NumPy's result as CuPy would hand it back."""
    if isinstance(x, (np.ndarray, np.generic)):
        return StrictArray(np.asarray(x))
    return tuple(map(wrap, x)) if isinstance(x, (list, tuple)) else x


def arrays_in(x: Any) -> Any:
    """The arrays among the arguments."""
    if isinstance(x, np.ndarray):
        yield x
    elif isinstance(x, (list, tuple)):
        for e in x:
            yield from arrays_in(e)


# ---- Loops ------------------------------------------------------------------------------------


def _score(kind: type) -> int:
    if issubclass(kind, np.bool_):
        return 0
    return 1 if issubclass(kind, (np.integer, int)) else 2 if issubclass(kind, (np.inexact, float, complex)) else 3


def _stays(weak: type, dtype: np.dtype) -> bool:
    try:
        return np.result_type(weak(0), dtype) == dtype
    except TypeError:
        return False


@cache
def _loop(name: str, dtypes: tuple, weaks: tuple) -> tuple[list, list]:
    """The first loop that takes operands of the dtypes; Python scalars are weak, as CuPy has it."""
    strong = [_score(d.type) for d, w in zip(dtypes, weaks) if w is None]
    soft = [_score(w) for w in weaks if w is not None]
    if not (strong and soft and max(strong) >= max(soft)):
        weaks = (None,) * len(weaks)
    for text in names()[name][2].split():
        inputs, outputs = ([np.dtype(BFLOAT16 if c == "E" else c) for c in side] for side in text.split("->"))
        if all(np.can_cast(d, i) or w is not None and _stays(w, i) for d, i, w in zip(dtypes, inputs, weaks)):
            return inputs, outputs
    raise TypeError(f"Wrong type ({', '.join(map(str, dtypes))}) of arguments for cupy_{name}")


def _dtype_of(x: Any) -> tuple[np.dtype, type | None]:
    if type(x) in SCALARS:
        return np.asarray(x).dtype, None if type(x) is bool else type(x)
    if isinstance(x, (np.ndarray, np.generic)):
        check_dtype(x.dtype)
        return x.dtype, None
    raise TypeError(f"Unsupported type {type(x)}")


def _store(result: np.ndarray, out: Any) -> Any:
    if out is None:
        return StrictArray(result)
    np.copyto(out._a, result, casting="same_kind")
    return out


class Ufunc:
    """A ufunc: its loops, `out=`, `dtype=`, and `at` where there are atomic operations."""

    def __init__(self, name: str):
        self.name, self.function, self.atomic = name, getattr(np, name), names()[name][3]

    def __call__(self, *args: Any, out: Any = None, dtype: Any = None) -> Any:
        values = [unwrap(x) for x in args]
        kinds = [_dtype_of(x) for x in values]
        inputs, outputs = _loop(self.name, tuple(k for k, _ in kinds), tuple(w for _, w in kinds))
        if dtype is not None:
            inputs, outputs = [np.dtype(dtype)] * len(inputs), [np.dtype(dtype)] * len(outputs)
        with np.errstate(all="ignore"):
            values = [np.asarray(v).astype(i, copy=False) for v, i in zip(values, inputs, strict=True)]
            if self.function is np.ldexp and inputs[0] == BFLOAT16:
                values[0] = values[0].astype("float32")
            result = self.function(*values)
            if len(outputs) > 1:
                return tuple(StrictArray(np.asarray(r).astype(o, copy=False)) for r, o in zip(result, outputs))
            return _store(np.asarray(result).astype(outputs[0], copy=False), out)

    def at(self, a: Any, indices: Any, b: Any) -> None:
        if not self.atomic:
            raise NotImplementedError(f"`cupy_{self.name}.at` is not supported yet")
        if a.dtype not in map(np.dtype, ATOMIC.get(self.atomic, ())):
            raise TypeError(f"scatter_{self.atomic} does not support {a.dtype}")
        self.function.at(a._a, unwrap(indices), np.asarray(unwrap(b)).astype(a.dtype))


class Function:
    """A function of the module: its signature, and the dtypes it takes."""

    def __init__(self, name: str):
        self.name, self.table = name, names()[name][2]
        self.function: Any = np
        for part in name.split("."):
            self.function = getattr(self.function, part)
        self.signature = _signature(names()[name][1])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        bound = self.signature.bind(*args, **kwargs).arguments
        check_dtype(kwargs.get("dtype"))
        if self.name in ("asarray", "array"):
            return self._from_host(*args, **kwargs)
        if self.name == "repeat" and isinstance(bound["repeats"], StrictArray):
            raise ValueError("cupy.repeat takes an int or a sequence of ints")
        out = kwargs.pop("out", None)
        values, named = [unwrap(x) for x in args], {k: unwrap(v) for k, v in kwargs.items()}
        self._check(values)
        if self.name in ("max", "min", "argmax", "argmin") and not values[0].size:
            raise ValueError(f"zero-size array to reduction operation cupy_{self.name} which has no identity")
        with np.errstate(all="ignore"):
            result = self._run(values, named)
        if out is None:
            return wrap(result)
        if out.shape != np.shape(result):
            raise ValueError(f"out has shape {out.shape}, the result {np.shape(result)}")
        return _store(np.asarray(result), out)

    def _check(self, values: list) -> None:
        for a in arrays_in(values):
            check_dtype(a.dtype)
            if a.dtype == BFLOAT16 and self.name not in MOVES and not self.table:
                raise TypeError(f"cupy.{self.name} has no bfloat16")
            if self.name.startswith("linalg.") and a.dtype.char not in "fdFD?bBhHiIlLqQ":
                raise TypeError(f"cupy.{self.name} has no {a.dtype}")

    def _run(self, values: list, named: dict) -> Any:
        if not self.table:
            return self.function(*values, **named)
        operands = values if self.name == "where" else values[:1]
        if self.name == "where":
            operands[0] = np.asarray(operands[0]).astype(bool)
        wanted = named.get("dtype") if self.name in ("sum", "prod") else None
        kinds = [(np.dtype(wanted), None)] if wanted is not None else [_dtype_of(x) for x in operands]
        kinds += [(np.dtype("int64"), None)] if self.name == "round" else []
        inputs, outputs = _loop(self.name, tuple(k for k, _ in kinds), tuple(w for _, w in kinds))
        cast = [np.asarray(x).astype(i, copy=False) for x, i in zip(operands, inputs)]
        narrow = self.name in ("sum", "prod") and cast[0].dtype == BFLOAT16
        result = self.function(cast[0].astype("float32") if narrow else cast[0], *cast[1:], *values[len(cast):], **{
            k: v for k, v in named.items() if not (narrow and k == "dtype")})
        if self.name in ("sum", "prod") and wanted is None:
            return result  # integers are summed in 64 bits, as NumPy does
        return np.asarray(result).astype(outputs[0], copy=False)

    def _from_host(self, a: Any, dtype: Any = None, copy: Any = None) -> Any:
        if type(a) is StrictArray:
            same = (dtype is None or a.dtype == dtype) and not (copy or self.name == "array")
            return a if same else StrictArray(np.array(a._a, dtype=dtype))
        if isinstance(a, (list, tuple)):
            a = unwrap(a)
        made = np.array(a, dtype=dtype)
        check_dtype(made.dtype)
        return StrictArray(made)


def _signature(text: str) -> inspect.Signature:
    parameters, kind = [], inspect.Parameter.POSITIONAL_OR_KEYWORD
    for word in text.split():
        if word.startswith("**"):
            parameters.append(inspect.Parameter(word[2:], inspect.Parameter.VAR_KEYWORD))
            continue
        if word.startswith("*"):
            if len(word) > 1:
                parameters.append(inspect.Parameter(word[1:], inspect.Parameter.VAR_POSITIONAL))
            kind = inspect.Parameter.KEYWORD_ONLY
            continue
        default = None if word.endswith("=") else inspect.Parameter.empty
        parameters.append(inspect.Parameter(word.rstrip("="), kind, default=default))
    return inspect.Signature(parameters)


class Module:
    """CuPy's namespace, computed by NumPy."""

    def __init__(self, name: str = "cupy", prefix: str = ""):
        self.__name__, self._prefix = name, prefix

    def __getattr__(self, name: str) -> Any:
        full = self._prefix + name
        if full in ("linalg", "fft", "lib", "lib.stride_tricks"):
            found: Any = Module(f"cupy.{full}", f"{full}.")
        elif full in ("ogrid", "mgrid"):
            found = Grid(getattr(np, full))
        elif full == "ndarray":
            found = StrictArray
        elif full == "broadcast":
            found = lambda *arrays: np.broadcast(*map(unwrap, arrays))
        else:
            kind = names().get(full, [None])[0]
            if kind is None or not self._prefix and not hasattr(np, name):
                raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
            found = Ufunc(full) if kind == "ufunc" else Function(full) if kind == "function" else getattr(np, name)
        setattr(self, name, found)
        return found

    def asnumpy(self, a: Any) -> np.ndarray:
        """A copy on the host."""
        return a.get() if type(a) is StrictArray else np.array(a)


class Grid:
    """`ogrid` and `mgrid`."""

    def __init__(self, grid: Any):
        self.grid = grid

    def __getitem__(self, key: Any) -> Any:
        return wrap(self.grid[key])


# ---- Arrays -----------------------------------------------------------------------------------


def _binary(name: str, reflected: bool = False) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return getattr(STRICT, name)(*((other, self) if reflected else (self, other)))

    return operator


def _in_place(name: str) -> Any:
    def operator(self: Any, other: Any) -> Any:
        return getattr(STRICT, name)(self, other, out=self)

    return operator


def _index(key: Any) -> Any:
    """An index for NumPy: CuPy copies integers and booleans of the host, and no array is an integer."""
    parts = key if type(key) is tuple else (key,)
    found = tuple(p if isinstance(p, HOST) else unwrap(p) for p in parts)
    return found if type(key) is tuple else found[0]


class StrictArray:
    """An array of the stand-in."""

    __slots__ = ("_a", "__weakref__")
    __hash__ = None  # type: ignore[assignment]
    __array_ufunc__ = None
    __cuda_array_interface__ = property(lambda self: {"version": 3})

    def __init__(self, a: np.ndarray):
        object.__setattr__(self, "_a", a)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` to construct a "
                        "NumPy array explicitly.")

    def get(self) -> np.ndarray:
        """A copy on the host."""
        return self._a.copy()

    def item(self, *args: Any) -> Any:
        return self._a.item(*args)

    def tolist(self) -> Any:
        return self._a.tolist()

    def __dlpack__(self, **_: Any) -> Any:
        raise BufferError("an array of the device cannot be read on the host")

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def __getattr__(self, name: str) -> Any:
        if name in PLAIN:
            return getattr(self._a, name)
        if f"ndarray.{name}" not in names():
            raise AttributeError(f"'cupy.ndarray' object has no attribute {name!r}")
        if name in VIEWS:
            return wrap(getattr(self._a, name))
        if name in BY_FUNCTION:
            return lambda *args, **kwargs: getattr(STRICT, name)(self, *args, **kwargs)
        if name in METHODS:
            return lambda *args, **kwargs: self._call(name, *args, **kwargs)
        raise NotImplementedError(f"the strict device has no ndarray.{name}")

    def _call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        if name in ("astype", "view"):
            check_dtype(kwargs.get("dtype", args[0] if args else None))
        if name == "reshape" and not args and "shape" in kwargs:
            raise TypeError("cupy.ndarray.reshape takes its shape by position")
        with np.errstate(all="ignore"):
            return wrap(getattr(self._a, name)(*map(unwrap, args), **{k: unwrap(v) for k, v in kwargs.items()}))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in ("real", "imag", "shape"):
            raise AttributeError(f"'cupy.ndarray' object attribute {name!r} is read-only")
        setattr(self._a, name, unwrap(value))

    def __getitem__(self, key: Any) -> Any:
        return wrap(self._a[_index(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        with np.errstate(all="ignore"):
            self._a[_index(key)] = unwrap(value)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self)))

    def __len__(self) -> int:
        return len(self._a)

    def __bool__(self) -> bool:
        return bool(self._a)

    def __int__(self) -> int:
        return int(self._a)

    def __float__(self) -> float:
        return float(self._a)

    def __complex__(self) -> complex:
        return complex(self._a)

    def __repr__(self) -> str:
        return f"strict {self._a!r}"

    def __deepcopy__(self, memo: dict) -> "StrictArray":
        return StrictArray(self._a.copy())

    def __reduce__(self) -> Any:
        return StrictArray, (self._a,)

    def __neg__(self) -> Any:
        return STRICT.negative(self)

    def __invert__(self) -> Any:
        return STRICT.invert(self)

    def __abs__(self) -> Any:
        return STRICT.absolute(self)

    def __matmul__(self, other: Any) -> Any:
        return STRICT.matmul(self, other)


_OPERATORS = {
    "add": "add", "sub": "subtract", "mul": "multiply", "truediv": "divide", "floordiv": "floor_divide", "mod": "mod",
    "pow": "power", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor", "lshift": "left_shift",
    "rshift": "right_shift",
}  # fmt: skip
for _short, _long in _OPERATORS.items():
    setattr(StrictArray, f"__{_short}__", _binary(_long))
    setattr(StrictArray, f"__r{_short}__", _binary(_long, True))
    setattr(StrictArray, f"__i{_short}__", _in_place(_long))
for _short, _long in {"lt": "less", "le": "less_equal", "gt": "greater", "ge": "greater_equal", "eq": "equal",
                      "ne": "not_equal"}.items():
    setattr(StrictArray, f"__{_short}__", _binary(_long))

STRICT = Module()


class StrictDevice(device.Device):
    """The stand-in, under CuPy's name in the kernel table."""

    def __init__(self) -> None:
        super().__init__("cupy", STRICT, StrictArray)

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        return self.xp.asarray(x, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        return self.xp.asnumpy(array)


# Kernels written in CUDA: the common ones stand in for them.
IN_CUDA = ("random_words",)


@contextlib.contextmanager
def strict() -> Iterator[StrictDevice]:
    """Run ops on the stand-in: it is the device "cupy", and `import cupy` in a kernel gives its module."""
    made, before = StrictDevice(), device._current[0]
    tables = registry._candidates, registry._resolved
    without = {("cupy", name): [] for name in IN_CUDA}
    had = sys.modules.get("cupy")
    with (mock.patch.dict(device._loaded, cupy=made), mock.patch.dict(tables[0], without),
          mock.patch.dict(tables[1], cupy={})):
        device._current[0], sys.modules["cupy"] = made, STRICT  # type: ignore[assignment]
        try:
            yield made
        finally:
            device._current[0] = before
            sys.modules.pop("cupy")
            if had is not None:
                sys.modules["cupy"] = had
