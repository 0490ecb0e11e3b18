"""The variable: a tensor that can be assigned to, with a name and a path."""

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from kerasish.core import dtypes
from kerasish.core.dispatch import eager_scope, state, to_own_tensor, to_tensor
from kerasish.core.name_scope import current_path
from kerasish.core.tensor import OPS, Tensor, TensorOperators
from kerasish.utils import naming


class NoVariableError(RuntimeError):
    """A variable was to be made while a program is traced."""


_CHOICES = {
    "aggregation": (None, "none", "mean", "sum", "only_first_replica"),
    "synchronization": (None, "none", "on_read", "on_write", "auto"),
}


class Variable(TensorOperators):
    """A tensor that can be assigned to (Keras: `Variable`).

    Args:
        initializer: the first value, or a function of (shape, dtype=...) that gives it, or an initializer's name.
        shape: lengths of the axes; needed when a function gives the first value.
        dtype: by default `floatx`, or the dtype of the first value.
        trainable: whether `trainable_variables` lists it and tapes watch it.
        autocast: whether it is read in the compute dtype of the layer that reads it.
        aggregation: how replicas' values join: "none", "mean", "sum", "only_first_replica".
        synchronization: kept for Keras's sake.
        name: one part of a path; unique names are made when it is left out.
        layout: kept for Keras's sake.

    Raises:
        ValueError: the name has a slash, a function came without a shape, or a choice is unknown.
    """

    name: str
    path: str
    aggregation: str | None
    synchronization: str | None
    find_initializer: ClassVar[Callable[[str], Any]]  # set by the initializers, which are above this floor

    def __init__(self, initializer: Any, shape: Any = None, dtype: Any = None, trainable: bool = True,
                 autocast: bool = True, aggregation: str | None = "none", synchronization: str | None = "auto",
                 name: str | None = None, layout: Any = None, **kwargs: Any):
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of Variable")
        name = name or naming.auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Argument `name` must be a string: it cannot contain character `/`, got {name!r}")
        for argument, value in (("aggregation", aggregation), ("synchronization", synchronization)):
            if value not in _CHOICES[argument]:
                raise ValueError(f"Invalid value for argument `{argument}`: it must be one of {_CHOICES[argument]}, "
                                 f"got {value!r}")
        if getattr(state.variables, "refuses_variables", False):
            raise NoVariableError(f"variable {name!r} is made while a program is traced, which would make it once, not "
                                  "at every call: make variables in a constructor, in `build`, or before")
        self.name = name
        parent = current_path()
        self.path = f"{parent}/{name}" if parent else name
        self._trainable = bool(trainable)
        self.autocast = bool(autocast)
        self.aggregation, self.synchronization = aggregation or "none", synchronization or "none"
        self._regularizer = self._constraint = None
        self._overwrite_with_gradient = False
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
    def regularizer(self) -> Any:
        """The function of its value that adds to the loss, or None."""
        return self._regularizer

    @regularizer.setter
    def regularizer(self, value: Any) -> None:
        self._regularizer = _callable_or_none(value, "regularizer")

    @property
    def constraint(self) -> Any:
        """The function that puts its value right after each update, or None."""
        return self._constraint

    @constraint.setter
    def constraint(self, value: Any) -> None:
        self._constraint = _callable_or_none(value, "constraint")

    @property
    def overwrite_with_gradient(self) -> bool:
        """Whether an optimizer replaces its value by the gradient."""
        return self._overwrite_with_gradient

    @overwrite_with_gradient.setter
    def overwrite_with_gradient(self, value: bool) -> None:
        if not isinstance(value, bool):
            raise TypeError(f"attribute `overwrite_with_gradient` must be a boolean, got {value!r}")
        self._overwrite_with_gradient = value

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
                             f"shape {value.shape}: they must match")
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
        if self.size != 1:
            raise TypeError(f"a variable of shape {self._shape} cannot be used as a boolean: reduce it, by ops.any or "
                            "ops.all")
        return bool(self._stored())

    def __int__(self) -> int:
        return int(self._stored())

    def __float__(self) -> float:
        return float(self._stored())

    def __index__(self) -> int:
        return self._stored().__index__()

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self._shape}, dtype={self._dtype}, value={np.asarray(self)}>"


def _callable_or_none(value: Any, attribute: str) -> Any:
    if value is not None and not callable(value):
        raise ValueError(f"Invalid value for attribute `{attribute}` of a variable: it must be a function or None, "
                         f"got {value!r}")
    return value


def _full_shape(shape: Any) -> tuple[int, ...]:
    lengths = (shape,) if hasattr(shape, "__index__") else tuple(shape)
    if not all(hasattr(n, "__index__") and n >= 0 for n in lengths):
        raise ValueError(f"the shape of a variable must be fully-defined, by integers of at least 0, got {shape!r}")
    return tuple(int(n) for n in lengths)


def _first_value(initializer: Any, shape: Any, dtype: Any) -> Tensor:
    shape = None if shape is None else _full_shape(shape)
    with eager_scope():
        if isinstance(initializer, str):
            initializer = Variable.find_initializer(initializer)
        if callable(initializer) and not isinstance(initializer, Tensor | Variable):
            if shape is None:
                raise ValueError("a Variable from an initializer needs a `shape`: got "
                                 f"{initializer!r} and no shape")
            dtype = dtypes.standardize_dtype(dtype)
            value = to_tensor(initializer(shape, dtype=dtype), dtype)
        else:
            value = to_own_tensor(initializer, None if dtype is None else dtypes.standardize_dtype(dtype))
        if shape is not None and value.shape != shape:
            raise ValueError(f"the first value has shape {value.shape}, but argument `shape` says {shape}")
    return value
