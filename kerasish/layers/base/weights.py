"""The variables of a layer: making them, listing them, reading and setting them."""

from typing import Any

import numpy as np

from kerasish import constraints, initializers, regularizers
from kerasish.core.dtypes import is_float, standardize_dtype
from kerasish.core.variable import Variable
from kerasish.layers.base.tracking import Tracker


class HasWeights:
    """What a layer can do with its variables."""

    _tracker: Tracker
    _trainable: bool
    built: bool
    name: str
    path: str
    variable_dtype: str

    def add_weight(self, *args: Any, shape: Any = None, initializer: Any = None, dtype: Any = None,
                   trainable: bool = True, autocast: bool = True, regularizer: Any = None, constraint: Any = None,
                   aggregation: str = "none", overwrite_with_gradient: bool = False, name: str | None = None,
                   **kwargs: Any) -> Variable:
        """Make a variable of this layer.

        Args:
            args: shape, initializer and dtype may come first, without their names.
            shape: lengths of its axes; () by default.
            initializer: how it starts; by default Glorot's uniform distribution for floating-point dtypes,
                else zeros.
            dtype: by default the layer's variable dtype.
            trainable: whether training changes it.
            autocast: whether it is read in the layer's compute dtype.
            regularizer: gives a loss of its value.
            constraint: applied to its value after each update.
            aggregation: how replicas' values join.
            overwrite_with_gradient: whether an optimizer assigns its gradient to it.
            name: one part of its path.
        """
        if args:
            shape, initializer, dtype = _first_arguments(args, shape=shape, initializer=initializer, dtype=dtype)
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of add_weight of layer {self.name!r}")
        dtype = self.variable_dtype if dtype is None else standardize_dtype(dtype)
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        with self._open_name_scope():  # type: ignore[attr-defined]
            variable = Variable(initializers.get(initializer), shape=() if shape is None else shape, dtype=dtype,
                                trainable=trainable, autocast=autocast, aggregation=aggregation, name=name)
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._tracker.track(variable)
        return variable

    def _untrack_variable(self, variable: Variable) -> None:
        """Drop a variable that the layer no longer needs."""
        self._tracker.forget(variable)

    def add_variable(self, shape: Any, initializer: Any, dtype: Any = None, trainable: bool = True,
                     autocast: bool = True, regularizer: Any = None, constraint: Any = None,
                     name: str | None = None) -> Variable:
        """Make a variable of this layer; `add_weight` with an initializer and no defaults."""
        return self.add_weight(shape=shape, initializer=initializer, dtype=dtype, trainable=trainable,
                               autocast=autocast, regularizer=regularizer, constraint=constraint, name=name)

    def _own(self) -> list[Variable]:
        return [*self._tracker.trainable, *self._tracker.non_trainable]

    @property
    def variables(self) -> list[Variable]:
        """All variables of the layer and of those inside it, random states included, each once."""
        return _distinct(v for layer in self._flatten_layers()  # type: ignore[attr-defined]
                         for v in (*layer._own(), *(g.state for g in layer._tracker.seed_generators)))

    @property
    def weights(self) -> list[Variable]:
        """The variables that are saved: all but random states."""
        return _distinct(v for layer in self._flatten_layers() for v in layer._own())  # type: ignore[attr-defined]

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that training changes; none if the layer is frozen."""
        return [v for v in self.variables if v.trainable] if self._trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The variables that training leaves alone."""
        return [v for v in self.variables if not v.trainable] if self._trainable else self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes."""
        return [v for v in self.weights if v.trainable] if self._trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        return [v for v in self.weights if not v.trainable] if self._trainable else self.weights

    @property
    def metrics(self) -> list[Any]:
        """The metrics of the layer and of those inside it."""
        if not self._layers:  # type: ignore[attr-defined]
            return list(self._tracker.metrics)  # type: ignore[attr-defined]
        return _distinct(m for layer in self._flatten_layers() for m in layer._tracker.metrics)  # type: ignore

    @property
    def metrics_variables(self) -> list[Variable]:
        """The variables of the metrics."""
        return [v for m in self.metrics for v in m.variables]

    def get_weights(self) -> list[np.ndarray]:
        """Return the values of the weights as NumPy arrays, copied."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: list[Any]) -> None:
        """Set the values of the weights.

        Raises:
            ValueError: their number or shapes differ; nothing is set then.
        """
        own = self.weights
        if len(own) != len(weights):
            raise ValueError(f"layer {self.path!r} has {len(own)} weights, but {len(weights)} were given"
                             + ("" if self.built else "; it is not built yet: call it or build(input_shape) first"))
        for variable, value in zip(own, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(f"weight {variable.path!r} of layer {self.path!r} has shape {variable.shape}, "
                                 f"but a value of shape {tuple(np.shape(value))} was given")
        for variable, value in zip(own, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """Return the number of scalars in the weights.

        Raises:
            ValueError: the layer is not built yet.
        """
        if not self.built:
            raise ValueError(f"layer {self.name!r} is not built yet, so its parameters cannot be counted: "
                             "call it on data, or call build(input_shape)")
        return sum(v.size for v in self.weights)

    def _variables_by_position(self) -> list[Variable] | None:
        """The variables in the order of a file, None for a layer that reads them in its own way."""
        return self._own() if type(self).load_own_variables is HasWeights.load_own_variables else None

    def save_own_variables(self, store: Any) -> None:
        """Write the layer's own variables into a dict-like store, by position."""
        for i, v in enumerate(self._own()):
            store[f"{i}"] = v

    def load_own_variables(self, store: Any) -> None:
        """Read the layer's own variables from a dict-like store, by position.

        Raises:
            ValueError: their number differs.
        """
        own = self._own()
        if len(store.keys()) != len(own):
            hint = "" if own or self.built else (
                ": the layer is not built. If it makes its variables in `build`, give it a `build_from_config` "
                "or build it before loading")
            raise ValueError(f"layer {self.path!r} has {len(own)} variables, but {len(store.keys())} were saved "
                             f"for it{hint}")
        for i, v in enumerate(own):
            v.assign(store[f"{i}"])


def _first_arguments(args: tuple, **named: Any) -> Any:
    """Return the values of arguments of which the first may have come without their names."""
    if isinstance(args[0], str):
        raise ValueError(f"add_weight takes the shape first; give the name as keyword argument: name={args[0]!r}")
    if len(args) > len(named):
        raise TypeError(f"add_weight takes at most {len(named)} positional arguments ({', '.join(named)}), "
                        f"got {len(args)}: name the others")
    for name, value in zip(named, args, strict=False):
        if named[name] is not None:
            raise ValueError(f"`{name}` was given twice, by position and by keyword: {value!r} and "
                             f"{named[name]!r}")
        named[name] = value
    return named.values()


def _distinct(values: Any) -> list[Any]:
    return list({id(v): v for v in values}.values())
