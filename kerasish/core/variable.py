"""The variable: a tensor that can be assigned to, with a name and a path."""

from typing import Any

import numpy as np

from kerasish.core import dtypes
from kerasish.core.dispatch import eager_scope, state, to_own_tensor, to_tensor
from kerasish.core.name_scope import current_path
from kerasish.core.tensor import OPS, Tensor, TensorOperators
from kerasish.utils import naming


class NoVariableError(RuntimeError):
    """A variable was to be made while a program is traced."""


_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")


class Variable(TensorOperators):
    """A tensor that can be assigned to (Keras: `Variable`).

    Args:
        initializer: the first value, or a function of (shape, dtype=...) that gives it.
        shape: lengths of the axes; needed when `initializer` is a function.
        dtype: by default `floatx`, or the dtype of the first value.
        trainable: whether `trainable_variables` lists it and tapes watch it.
        autocast: whether it is read in the compute dtype of the layer that reads it.
        aggregation: how replicas' values join: "none", "mean", "sum", "only_first_replica".
        synchronization: kept for Keras's sake.
        name: one part of a path; unique names are made when it is left out.
        layout: kept for Keras's sake.

    Raises:
        ValueError: the name has a slash, or a function came without a shape.
    """

    name: str
    path: str
    aggregation: str | None
    synchronization: str | None
    regularizer: Any
    constraint: Any
    overwrite_with_gradient: bool

    def __init__(self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True,
                 autocast: bool = True, aggregation: str | None = "none", synchronization: str | None = "auto",
                 name: str | None = None, layout: Any = None, **kwargs: Any):
        if kwargs:
            raise TypeError(f"Variable got unexpected arguments {sorted(kwargs)}")
        name = name or naming.auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"argument `name` must be a string without '/', got {name!r}")
        if aggregation not in _AGGREGATIONS:
            raise ValueError(f"argument `aggregation` must be one of {_AGGREGATIONS}, got {aggregation!r}")
        if getattr(state.variables, "refuses_variables", False):
            raise NoVariableError(f"variable {name!r} is made while a program is traced, which would make it once, not "
                                  "at every call: make variables in a constructor, in `build`, or before")
        self.name = name
        parent = current_path()
        self.path = f"{parent}/{name}" if parent else name
        self._trainable = bool(trainable)
        self.autocast, self.aggregation, self.synchronization = bool(autocast), aggregation, synchronization
        self.regularizer = self.constraint = None
        self.overwrite_with_gradient = False
        self._value = _first_value(initializer, shape, dtype)
        self._shape = self._value.shape
        self._dtype = dtypes.standardize_dtype(self._value.dtype)

    shape = property(lambda self: self._shape, doc="Length of each axis.")
    dtype = property(lambda self: self.read_dtype, doc="Name of the dtype in which it is read now.")
    ndim = property(lambda self: len(self._shape), doc="Number of axes.")
    size = property(lambda self: int(np.prod(self._shape)), doc="Number of elements.")

    @property
    def handle(self) -> Tensor:
        """The tensor of the current value (Keras: `Variable.handle`)."""
        return self._value

    @property
    def trainable(self) -> bool:
        """Whether training changes it."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)

    @property
    def read_dtype(self) -> str:
        """Name of the dtype in which it is read in the present autocast scope."""
        if state.autocast is not None and self.autocast and dtypes.is_float(self._dtype):
            return state.autocast
        return self._dtype

    @property
    def value(self) -> Tensor:
        """The current value as a tensor, recorded by tapes."""
        return self.read_tensor()

    def read_tensor(self) -> Tensor:
        """Return the current value in the present context: what ops see of the variable."""
        raw = self._value if state.variables is None else state.variables.read(self)
        for tape in state.tapes:
            tape.touch(self, raw)
        dtype = self.read_dtype
        return raw if dtype == self._dtype else OPS["cast"](raw, dtype)

    def assign(self, value: Any) -> Tensor:
        """Give the variable a new value of its own shape; it is cast to its dtype.

        Raises:
            ValueError: the shape differs.
        """
        value = value if type(value) is Tensor else to_own_tensor(value)
        if value.shape != self._shape:
            raise ValueError(f"variable {self.path!r} has shape {self._shape} and cannot be assigned a value of "
                             f"shape {value.shape}")
        if value.data.dtype != self._value.data.dtype:
            value = OPS["cast"](value, self._dtype)
        if state.variables is not None:
            state.variables.assign(self, value)
        elif not value.is_concrete:
            value.numpy()
        else:
            self._value = value
        return value

    def assign_add(self, value: Any) -> Tensor:
        """Add to the variable."""
        return self.assign(OPS["add"](self._stored(), value))

    def assign_sub(self, value: Any) -> Tensor:
        """Subtract from the variable."""
        return self.assign(OPS["subtract"](self._stored(), value))

    def _stored(self) -> Tensor:
        return self._value if state.variables is None else state.variables.read(self)

    def numpy(self) -> np.ndarray:
        """Return a copy of the values as a NumPy array."""
        return np.array(self._stored().numpy())

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"variable {self.path!r} cannot become an array without a copy: it may be assigned to")
        out = self._stored().numpy()
        return np.array(out, dtype=dtype or out.dtype)

    def __pos__(self) -> Tensor:
        return self.read_tensor()

    def item(self) -> Any:
        """Return the only element as a Python scalar."""
        return self._stored().item()

    __eq__ = Tensor.__eq__  # type: ignore[assignment]
    __hash__ = object.__hash__

    def __len__(self) -> int:
        return len(self._stored())

    def __iter__(self):
        return iter(self.read_tensor())

    def __bool__(self) -> bool:
        return bool(self._stored())

    def __int__(self) -> int:
        return int(self._stored())

    def __float__(self) -> float:
        return float(self._stored())

    def __index__(self) -> int:
        return self._stored().__index__()

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self._shape}, dtype={self._dtype}, value={np.asarray(self)}>"


def _first_value(initializer: Any, shape: Any, dtype: Any) -> Tensor:
    with eager_scope():
        if callable(initializer) and not isinstance(initializer, Tensor | Variable):
            if shape is None:
                raise ValueError("argument `shape` is needed when `initializer` is a function")
            shape = tuple(int(n) for n in ((shape,) if isinstance(shape, int) else shape))
            dtype = dtypes.standardize_dtype(dtype)
            value = to_tensor(initializer(shape, dtype=dtype), dtype)
        else:
            value = to_own_tensor(initializer, None if dtype is None else dtypes.standardize_dtype(dtype))
        if shape is not None and value.shape != tuple(shape if not isinstance(shape, int) else (shape,)):
            raise ValueError(f"the first value has shape {value.shape}, but argument `shape` says {tuple(shape)}")
    return value
