"""Ops that make tensors: filled ones, ranges, grids, windows; and what turns values into tensors and back."""

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.core.dispatch import to_own_tensor, to_tensor
from kerasish.core.dtypes import default_of_python, numpy_dtype, result_type, standardize_dtype
from kerasish.core.op import Card, public, symbolic_door
from kerasish.core.spec import Spec, broadcast_shapes, like
from kerasish.core.symbolic import is_keras_tensor
from kerasish.core.tensor import Tensor
from kerasish.ops.building import as_float, canonical_axis
from kerasish.ops.elementwise import absolute, cast, cos, exp, floor, i0, log, maximum, power, sign, sqrt
from kerasish.ops.joining import concatenate
from kerasish.ops.shape import as_shape, broadcast_to, expand_dims, moveaxis, ravel, reshape

__all__ = [
    "arange", "array", "bartlett", "blackman", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "empty",
    "empty_like", "eye", "full", "full_like", "geomspace", "hamming", "hanning", "identity", "is_tensor", "kaiser",
    "linspace", "logspace", "meshgrid", "ndim", "ones", "ones_like", "shape", "size", "tri", "vander", "view", "zeros",
    "zeros_like",
]

# ---- one value everywhere ----

_full = Card("full", (), spec=lambda *, shape, value, dtype: Spec(shape, dtype))


def _filled(shape: Any, value: Any, dtype: Any) -> Tensor:
    return _full(shape=as_shape(shape), value=value, dtype=numpy_dtype(standardize_dtype(dtype)))


@public
def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of zeros; `floatx` by default."""
    return _filled(shape, 0, dtype)


@public
def ones(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor of ones; `floatx` by default."""
    return _filled(shape, 1, dtype)


@public
def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose values do not matter (zeros); `floatx` by default."""
    return _filled(shape, 0, dtype)


@public
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A tensor filled with a number, or with a tensor that broadcasts to the shape; `floatx` by default."""
    if isinstance(fill_value, bool | int | float | np.number | np.bool_):
        return _filled(shape, np.asarray(fill_value).item(), dtype)
    return broadcast_to(to_tensor(fill_value, standardize_dtype(dtype)), shape)


@public
def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros in the shape of a tensor, and in its dtype unless another is given."""
    return full_like(x, 0, dtype)


@public
def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones in the shape of a tensor, and in its dtype unless another is given."""
    return full_like(x, 1, dtype)


@public
def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """A tensor in the shape and dtype of another, whose values do not matter (zeros)."""
    return full_like(x, 0, dtype)


@public
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """A number, or a tensor that broadcasts, in the shape of a tensor, and in its dtype unless another is given."""
    if not isinstance(x, Tensor):
        x = to_tensor(x)
    return full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype)


# ---- ranges and grids ----

_arange = Card("arange", (), spec=lambda *, start, step, count, dtype: Spec((count,), dtype))
_eye = Card("eye", (), spec=lambda *, rows, columns, k, dtype: Spec((rows, columns), dtype))
_tri = Card("tri", (), spec=lambda *, rows, columns, k, dtype: Spec((rows, columns), dtype))


def _number(value: Any) -> int | float:
    """A Python number, also of a scalar array or tensor with a value."""
    return value if isinstance(value, int | float) else np.asarray(value).item()


@public
def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Numbers from `start` up to, but not including, `stop`, in equal steps.

    Args:
        start: the first number; the end, counted from 0, if `stop` is left out.
        stop: the end.
        step: 1 by default.
        dtype: by default that in which the numbers meet.
    """
    if dtype is None:
        given = [v for v in (start, stop, step) if v is not None]
        dtype = result_type(*[getattr(v, "dtype", type(v)) for v in given])
        if dtype == "int32" and any(isinstance(v, int) and default_of_python(v) == "int64" for v in given):
            dtype = "int64"
    first, last = (0, _number(start)) if stop is None else (_number(start), _number(stop))
    by = 1 if step is None else _number(step)
    if by == 0:
        raise ValueError("argument `step` cannot be 0")
    count = max(0, math.ceil((last - first) / by))
    return _arange(start=first, step=by, count=count, dtype=numpy_dtype(standardize_dtype(dtype)))


@public
def linspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None,
             axis: int = 0) -> Any:
    """Equally spaced values: start + i (stop - start) / (num - 1).

    Args:
        start, stop: the ends; numbers, or tensors that broadcast.
        num: how many values.
        endpoint: whether `stop` is the last of them; else the spacing is (stop - start) / num.
        retstep: whether to return the spacing too.
        dtype: by default the floating-point type in which the ends meet; integers are rounded down.
        axis: where the values stand in the result.
    """
    start, stop = _ends(start, stop)
    count = operator.index(num)
    if count < 0:
        raise ValueError(f"argument `num` must not be negative, got {num}")
    parts = max(count - 1 if endpoint else count, 1)
    step = (stop - start) / parts
    at = reshape(_arange(start=0, step=1, count=count, dtype=start.dtype), (count,) + (1,) * start.ndim)
    out = start + step * at
    if endpoint and count > 1:  # the last value exactly, whatever rounding did
        out = concatenate([out[:-1], expand_dims(stop, 0)])
    out = moveaxis(out, 0, canonical_axis(axis, out.ndim))
    if dtype is not None:
        dtype = standardize_dtype(dtype)
        out = cast(floor(out) if dtype.startswith(("int", "uint")) else out, dtype)
    return (out, step) if retstep else out


def _ends(start: Any, stop: Any) -> tuple[Tensor, Tensor]:
    """Both ends in one shape, and in the floating-point type in which they meet."""
    start, stop = as_float(start, stop)
    shape = broadcast_shapes(start.shape, stop.shape)
    return broadcast_to(start, shape), broadcast_to(stop, shape)


@public
def logspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None,
             axis: int = 0) -> Tensor:
    """Powers of `base` with equally spaced exponents; arguments as in `linspace`."""
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    return cast(power(base, exponents), exponents.dtype if dtype is None else dtype)


@public
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Tensor:
    """Values of equal ratio from `start` to `stop`, which have one sign; other arguments as in `linspace`."""
    start, stop = _ends(start, stop)
    direction = sign(start)
    out = direction * exp(linspace(log(start * direction), log(stop * direction), num, endpoint))
    if num > 0:  # the ends exactly, whatever rounding did
        last = [expand_dims(stop, 0)] if endpoint and num > 1 else []
        out = concatenate([expand_dims(start, 0), out[1 : num - len(last)], *last])
    out = moveaxis(out, 0, canonical_axis(axis, out.ndim))
    return out if dtype is None else cast(out, dtype)


def _length(value: Any, name: str) -> int:
    """An axis length given as an int, or an integer scalar."""
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"argument `{name}` must be an integer, in a tensor or not, got {value!r}") from None


@public
def eye(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Tensor:
    """A matrix (N, M) with ones on its k-th diagonal (0 the main one, positive above it), zeros elsewhere."""
    rows = _length(N, "N")
    columns = rows if M is None else _length(M, "M")
    return _eye(rows=rows, columns=columns, k=int(k), dtype=numpy_dtype(standardize_dtype(dtype)))


@public
def identity(n: Any, dtype: Any = None) -> Tensor:
    """The identity matrix (n, n)."""
    return eye(n, dtype=dtype)


@public
def tri(N: Any, M: Any = None, k: int = 0, dtype: Any = None) -> Tensor:
    """A matrix (N, M) with ones on and below its k-th diagonal, zeros above."""
    rows = _length(N, "N")
    columns = rows if M is None else _length(M, "M")
    return _tri(rows=rows, columns=columns, k=int(k), dtype=numpy_dtype(standardize_dtype(dtype)))


@public
def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of a grid: of vectors, one tensor each that varies along its own axis alone.

    Args:
        x: tensors, which are flattened.
        indexing: "ij" for axes in the order of the vectors, "xy" for the first two exchanged.
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"argument `indexing` must be 'xy' or 'ij', got {indexing!r}")
    vectors = [ravel(v) for v in x]
    order = list(range(len(vectors)))
    if indexing == "xy" and len(vectors) > 1:
        order[:2] = [1, 0]
    lengths = [vectors[i].shape[0] for i in order]
    return [broadcast_to(reshape(v, [n if a == order.index(i) else 1 for a, n in enumerate(lengths)]), lengths)
            for i, v in enumerate(vectors)]


@public
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Tensor:
    """The Vandermonde matrix: powers of a vector, one a column.

    Args:
        x: (n,).
        N: how many columns, by default n.
        increasing: whether powers grow from left to right.
    """
    x = to_tensor(x)
    if x.ndim != 1:
        raise ValueError(f"argument `x` must have one axis, got shape {x.shape}")
    count = x.shape[0] if N is None else int(N)
    powers = arange(count) if increasing else arange(count - 1, -1, -1)
    return power(expand_dims(x, 1), cast(powers, x.dtype))


# ---- windows ----


def _window(x: Any, values: Callable[[Tensor, int], Tensor]) -> Tensor:
    """`values(i, n - 1)` for i = 0..n-1; a single value is 1."""
    # A number of any type says how many points, as in NumPy; `eye` is stricter.
    n = _length(x if isinstance(x, int) else to_tensor(x).astype("int32"), "x")
    if n < 2:
        return ones((max(n, 0),))
    return values(arange(n, dtype=result_type(float)), n - 1)


@public
def bartlett(x: Any) -> Tensor:
    """The Bartlett window of x points: 1 - |2 i / (x - 1) - 1|."""
    return _window(x, lambda i, m: 1 - absolute(2 * i / m - 1))


@public
def hanning(x: Any) -> Tensor:
    """The Hann window of x points: (1 - cos(2 pi i / (x - 1))) / 2."""
    return _window(x, lambda i, m: 0.5 - 0.5 * cos(2 * math.pi / m * i))


@public
def hamming(x: Any) -> Tensor:
    """The Hamming window of x points: 0.54 - 0.46 cos(2 pi i / (x - 1))."""
    return _window(x, lambda i, m: 0.54 - 0.46 * cos(2 * math.pi / m * i))


@public
def blackman(x: Any) -> Tensor:
    """The Blackman window of x points: 0.42 - 0.5 cos(2 pi i / (x - 1)) + 0.08 cos(4 pi i / (x - 1))."""
    return _window(x, lambda i, m: 0.42 - 0.5 * cos(2 * math.pi / m * i) + 0.08 * cos(4 * math.pi / m * i))


@public
def kaiser(x: Any, beta: Any) -> Tensor:
    """The Kaiser window of x points: I0(beta sqrt(1 - (2 i / (x - 1) - 1)^2)) / I0(beta)."""
    beta = to_tensor(beta, result_type(float))
    return _window(x, lambda i, m: i0(beta * sqrt(maximum(1 - (2 * i / m - 1) ** 2, 0))) / i0(beta))


# ---- conversion, and what is known of a tensor ----

_copy = Card("copy", ("x",), spec=like(0), vjp=(lambda g: g,))


def _view_spec(x, *, dtype):
    old, new = x.dtype.itemsize, Spec((), dtype).dtype.itemsize
    if old == new:
        return Spec(x.shape, dtype)
    if not x.shape or x.shape[-1] * old % new:
        raise ValueError(f"the last axis of shape {tuple(x.shape)} ({x.dtype}) does not divide into {dtype} elements")
    return Spec((*x.shape[:-1], x.shape[-1] * old // new), dtype)


_view = Card("view", ("x",), spec=_view_spec)


def convert_to_tensor(x: Any, dtype: Any = None, sparse: Any = None, ragged: Any = None) -> Any:
    """Return a value as a tensor (a symbolic tensor as it is), cast to a dtype if one is given.

    Args:
        x: array, number, nested list, tensor or variable.
        dtype: name of the dtype; by default the value's own, `floatx` or int32 for Python numbers.
        sparse, ragged: must not be True: tensors are dense.
    """
    if sparse or ragged:
        raise ValueError("sparse and ragged tensors are not supported: leave out `sparse` and `ragged`")
    name = None if dtype is None else standardize_dtype(dtype)
    if is_keras_tensor(x):
        return x if name is None or x.dtype == name else cast(x, name)
    return to_own_tensor(x, name)


def array(x: Any, dtype: Any = None) -> Any:
    """Return a value as a tensor that shares no memory with what may still be written to."""
    return convert_to_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray:
    """Return the values of a tensor as a NumPy array of their own."""
    return np.array(x if isinstance(x, np.ndarray) else to_tensor(x))


def is_tensor(x: Any) -> bool:
    """Tell whether a value is a tensor (arrays, variables and symbolic tensors are none)."""
    return isinstance(x, Tensor)


def shape(x: Any) -> tuple[int | None, ...]:
    """Length of each axis; None where a symbolic tensor leaves it open."""
    return tuple(_described(x).shape)


def dtype(x: Any) -> str:
    """Name of the dtype."""
    return standardize_dtype(_described(x).dtype)


def ndim(x: Any) -> int:
    """Number of axes."""
    return len(_described(x).shape)


def size(x: Any) -> Any:
    """Number of elements: an int, or a symbolic scalar for a symbolic tensor."""
    if symbolic_door["holds"](x):
        return _size_node(x)
    return math.prod(_described(x).shape)


@public(name="size")
def _size_node(x: Any) -> Tensor:
    return to_tensor(math.prod(_described(x).shape), "int32")


_size_node.__name__ = "size"  # what the node is called in a graph and in files


def _described(x: Any) -> Any:
    return x if hasattr(x, "shape") and hasattr(x, "dtype") else to_tensor(x)


@public
def copy(x: Any) -> Tensor:
    """A copy of a tensor."""
    return _copy(x)


@public
def view(x: Any, dtype: Any = None) -> Tensor:
    """Read the bytes of a tensor as another dtype; the last axis changes length if element sizes differ."""
    x = to_tensor(x)
    return x if dtype is None else _view(x, dtype=standardize_dtype(dtype))
