"""The sequential model: one layer after another."""

import inspect
from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.input_layer import InputLayer
from kerasish.models import sequential_config
from kerasish.models.functional import Functional
from kerasish.models.model import Model
from kerasish.utils.registry import builtin


@builtin("keras", "keras.models")
class Sequential(Model):
    """A model that calls one layer after another (Keras: `Sequential`).

    It is built when the first input is known: from an `Input` as first layer, from the first data it is called
    on, or by `build(input_shape)`.

    Args:
        layers: the layers, in order.
        trainable: whether training changes its weights.
        name: unique if left out.
    """

    _functional: Functional | None
    _sequence: list[Layer]
    _source: InputLayer | None = None

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None):
        self._init_trainer()
        Layer.__init__(self, trainable=trainable, name=name)
        self._set_untracked(_functional=None, _sequence=[])
        for layer in layers or []:
            self.add(layer, rebuild=False)
        self._maybe_rebuild()

    _layers_saved_first = True

    @classmethod
    def _attributes_not_saved(cls) -> frozenset[str]:
        return super()._attributes_not_saved() | {"_functional", "_sequence", "_source"}

    # ---- the stack -----------------------------------------------------------------------------

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top.

        Raises:
            ValueError: it is no layer, its name is taken, or a second input is added.
        """
        if isinstance(layer, KerasTensor) and layer._keras_history and isinstance(
            layer._keras_history.operation, InputLayer
        ):
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            hint = ": wrap a function in layers.Lambda, or write a Layer" if inspect.isroutine(layer) else ""
            raise ValueError(f"Only instances of keras.Layer make up a Sequential model, got {layer!r} "
                             f"({type(layer).__name__}){hint}")
        if any(layer.name == other.name for other in self._sequence):
            raise ValueError(f"layers in model {self.name!r} should have unique names, but {layer.name!r} is there "
                             "already")
        if isinstance(layer, InputLayer) and self._sequence:
            raise ValueError(f"model {self.name!r} has already been configured: its input can no longer be given, "
                             f"since its first layer is {self._sequence[0].name!r}")
        if not self._sequence and not isinstance(layer, InputLayer):
            shape = layer._input_shape_argument or getattr(layer, "batch_shape", None)
            if shape is None and isinstance(layer, Functional | Sequential) and layer.built:
                shape = _first_input_shape(layer)
            if shape is not None:
                self.add(InputLayer(batch_shape=tuple(shape), dtype=_input_dtype(layer)), rebuild=False)
        self._tracker.locked_message = None
        self._tracker.track(layer)
        self._sequence.append(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._forget_graph()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the last layer off, and return it."""
        if not self._sequence:
            raise IndexError(f"model {self.name!r} has no layers to pop")
        layer = self._sequence.pop()
        self._tracker.forget(layer)
        if rebuild:
            self._maybe_rebuild()
        else:
            self._forget_graph()
        return layer

    def _forget_graph(self) -> None:
        self.built = False
        self._set_untracked(_functional=None)

    def _maybe_rebuild(self) -> None:
        first = self._sequence[0] if self._sequence else None
        known = first if isinstance(first, InputLayer) or self._functional is None else self._source
        self._forget_graph()
        if isinstance(known, InputLayer) and any(layer is not known for layer in self._sequence):
            self.build(known.batch_shape)

    def build(self, input_shape: Any = None) -> None:
        """Build all layers for inputs of a shape, batch size first."""
        first = self._sequence[0] if self._sequence else None
        if first is None:
            raise ValueError(f"model {self.name!r} has no layers: add some before building it")
        if isinstance(first, InputLayer):
            source, rest = first, self._sequence[1:]
        else:
            if not _is_shape(input_shape):
                # The input is no single tensor: the layers are called one by one.
                return
            source = InputLayer(batch_shape=tuple(input_shape), dtype=_input_dtype(first))
            rest = self._sequence
        x = source.output
        for layer in rest:
            try:
                x = layer(x)
            except NotImplementedError:
                return  # a layer that cannot say its output's shape
            except TypeError as error:
                required = layer._call_signature.required
                if len(required) < 2:
                    raise
                raise ValueError(f"layer {layer.name!r} in model {self.name!r} can only have a single required "
                                 f"argument, its input, positional; call() has {required}") from error
        self._set_untracked(_functional=Functional(source.output, x, name=self.name))
        if first is not source:
            self._set_untracked(_source=source)

    @Model.layers.getter  # type: ignore[attr-defined]
    def layers(self) -> list[Layer]:
        """The layers, the input aside."""
        return [layer for layer in self._sequence if not isinstance(layer, InputLayer)]

    @layers.setter  # type: ignore[no-redef]
    def layers(self, _value: Any) -> None:
        raise AttributeError("the `Model.layers` attribute is reserved for the layers of the model. Use `add()` and "
                             "`pop()`, or give the attribute another name")

    # ---- computing -----------------------------------------------------------------------------

    def call(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Compute the outputs, layer by layer."""
        if self._functional is not None:
            return self._functional.call(
                self._functional._arranged(inputs), training=training, mask=mask)
        x = inputs
        for i, layer in enumerate(self.layers):
            x = layer(x, mask=mask) if i == 0 and mask is not None and layer._call_signature.has_mask else layer(x)
        return x

    def _known_output(self) -> Any:
        changed = type(self).call is not Sequential.call or type(self).__call__ is not Sequential.__call__
        return None if changed or self._functional is None else self._functional._known_output()

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Return symbolic outputs for symbolic inputs."""
        if self._functional is not None:
            return self._functional.compute_output_spec(inputs, training=training, mask=mask)
        x = inputs
        for layer in self.layers:
            x = layer.compute_output_spec(x)
        return x

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output for a shape of the input."""
        if self._functional is not None:
            return self._functional.compute_output_shape(input_shape)
        for layer in self.layers:
            input_shape = layer.compute_output_shape(input_shape)
        return input_shape

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return None: the layers inside set the masks of the outputs themselves."""

    def _graph_or_error(self, what: str) -> Functional:
        if self._functional is None:
            raise AttributeError(f"Sequential model {self.name!r} is not built yet, so it has no {what}: give it an "
                                 "Input, or call it on data")
        return self._functional

    inputs = property(lambda self: self._graph_or_error("inputs").inputs, doc="The symbolic inputs.")
    outputs = property(lambda self: self._graph_or_error("outputs").outputs, doc="The symbolic outputs.")
    input = property(lambda self: self._graph_or_error("input").input, doc="The symbolic input.")
    output = property(lambda self: self._graph_or_error("output").output, doc="The symbolic output.")
    input_shape = property(lambda self: self._graph_or_error("input shape").input_shape, doc="Shape of the input.")
    output_shape = property(lambda self: self._graph_or_error("output shape").output_shape, doc="Shape of the output.")

    @property
    def input_spec(self) -> Any:
        """What the model expects of its input."""
        return None if self._functional is None else self._functional.input_spec

    @input_spec.setter
    def input_spec(self, _value: Any) -> None:
        """The spec follows from the input."""

    @property
    def input_dtype(self) -> str:
        """Dtype to which inputs are cast: that of the first layer."""
        layers = self.layers
        return layers[0].input_dtype if layers else super().input_dtype

    @property
    def output_names(self) -> list[str] | None:
        """The name of the last layer, by which losses and metrics may be given."""
        return self._functional.output_names if self._functional is not None else None

    @property
    def input_names(self) -> list[str] | None:
        """The name of the input."""
        return self._functional.input_names if self._functional is not None else None

    # ---- config --------------------------------------------------------------------------------

    def _lock(self) -> None:
        """Stay open: a model may be given layers beside those of its graph."""

    def get_config(self) -> dict[str, Any]:
        """Return the layers as plain data, in Keras's format."""
        return sequential_config.serialize(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config` gave."""
        return sequential_config.deserialize(cls, config, custom_objects)


def _is_shape(x: Any) -> bool:
    return isinstance(x, list | tuple) and all(n is None or isinstance(n, int) for n in x)


def _first_input_shape(model: Any) -> Any:
    shape = model.input_shape
    return shape if _is_shape(shape) else None


def _input_dtype(layer: Any) -> Any:
    """The dtype of data for a layer: its own, but integers where it looks things up."""
    return getattr(layer, "input_dtype", None)
