"""A scope in which variables are read and assigned beside their own values."""

from typing import Any

from kerasish.core.dispatch import scope, state, to_tensor
from kerasish.core.tensor import OPS, Tensor
from kerasish.core.variable import Variable


class StatelessScope:
    """Read and assign variables without touching them (Keras: `StatelessScope`).

    Args:
        state_mapping: pairs (variable, value) that stand before the variables' own values.
        collect_losses: whether layers add their losses to the scope instead of keeping them.
        initialize_variables: kept for Keras's sake.
    """

    def __init__(self, state_mapping: Any = None, collect_losses: bool = False, initialize_variables: bool = True):
        self.collect_losses, self.initialize_variables = collect_losses, initialize_variables
        self.losses: list[Any] = []
        self.state_mapping: dict[int, Tensor] = {}
        for variable, value in state_mapping or ():
            if not isinstance(variable, Variable):
                raise ValueError(f"argument `state_mapping` must hold (Variable, value) pairs, got {variable!r}")
            value = to_tensor(value)
            if value.shape != variable.shape:
                raise ValueError(f"variable {variable.path!r} has shape {variable.shape}, its value {value.shape}")
            if value.dtype != variable.handle.dtype:
                value = OPS["cast"](value, variable.handle.dtype)
            self.state_mapping[id(variable)] = value
        self._kept: dict[int, Variable] = {id(v): v for v, _ in state_mapping or ()}

    def read(self, variable: Variable) -> Tensor:
        """Return the value of a variable in this scope."""
        found = self.state_mapping.get(id(variable))
        if found is not None:
            return found
        return variable.handle if self._outer is None else self._outer.read(variable)

    def assign(self, variable: Variable, value: Tensor) -> None:
        """Set the value of a variable in this scope alone."""
        self.state_mapping[id(variable)] = value
        self._kept[id(variable)] = variable

    @property
    def assigned(self) -> list[Variable]:
        """The variables for which the scope holds values."""
        return list(self._kept.values())

    add_update = property(lambda self: lambda update: self.assign(*update))

    def add_loss(self, loss: Any) -> None:
        """Keep a loss that a layer added."""
        self.losses.append(loss)

    def get_current_value(self, variable: Variable) -> Tensor | None:
        """Return the value that the scope holds for a variable, None if it holds none."""
        return self.state_mapping.get(id(variable))

    _outer: Any = None
    _scope: Any = None

    def __enter__(self) -> "StatelessScope":
        if self._scope is not None:
            raise RuntimeError("this StatelessScope is open already: make another one to open inside it")
        self._outer = state.variables
        self._scope = scope(variables=self)
        self._scope.__enter__()
        return self

    def __exit__(self, *exception: Any) -> None:
        opened, self._scope = self._scope, None
        opened.__exit__(*exception)
