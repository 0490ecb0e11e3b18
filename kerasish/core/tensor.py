"""The tensor: an immutable array on the current device, or a spec that stands for one."""

import contextlib
import itertools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.core.spec import Spec

_uids = itertools.count()
# The public ops by name: operators look themselves up here, because ops are built on tensors.
OPS: dict[str, Callable[..., Any]] = {}


class NoValueError(TypeError):
    """The value of a tensor was asked for while shapes are inferred or a program is traced."""


class _Text(threading.local):
    refused = False


_text = _Text()


@contextlib.contextmanager
def refusing_text() -> Iterator[None]:
    """Raise NoValueError where a tensor without values is printed: a program that is replayed would not print."""
    before, _text.refused = _text.refused, True
    try:
        yield
    finally:
        _text.refused = before


def _operator(name: str, reflected: bool = False):
    if reflected:
        return lambda self, other: OPS[name](other, self)
    return lambda self, other: OPS[name](self, other)


class TensorOperators:
    """The Python operators, each of which calls the op of its name."""

    __slots__ = ()
    # Larger than NumPy's, so that `array + tensor` becomes a tensor.
    __array_priority__ = 1000

    __add__, __radd__ = _operator("add"), _operator("add", True)
    __sub__, __rsub__ = _operator("subtract"), _operator("subtract", True)
    __mul__, __rmul__ = _operator("multiply"), _operator("multiply", True)
    __truediv__, __rtruediv__ = _operator("divide"), _operator("divide", True)
    __floordiv__, __rfloordiv__ = _operator("floor_divide"), _operator("floor_divide", True)
    __mod__, __rmod__ = _operator("mod"), _operator("mod", True)
    __pow__, __rpow__ = _operator("power"), _operator("power", True)
    __matmul__, __rmatmul__ = _operator("matmul"), _operator("matmul", True)
    __and__, __rand__ = _operator("logical_and"), _operator("logical_and", True)
    __or__, __ror__ = _operator("logical_or"), _operator("logical_or", True)
    __xor__, __rxor__ = _operator("logical_xor"), _operator("logical_xor", True)
    __lt__, __le__ = _operator("less"), _operator("less_equal")
    __gt__, __ge__ = _operator("greater"), _operator("greater_equal")
    __ne__ = _operator("not_equal")  # type: ignore[assignment]

    T = property(lambda self: OPS["transpose"](self), doc="The tensor with its axes reversed.")

    def __neg__(self):
        return OPS["negative"](self)

    def __pos__(self):
        return self

    def __abs__(self):
        return OPS["absolute"](self)

    def __invert__(self):
        return OPS["logical_not"](self)

    def __round__(self, ndigits=None):
        return OPS["round"](self, decimals=ndigits or 0)

    def __getitem__(self, key):
        return OPS["get_item"](self, key)


class Tensor(TensorOperators):
    """An immutable n-dimensional array.

    Attributes:
        data: the raw array of the device, or a `Spec` while shapes are inferred or a program is traced.
        uid: a number that no other tensor has; tapes know tensors by it.
    """

    __slots__ = ("data", "uid", "_keras_mask", "__weakref__")

    def __init__(self, data: Any):
        self.data = data
        self.uid = next(_uids)

    shape = property(lambda self: tuple(self.data.shape), doc="Length of each axis.")
    dtype = property(lambda self: self.data.dtype, doc="The NumPy dtype; equal to its name as a string.")
    ndim = property(lambda self: len(self.data.shape), doc="Number of axes.")
    size = property(lambda self: self.data.size, doc="Number of elements.")
    __eq__ = _operator("equal")  # type: ignore[assignment]
    __hash__ = object.__hash__

    @property
    def is_concrete(self) -> bool:
        """Whether the tensor has values now."""
        return type(self.data) is not Spec

    def numpy(self) -> np.ndarray:
        """Return the values as a NumPy array (of the tensor's own memory on the CPU: do not write to it).

        Raises:
            NoValueError: the tensor has no values yet.
        """
        if type(self.data) is Spec:
            raise NoValueError(
                f"this {self.data} tensor has no values yet: shapes are being inferred, or a program is being "
                "traced. Use kerasish.ops instead of NumPy, Python branches and int()/float() here, or run eagerly."
            )
        return device.current().to_numpy(self.data)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        out = self.numpy()
        if dtype is not None and out.dtype != np.dtype(dtype):
            if copy is False:
                raise ValueError(f"a {self.dtype} tensor cannot become {np.dtype(dtype)} without a copy")
            return out.astype(dtype)
        return out.copy() if copy or copy is None else out

    def __dlpack__(self, **keywords: Any) -> Any:
        self.numpy()  # raises for a tensor without values
        return self.data.__dlpack__(**keywords)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.data.__dlpack_device__()

    def item(self) -> Any:
        """Return the only element as a Python scalar."""
        return self.numpy().item()

    def tolist(self) -> Any:
        """Return the values as nested lists."""
        return self.numpy().tolist()

    def astype(self, dtype: Any) -> "Tensor":
        """Return the tensor cast to a dtype."""
        return OPS["cast"](self, dtype)

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("a tensor without axes has no length")
        return self.shape[0]

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __complex__(self) -> complex:
        return complex(self.numpy())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self.shape and spec else str(self)

    def __deepcopy__(self, memo: dict) -> "Tensor":
        return self

    def __reduce__(self):
        return _from_numpy, (self.numpy(),)

    def __repr__(self) -> str:
        if type(self.data) is Spec and not _text.refused:
            return f"<Tensor {self.data}>"
        body = np.array2string(self.numpy(), separator=", ", prefix="Tensor(")
        return f"Tensor({body}, dtype={self.dtype.name})"


def _from_numpy(array: np.ndarray) -> Tensor:
    return Tensor(device.current().asarray(array))
