"""Constructor arguments that say how a layer's weights start, what they cost and what they must satisfy."""

from typing import Any

from kerasish import constraints, initializers, regularizers
from kerasish.core.variable import Variable

_KINDS: dict[str, Any] = {"initializer": initializers, "regularizer": regularizers, "constraint": constraints}


class HasWeightArguments:
    """A layer with constructor arguments `<weight>_initializer`, `<weight>_regularizer`, `<weight>_constraint`."""

    _weight_arguments: tuple[str, ...] = ()

    def _set_weight_arguments(self, **arguments: Any) -> None:
        """Keep the arguments as objects, each as an attribute of its name."""
        for name, value in arguments.items():
            setattr(self, name, _KINDS[name.rpartition("_")[2]].get(value))
        self._weight_arguments = (*self._weight_arguments, *arguments)

    def _add_described(self, name: str, shape: tuple, role: str | None = None, **kwargs: Any) -> Variable:
        """Make a weight as the arguments say.

        Args:
            name: of the weight.
            shape: of the weight.
            role: what the arguments call the weight, where that is not its name.
            kwargs: further arguments of `add_weight`, which go before those of the constructor.
        """
        for kind in _KINDS:
            kwargs.setdefault(kind, getattr(self, f"{role or name}_{kind}", None))
        return self.add_weight(name=name, shape=shape, **kwargs)  # type: ignore[attr-defined]

    def _weight_config(self) -> dict[str, Any]:
        """Return the arguments as plain data."""
        return {name: _KINDS[name.rpartition("_")[2]].serialize(getattr(self, name))
                for name in self._weight_arguments}


def clone_initializer(initializer: Any) -> Any:
    """Return another initializer of the same config, so that its draws are its own; a function as it is."""
    return initializer.clone() if isinstance(initializer, initializers.Initializer) else initializer
