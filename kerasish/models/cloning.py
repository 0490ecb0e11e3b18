"""Copies of models with fresh weights."""

from collections.abc import Callable
from typing import Any

from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.input_layer import Input, InputLayer
from kerasish.models.functional import Functional
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.utils import tree


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None,
                call_function: Callable[..., Any] | None = None, recursive: bool = False, **kwargs: Any) -> Any:
    """Return a model of the same architecture with layers, and so weights, of its own.

    Args:
        model: a sequential or functional model, or any with a config.
        input_tensors: symbolic inputs to build the copy on; new ones by default.
        clone_function: gives the copy of a layer; by default made from its config.
        call_function: `call_function(layer, *args, **kwargs)` gives the output of a copied layer in a functional
            model; by default the layer is called.
        recursive: whether nested models are copied by the same functions.

    Raises:
        ValueError: the arguments do not fit the kind of model.
    """
    if kwargs:
        raise ValueError(f"clone_model() got unexpected arguments {sorted(kwargs)}")
    if not isinstance(model, Model):
        raise ValueError(f"clone_model() copies models, got {model!r}")

    def clone(layer: Any) -> Any:
        if recursive and isinstance(layer, Sequential | Functional):
            return clone_model(layer, clone_function=clone_function, call_function=None, recursive=True)
        return clone_function(layer) if clone_function is not None else layer.__class__.from_config(layer.get_config())

    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("`call_function` is for functional models; a Sequential model has no calls to change")
        return _clone_sequential(model, clone, input_tensors)
    if isinstance(model, Functional) and type(model).__init__ is Functional.__init__:
        return _clone_functional(model, clone, call_function, input_tensors)
    if input_tensors is not None or clone_function is not None:
        raise ValueError(f"{type(model).__name__} is a class of its own: only its config can be copied, so give "
                         "neither `input_tensors` nor `clone_function`")
    return model.__class__.from_config(model.get_config())


def _clone_sequential(model: Sequential, clone: Callable[[Any], Any], input_tensors: Any) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    tensors = tree.flatten(input_tensors) if input_tensors is not None else []
    if len(tensors) > 1:
        raise ValueError(f"a Sequential model has one input, got {len(tensors)} input tensors")
    first: list[Any] = []
    if tensors:
        first = [tensors[0] if isinstance(tensors[0], KerasTensor) else Input(batch_shape=tensors[0].shape)]
    elif model._functional is not None:
        x = model.inputs[0]
        first = [Input(batch_shape=x.shape, dtype=x.dtype, name=x._keras_history.operation.name)]  # type: ignore
    return type(model)([*first, *layers], name=model.name, trainable=model.trainable)


def _clone_functional(model: Any, clone: Callable[[Any], Any], call_function: Callable[..., Any] | None,
                      input_tensors: Any) -> Any:
    if input_tensors is None:
        inputs = [Input(batch_shape=x.shape, dtype=x.dtype, name=x._keras_history.operation.name)
                  for x in model.inputs]
    else:
        inputs = tree.flatten(input_tensors)
        if len(inputs) != len(model.inputs):
            raise ValueError(f"model {model.name!r} has {len(model.inputs)} inputs, got {len(inputs)} input tensors")
    copies: dict[int, Any] = {}

    def call(operation: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(operation, Layer) and not isinstance(operation, InputLayer):
            if id(operation) not in copies:
                copies[id(operation)] = clone(operation)
            operation = copies[id(operation)]
        else:
            copies.setdefault(id(operation), operation)
        return operation(*args, **kwargs) if call_function is None else call_function(operation, *args, **kwargs)

    outputs = model._graph.run(inputs, call)
    return type(model)(tree.pack_sequence_as(model._graph._inputs_struct, inputs), outputs, name=model.name)
