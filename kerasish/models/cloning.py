"""Copies of models with fresh weights."""

from collections.abc import Callable
from typing import Any

from kerasish.core.symbolic import FunctionOperation, KerasTensor
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.input_layer import Input, InputLayer
from kerasish.models.functional import Functional, made_like_functional
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.utils import serialization, tree


def clone_model(model: Any, input_tensors: Any = None, clone_function: Callable[[Any], Any] | None = None,
                call_function: Callable[..., Any] | None = None, recursive: bool = False, **kwargs: Any) -> Any:
    """Return a model of the same architecture with layers, and so weights, of its own; compiled if the model is.

    Args:
        model: a sequential or functional model, or any with a config.
        input_tensors: symbolic inputs to build the copy on; new ones by default.
        clone_function: gives the copy of a layer; by default made from its config.
        call_function: `call_function(layer, *args, **kwargs)` gives the output of a copied layer in a functional
            model; by default the layer is called.
        recursive: whether the layers of nested models are copied by the same functions.

    Raises:
        ValueError: the arguments do not fit the kind of model.
    """
    copies: dict[int, Any] = kwargs.pop("cache", None) or {}
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of clone_model()")
    if not isinstance(model, Model):
        raise ValueError(f"clone_model() copies models, got {model!r}")
    copy = _copier(clone_function, call_function, recursive, copies)
    if isinstance(model, Sequential):
        if call_function is not None:
            raise ValueError("`call_function` is for functional models; a Sequential model has no calls to change")
        clone = _clone_sequential(model, copy, input_tensors)
    elif isinstance(model, Functional) and (
        type(model).get_config is Functional.get_config or clone_function or input_tensors is not None
    ):
        clone = _clone_functional(model, copy, call_function, input_tensors)
    else:
        if input_tensors is not None or clone_function or call_function:
            raise ValueError(f"{type(model).__name__} is a class of its own: only its config can be copied, so give "
                             "neither `input_tensors` nor `clone_function` nor `call_function`")
        config = serialization.serialize_keras_object(model)
        return serialization.deserialize_keras_object(config, {type(model).__name__: type(model)})
    if model.compiled:
        clone.compile_from_config(model.get_compile_config())
    return clone


def _copier(clone_function: Callable[[Any], Any] | None, call_function: Callable[..., Any] | None, recursive: bool,
            copies: dict[int, Any]) -> Callable[[Any], Any]:
    """Return what copies a layer, each layer once."""

    def copy(layer: Any) -> Any:
        if id(layer) not in copies:
            if recursive and isinstance(layer, Sequential | Functional):
                calls = None if isinstance(layer, Sequential) else call_function
                made = clone_model(layer, clone_function=clone_function, call_function=calls, recursive=True,
                                   cache=copies)
            elif clone_function is not None:
                made = clone_function(layer)
            else:
                made = type(layer).from_config(layer.get_config())
            copies[id(layer)] = made
        return copies[id(layer)]

    return copy


def _clone_sequential(model: Sequential, copy: Callable[[Any], Any], input_tensors: Any) -> Sequential:
    layers = [copy(layer) for layer in model.layers]
    tensors = [] if input_tensors is None else tree.flatten(input_tensors)
    if len(tensors) > 1 or not all(isinstance(x, KerasTensor) for x in tensors):
        raise ValueError(f"a Sequential model has one input, a symbolic tensor; got {input_tensors!r}")
    first: list[Any] = []
    source = model._functional.inputs[0] if model._functional is not None else None
    if tensors:
        x = tensors[0]
        is_input = x._keras_history is not None and isinstance(_maker(x), InputLayer)
        first = [x if is_input else Input(batch_shape=x.shape, dtype=x.dtype)]
    elif source is not None:
        first = [Input(batch_shape=source.shape, dtype=source.dtype, name=_maker(source).name)]
    return Sequential([*first, *layers], name=model.name, trainable=model.trainable)


def _clone_functional(model: Any, copy: Callable[[Any], Any], call_function: Callable[..., Any] | None,
                      input_tensors: Any) -> Any:
    own = model._graph._inputs_struct
    if input_tensors is None:
        input_tensors = tree.map_structure(
            lambda x: Input(batch_shape=x.shape, dtype=x.dtype, name=_maker(x).name, optional=_maker(x).optional), own)
    if isinstance(own, dict) and not (isinstance(input_tensors, dict) and set(input_tensors) == set(own)):
        raise ValueError(f"`input_tensors` must have the structure of the inputs of model {model.name!r}, a dict "
                         f"with the keys {list(own)}; got {input_tensors!r}")
    inputs = tree.flatten(input_tensors)
    if len(inputs) != len(model.inputs) or not all(isinstance(x, KerasTensor) for x in inputs):
        raise ValueError(f"model {model.name!r} has {len(model.inputs)} inputs, so `input_tensors` must hold as many "
                         f"symbolic tensors; got {input_tensors!r}")
    ops: dict[int, Any] = {}

    def call(operation: Any, args: Any, kwargs: Any) -> Any:
        if isinstance(operation, FunctionOperation):
            made = ops.setdefault(id(operation), type(operation)(name=operation.name))
        else:
            made = copy(operation) if isinstance(operation, Layer) else operation
        return made(*args, **kwargs) if call_function is None else call_function(made, *args, **kwargs)

    outputs = model._graph.run(inputs, call)
    cls = type(model) if made_like_functional(type(model)) else Functional
    return cls(tree.pack_sequence_as(own, inputs), outputs, name=model.name)


def _maker(x: KerasTensor) -> Any:
    return x._keras_history.operation  # type: ignore[union-attr]
