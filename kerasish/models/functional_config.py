"""A functional model as plain data, in Keras's format: its layers and ops, and how they were called."""

import inspect
from collections.abc import Callable
from typing import Any

from kerasish.core.op import OPS
from kerasish.core.symbolic import FunctionOperation, KerasTensor, Operation
from kerasish.layers.base.layer import Layer
from kerasish.models.model import Model
from kerasish.models.operation_names import BY_FUNCTION, op_of
from kerasish.utils import serialization, tree
from kerasish.utils.registry import CustomObjectScope

# ---- writing ---------------------------------------------------------------------------------------


def serialize(model: Any, describe: Callable[[Any], dict[str, Any]] | None = None) -> dict[str, Any]:
    """Return the config of a functional model.

    Args:
        model: the model.
        describe: gives the config of a layer; by default `serialize_keras_object`.
    """
    own = model._inbound_model_nodes
    index = {id(node): (operation, i) for operation in model.operations
             for i, node in enumerate(n for n in operation._inbound_nodes if id(n) in own)}
    layers = []
    for operation in model.operations:
        nodes = [n for n in operation._inbound_nodes if id(n) in own]
        config = _describe_operation(operation, describe or serialization.serialize_keras_object)
        config["name"] = operation.name
        config["inbound_nodes"] = [_describe_node(n, index) for n in nodes if n.inputs]
        layers.append(config)
    ends = {which: tree.map_structure(lambda x: _end(x, index), struct) for which, struct in (
        ("input_layers", model._graph._inputs_struct), ("output_layers", model._graph._outputs_struct))}
    ends = {k: v[0] if isinstance(v, list) and len(v) == 1 and isinstance(v[0], list) else v for k, v in ends.items()}
    return {"name": model.name, "trainable": model.trainable, "layers": layers, **ends}


def _address(x: KerasTensor, index: dict) -> list[Any]:
    """Where a tensor comes from: [operation, node, tensor], nodes counted inside the model."""
    history = x._keras_history
    operation, i = index[id(history.operation._inbound_nodes[history.node_index])]  # type: ignore[union-attr]
    return [operation.name, i, history.tensor_index]  # type: ignore[union-attr]


def _end(x: KerasTensor, index: dict) -> list[Any]:
    """The address of an input or output of the model, where Keras counts the nodes of functional models from 1."""
    name, i, tensor = _address(x, index)
    nested = isinstance(x._keras_history.operation, Model.functional_class)  # type: ignore[union-attr]
    return [name, i + nested, tensor]


def _describe_operation(operation: Operation, describe: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    if not isinstance(operation, FunctionOperation):
        return describe(operation)
    known = BY_FUNCTION.get(operation.function.__name__)
    if known is None:
        raise ValueError(f"op {operation.function.__name__!r} of this model has no name in Keras's files: put it into "
                         "a Layer of your own to save the model")
    arguments = _arguments(operation, *_only_call(operation))
    chosen = {k: serialization.serialize_keras_object(arguments[k]) for k in known.arguments if k in arguments}
    return {"module": known.module, "class_name": known.class_name, "config": {"name": operation.name, **chosen},
            "registered_name": known.class_name}


def _only_call(operation: Operation) -> tuple[tuple, dict]:
    node = operation._inbound_nodes[0]
    return node.args, node.kwargs


def _arguments(operation: FunctionOperation, args: tuple, kwargs: dict) -> dict[str, Any]:
    bound = operation.signature.bind(*args, **kwargs)
    bound.apply_defaults()
    return bound.arguments


def _describe_node(node: Any, index: dict) -> dict[str, Any]:
    args, kwargs = node.args, node.kwargs
    if isinstance(node.operation, FunctionOperation):
        args, kwargs = _call_arguments(node.operation, args, kwargs)
    return {"args": [_describe_value(a, index) for a in args],
            "kwargs": {k: _describe_value(v, index) for k, v in kwargs.items()}}


def _call_arguments(operation: FunctionOperation, args: tuple, kwargs: dict) -> tuple[list, dict]:
    """The arguments of an op's call without those that Keras gives to its class."""
    made_with = BY_FUNCTION[operation.function.__name__].arguments
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for name, value in _arguments(operation, args, kwargs).items():
        parameter = operation.signature.parameters[name]
        if name in made_with:
            continue
        if parameter.kind is inspect.Parameter.VAR_POSITIONAL:
            positional += value
        elif parameter.kind is inspect.Parameter.VAR_KEYWORD:
            named.update(value)
        elif parameter.default is inspect.Parameter.empty and not named:
            positional.append(value)
        else:  # defaults too: Keras's classes do not have all of them
            named[name] = value
    return positional, named


def _describe_value(value: Any, index: dict) -> Any:
    if isinstance(value, KerasTensor):
        return {"class_name": "__keras_tensor__", "config": {
            "shape": list(value.shape), "dtype": value.dtype, "keras_history": _address(value, index)}}
    if isinstance(value, list | tuple):
        return [_describe_value(v, index) for v in value]
    if isinstance(value, dict):
        return {k: _describe_value(v, index) for k, v in value.items()}
    return serialization.serialize_keras_object(value)


# ---- reading ---------------------------------------------------------------------------------------


def deserialize(cls: type, config: dict[str, Any], custom_objects: Any = None) -> Any:
    """Make a functional model from its config, of Keras 3 or of the older `tf.keras`.

    Raises:
        ValueError: a node needs a tensor that no layer makes.
        TypeError: a class is not known.
    """
    with CustomObjectScope(custom_objects or {}):
        operations = {c.get("name") or c["config"]["name"]: _make_operation(c) for c in config["layers"]}
        calls = [(operations[c.get("name") or c["config"]["name"]], node)
                 for c in config["layers"] for node in c.get("inbound_nodes", [])]
        made = {name: [list(o._inbound_nodes[-1].outputs)] if _is_input(o) else []
                for name, o in operations.items()}
        counted_from_one = _models_counted_from_one(config, operations)
        for name in counted_from_one:
            made[name] = [[]]
        _call_all(calls, operations, made)
    for name, o in operations.items():  # Keras 3 counts so at the ends alone
        if isinstance(o, Model.functional_class) and name not in counted_from_one:
            made[name] = [[], *made[name]]
    ends = [_resolve_ends(config[k], made) for k in ("input_layers", "output_layers")]
    known: dict[str, Any] = {k: config[k] for k in ("name", "trainable") if k in config}
    if cls is not Model.functional_class:  # arguments of its own that a subclass put into its config
        known.update({k: v for k, v in config.items() if k not in ("layers", "input_layers", "output_layers")})
    return cls(inputs=ends[0], outputs=ends[1], **known)


def _models_counted_from_one(config: dict[str, Any], operations: dict) -> set[str]:
    """The nested models whose first call is number 1 everywhere, as in files of `tf.keras` 2."""
    numbers: dict[str, list[int]] = {}

    def note(x: Any) -> None:
        if isinstance(x, list) and len(x) >= 3 and isinstance(x[0], str) and isinstance(x[1], int):
            numbers.setdefault(x[0], []).append(x[1])
        elif isinstance(x, list | dict):
            for v in x.values() if isinstance(x, dict) else x:
                note(v)

    old = [n for c in config["layers"] for n in c.get("inbound_nodes", []) if isinstance(n, list)]
    note(old)
    return {name for name, o in operations.items() if isinstance(o, Model) and min(numbers.get(name, [0])) >= 1}


def _is_input(operation: Any) -> bool:
    return bool(operation._inbound_nodes) and operation._inbound_nodes[-1].is_input


class _StoredOp:
    """An op of a file: the function, and the arguments that Keras gave to its class."""

    def __init__(self, name: str, function: Callable[..., Any], arguments: dict[str, Any]):
        self.name, self.function, self.arguments = name, function, arguments
        self._inbound_nodes: list[Any] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        operation = FunctionOperation.of(self.function)(name=self.name)
        parameters = operation.signature.parameters
        if any(p.kind is p.VAR_POSITIONAL for p in parameters.values()):
            named = {k: v for k, v in self.arguments.items() if parameters[k].kind is inspect.Parameter.KEYWORD_ONLY}
            first = [v for k, v in self.arguments.items() if k not in named]
            return operation.symbolic_call(*first, *args, **named, **kwargs)
        if self.function is OPS["get_item"]:  # JSON has made a list of the tuple of slices
            args = tuple(tuple(a) if isinstance(a, list) else a for a in args)
        free = [n for n in parameters if n not in self.arguments]
        return operation.symbolic_call(**dict(zip(free, args, strict=False)), **kwargs, **self.arguments)


def _make_operation(config: dict[str, Any]) -> Any:
    module, inner = config.get("module"), config["config"]
    # Where a file leaves modules out, an op is told from a layer of its name by what every layer has.
    is_op = module is not None or ("module" not in config and "name" in inner and "trainable" not in inner)
    function = op_of(module, config["class_name"], inner) if is_op else None
    if function is not None:
        arguments = {k: serialization.deserialize_keras_object(v) for k, v in inner.items() if k != "name"}
        return _StoredOp(inner.get("name", config.get("name")), function, arguments)
    made = serialization.deserialize_keras_object(config, module_objects=serialization.NetworkClasses())
    if not isinstance(made, Layer):
        raise TypeError(f"the config of a model lists {config['class_name']!r}, which is no layer")
    return made


def _call_all(calls: list, operations: dict, made: dict) -> None:
    """Call operations as soon as what they need is made; node numbers are those of the file."""
    waiting = list(calls)
    while waiting:
        left = []
        blocked: set[str] = set()
        for operation, node in waiting:
            arguments = None if operation.name in blocked else _resolve_node(node, made)
            if arguments is None:
                blocked.add(operation.name)  # a later call must not take the number of an earlier one
                left.append((operation, node))
            else:
                out = operation(*arguments[0], **_without_default(operation, arguments[1]))
                made[operation.name].append(tree.flatten(out))
        if len(left) == len(waiting):
            stuck = sorted({o.name for o, _ in left})
            raise ValueError(f"the config of a model is disconnected: {stuck} wait for each other in a loop, or for "
                             "a call of a layer that is not there")
        waiting = left


def _without_default(operation: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments of a call without a `training` that only repeats the default, as Keras writes it everywhere."""
    if isinstance(operation, Layer) and kwargs.get("training") == operation._call_signature.training_default:
        return {k: v for k, v in kwargs.items() if k != "training"}
    return kwargs


def _resolve_node(node: Any, made: dict) -> tuple[list, dict] | None:
    try:
        if isinstance(node, dict):
            args = [_resolve_value(a, made) for a in node["args"]]
            return args, {k: _resolve_value(v, made) for k, v in node["kwargs"].items()}
        return _resolve_old_node(node, made)
    except KeyError:
        return None


def _lookup(history: Any, made: dict) -> KerasTensor:
    name, node, tensor = history[:3]
    if name not in made:
        raise ValueError(f"Missing node: {name} is called in the config of a model, but is none of its layers "
                         f"{list(made)}")
    outputs = made[name]
    if node >= len(outputs):
        raise KeyError(name)
    return outputs[node][tensor]


def _resolve_value(value: Any, made: dict) -> Any:
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        return _lookup(value["config"]["keras_history"], made)
    if isinstance(value, list | tuple):
        return [_resolve_value(v, made) for v in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {k: _resolve_value(v, made) for k, v in value.items()}
    return serialization.deserialize_keras_object(value)


def _resolve_old_node(node: Any, made: dict) -> tuple[list, dict]:
    """A node of `tf.keras` 2: a list of [layer, node, tensor, kwargs]."""
    entries = [node] if isinstance(node[0], str) else node
    tensors = [_lookup(e, made) for e in entries]
    kwargs = {k: _resolve_old_argument(v, made) for k, v in (entries[0][3] if len(entries[0]) > 3 else {}).items()}
    return [tensors[0] if len(tensors) == 1 else tensors], kwargs


def _resolve_old_argument(value: Any, made: dict) -> Any:
    is_history = isinstance(value, list) and len(value) >= 3 and isinstance(value[0], str) and value[0] in made
    return _lookup(value, made) if is_history else value


def _resolve_ends(ends: Any, made: dict) -> Any:
    if isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str) and isinstance(ends[1], int):
        return _lookup(ends, made)
    if isinstance(ends, dict):
        return {k: _resolve_ends(v, made) for k, v in ends.items()}
    return (tuple if isinstance(ends, tuple) else list)(_resolve_ends(e, made) for e in ends)
