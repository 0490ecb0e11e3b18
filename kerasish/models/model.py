"""The model: a layer that can be trained, summarised and saved."""

from typing import Any

from kerasish import saving
from kerasish.layers.base.layer import Layer
from kerasish.models.summary import print_summary
from kerasish.training.trainer import Trainer
from kerasish.utils.registry import builtin


def _is_functional_call(args: tuple, kwargs: dict) -> bool:
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or {"inputs", "outputs"} <= kwargs.keys()


@builtin("keras", "keras.models")
class Model(Trainer, Layer):
    """A layer that can be trained (Keras: `Model`).

    `Model(inputs, outputs)` makes a functional model of symbolic tensors; a subclass makes its layers in the
    constructor and computes in `call`.

    Args:
        inputs: symbolic tensors from `Input`, nested as you like.
        outputs: symbolic tensors made of them.
        name: unique if left out.
    """

    # Set by models.functional, which is built on this class.
    functional_class: Any = None

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional_call(args, kwargs):
            return super().__new__(Model.functional_class, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any):
        if _is_functional_call(args, kwargs) and not isinstance(self, Model.functional_class):
            _become_functional(type(self))
            Model.functional_class.__init__(self, *args, **kwargs)
            return
        self._init_trainer()
        Layer.__init__(self, *args, **kwargs)

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; what a subclass writes."""
        raise NotImplementedError(f"model {type(self).__name__} has no `call` method: write one")

    @property
    def layers(self) -> list[Layer]:
        """The layers directly inside."""
        return list(self._flatten_layers(include_self=False, recursive=False))

    @layers.setter
    def layers(self, _value: Any) -> None:
        raise AttributeError("the `Model.layers` attribute is reserved for the layers that the model holds: "
                             "give the attribute another name")

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """Return a layer by name or position.

        Raises:
            ValueError: there is no such layer; lists the names.
        """
        if (name is None) == (index is None):
            raise ValueError("give get_layer either a name or an index")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"model {self.name!r} has {len(layers)} layers, so there is none at index {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(f"No such layer: {name!r}. Model {self.name!r} has {[layer.name for layer in layers]}")

    def summary(self, line_length: int | None = None, positions: Any = None, print_fn: Any = None,
                expand_nested: bool = False, show_trainable: bool = False, layer_range: Any = None) -> None:
        """Print a table of the layers with their output shapes and numbers of parameters.

        Args:
            line_length: width of the table in characters.
            positions: right ends of the columns, as characters or as fractions of the width.
            print_fn: called with the text instead of printing it.
            expand_nested: whether layers inside nested models are listed.
            show_trainable: whether a column says what training changes.
            layer_range: first and last name (regular expressions) of the layers to list.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    # ---- files ---------------------------------------------------------------------------------

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Save the whole model (`.keras`, or `.h5`); see `kerasish.saving.save_model`."""
        saving.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Save the weights alone (`.weights.h5`)."""
        saving.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Load weights from `.weights.h5`, `.keras` or `.h5` files."""
        saving.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def __reduce__(self) -> tuple:
        """Pickle, and so copy, the model as a `.keras` file in memory."""
        return saving.archive.from_bytes, saving.archive.to_bytes(self)

    def to_json(self, **kwargs: Any) -> str:
        """Return the architecture as JSON; `kerasish.models.model_from_json` makes a model of it."""
        return saving.saving_api.to_json(self, **kwargs)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config` gave."""
        if {"layers", "input_layers", "output_layers"} <= config.keys():
            functional = cls if issubclass(cls, Model.functional_class) else Model.functional_class
            return functional.from_config(config, custom_objects=custom_objects)
        return super().from_config(config)

    def get_state_tree(self, value_format: str = "backend_tensor") -> dict[str, Any]:
        """Return the variables as nested dicts by path: trainable, non-trainable, optimizer's, metrics'.

        Args:
            value_format: "backend_tensor" or "numpy_array".
        """
        if value_format not in ("backend_tensor", "numpy_array"):
            raise ValueError(f"value_format must be 'backend_tensor' or 'numpy_array', got {value_format!r}")
        return {k: _nested(v, value_format) for k, v in self._state_groups().items()}

    def set_state_tree(self, state_tree: dict[str, Any]) -> None:
        """Set variables from what `get_state_tree` gave."""
        groups = self._state_groups()
        for k, state in state_tree.items():
            if k not in groups:
                raise ValueError(f"unknown part {k!r} of a state tree: expected {sorted(groups)}")
            flat = dict(_paths(state))
            for v in groups[k]:
                if v.path in flat:
                    v.assign(flat[v.path])

    def _state_groups(self) -> dict[str, list]:
        groups = {"trainable_variables": self.trainable_variables,
                  "non_trainable_variables": self.non_trainable_variables}
        if self.optimizer is not None:
            groups["optimizer_variables"] = self.optimizer.variables
        groups["metrics_variables"] = self.metrics_variables
        return groups


def _become_functional(cls: type) -> None:
    """Put the functional model's class where a user's class names `Model` as its base."""
    if Model.functional_class in cls.__mro__:
        return
    if Model in cls.__bases__:
        cls.__bases__ = tuple(Model.functional_class if b is Model else b for b in cls.__bases__)
    else:
        for base in cls.__bases__:
            if issubclass(base, Model):
                _become_functional(base)


def _nested(variables: list, value_format: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for v in variables:
        *parents, name = v.path.split("/")
        place = out
        for part in parents:
            place = place.setdefault(part, {})
        if name in place:
            raise ValueError(f"two variables have the path {v.path!r}: give the layers different names")
        place[name] = v.numpy() if value_format == "numpy_array" else v.value
    return out


def _paths(state: Any, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(state, dict):
        return [(prefix, state)]
    return [pair for k, v in state.items() for pair in _paths(v, f"{prefix}/{k}" if prefix else str(k))]
