"""The variables that an optimizer keeps, and how files hold them."""

import warnings
from typing import Any

import numpy as np

from kerasish import initializers
from kerasish.backend import device
from kerasish.core.dispatch import eager_scope
from kerasish.core.dtypes import numpy_dtype, standardize_dtype
from kerasish.core.name_scope import name_scope
from kerasish.core.tensor import Tensor
from kerasish.core.variable import Variable


def _zeros(shape: tuple[int, ...], dtype: str) -> Tensor:
    """What most slots begin with, of which a model has many; `ops.zeros` takes longer to find out as much."""
    return Tensor(device.current().xp.zeros(shape, numpy_dtype(dtype)))


class HasSlots:
    """What keeps variables of its own: a slot is one that belongs to a variable of the model."""

    name: str
    _variables: list[Variable]
    _index: dict[int, int]

    def __setattr__(self, attribute: str, value: Any) -> None:
        # As in Keras, a variable that becomes an attribute is one of the optimizer's.
        if isinstance(value, Variable):
            if "_variables" not in self.__dict__:
                raise RuntimeError(f"call super().__init__() first in {type(self).__name__}.__init__()")
            if not any(v is value for v in self._variables):
                self._variables.append(value)
        super().__setattr__(attribute, value)

    @property
    def variables(self) -> list[Variable]:
        """All variables of the optimizer: the step counter, the learning rate, then its slots."""
        return list(self._variables)

    def add_variable(self, shape: Any, initializer: Any = "zeros", dtype: Any = None, aggregation: str = "none",
                     layout: Any = None, name: str | None = None) -> Variable:
        """Make a variable of the optimizer that belongs to no single variable."""
        is_plain = initializer == "zeros" and type(shape) is tuple and dtype is not None
        first = _zeros(shape, dtype) if is_plain else initializers.get(initializer)
        with eager_scope(), name_scope(self.name, caller=self):
            variable = Variable(first, shape=shape, dtype=dtype, trainable=False,
                                aggregation=aggregation, name=name)
        self._variables.append(variable)
        return variable

    def add_variable_from_reference(self, reference_variable: Variable, name: str | None = None,
                                    initializer: Any = "zeros") -> Variable:
        """Make a slot of the shape and dtype of a variable."""
        path = getattr(reference_variable, "path", reference_variable.name).replace("/", "_")
        dtype = standardize_dtype(reference_variable.handle.dtype)
        return self.add_variable(reference_variable.shape, initializer, dtype, name=f"{path}_{name or 'var'}")

    def add_optimizer_variables(self, trainable_variables: list[Variable], name: Any,
                                initializer: Any = "zeros") -> Any:
        """Make a slot for each variable.

        Args:
            trainable_variables: the variables of the model.
            name: end of the slots' names; or a list of these, and the slots of a variable stand together.
            initializer: first value; or a list with one a name.

        Returns:
            A list with a slot a variable, None for those that are overwritten with their gradient; for several
            names a tuple of such lists.

        Raises:
            ValueError: there are more or fewer initializers than names.
        """
        names = [name] if isinstance(name, str) else list(name)
        kinds = list(initializer) if isinstance(initializer, list | tuple) else [initializer] * len(names)
        if len(kinds) != len(names):
            raise ValueError(f"add_optimizer_variables() got {len(names)} names, but {len(kinds)} initializers")
        slots: tuple[list[Any], ...] = tuple([] for _ in names)
        for v in trainable_variables:
            for store, n, kind in zip(slots, names, kinds, strict=True):
                kept = not v.overwrite_with_gradient
                store.append(self.add_variable_from_reference(v, n, kind) if kept else None)
        return slots[0] if isinstance(name, str) else slots

    def _get_variable_index(self, variable: Variable) -> int:
        return self._index[id(variable)]

    def set_weights(self, weights: Any) -> None:
        """Assign to all variables of the optimizer, in the order of `variables`.

        Raises:
            ValueError: the optimizer is not built, or numbers or shapes differ; nothing is assigned then.
        """
        if not self.built:  # type: ignore[attr-defined]
            raise ValueError("You are calling set_weights() before the optimizer is built: call "
                             "optimizer.build(trainable_variables)")
        self._assign_all(list(weights))

    def _assign_all(self, values: list[Any]) -> None:
        own = self.variables
        if len(values) != len(own):
            raise ValueError(f"optimizer {self.name!r} has {len(own)} variables, got {len(values)} values")
        for v, value in zip(own, values, strict=True):
            if tuple(value.shape) != v.shape:
                raise ValueError(f"optimizer variable {v.path!r} has shape {v.shape}, its value {tuple(value.shape)}")
        for v, value in zip(own, values, strict=True):
            v.assign(value)

    def save_own_variables(self, store: Any) -> None:
        """Write the optimizer's variables into a dict-like store, by position."""
        for i, v in enumerate(self.variables):
            store[str(i)] = v.numpy()

    def load_own_variables(self, store: Any) -> None:
        """Read the optimizer's variables from a dict-like store, by position.

        A file without them leaves it as it is, and so does, with a warning, one with more or fewer.

        Raises:
            ValueError: shapes differ; nothing is assigned then.
        """
        own, found = self.variables, len(store.keys())
        if found != len(own):
            if found:
                warnings.warn(f"optimizer {self.name!r} has {len(own)} variables, but the file {found}: its state "
                              "was not loaded", stacklevel=2)
            return
        self._assign_all([np.asarray(store[str(i)]) for i in range(found)])
