"""Symbolic tensors and the graph of operations that they remember."""

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.core import abstract, op
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.tensor import TensorOperators
from kerasish.utils import naming, tree
from kerasish.utils.constructor import constructor_arguments


class KerasHistory(NamedTuple):
    """Where a symbolic tensor comes from."""

    operation: Any
    node_index: int
    tensor_index: int


_NO_VALUE = ("{} {}: it stands for a tensor to come. Use kerasish.ops and layers on it, not NumPy, Python "
             "branches, loops over its elements or int()/float().")


class KerasTensor(TensorOperators):
    """A tensor that stands for values to come: a shape with None for unknown lengths, and a dtype.

    Args:
        shape: lengths of the axes.
        dtype: name of the dtype.
        sparse: must be False.
        ragged: must be False.
        record_history: whether operations on it are remembered.
        name: unique if left out.
    """

    shape: tuple[int | None, ...]
    dtype: str
    sparse: bool
    ragged: bool

    def __init__(self, shape: Any, dtype: Any = "float32", sparse: bool = False, ragged: bool = False,
                 record_history: bool = True, name: str | None = None, **kwargs: Any):
        if sparse or ragged:
            raise ValueError("sparse and ragged tensors are not supported: make the tensor dense")
        if kwargs.keys() - {"ragged_rank", "row_splits_dtype"}:
            raise TypeError(f"Unrecognized keyword arguments {sorted(kwargs)} of KerasTensor")
        self.shape = tuple(None if n is None else int(n) for n in ([shape] if isinstance(shape, int) else shape))
        self.dtype = standardize_dtype(dtype)
        self.sparse = self.ragged = False
        self.name = name or naming.auto_name("keras_tensor")
        self.record_history = record_history
        self._keras_history: KerasHistory | None = None

    ndim = property(lambda self: len(self.shape), doc="Number of axes.")

    @property
    def size(self) -> int | None:
        """Number of elements, None if it is unknown."""
        out = 1
        for n in self.shape:
            if n is None:
                return None
            out *= n
        return out

    def reshape(self, newshape: Any) -> Any:
        """Return the tensor in another shape."""
        return op.OPS["reshape"](self, newshape)

    def squeeze(self, axis: Any = None) -> Any:
        """Return the tensor without axes of length 1."""
        return op.OPS["squeeze"](self, axis)

    __hash__ = object.__hash__

    def _no_value(self, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(_NO_VALUE.format(self, "has no values"))

    def _no_number(self, *_args: Any, **_kwargs: Any) -> Any:
        raise ValueError(_NO_VALUE.format(self, "doesn't have any actual numerical value"))

    def __iter__(self) -> Any:
        raise NotImplementedError(_NO_VALUE.format(self, "has no values"))

    def __bool__(self) -> bool:
        raise TypeError(_NO_VALUE.format(self, "cannot be used as a boolean"))

    __index__ = __len__ = _no_value
    __array__ = __int__ = __float__ = _no_number

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError(f"{self} cannot be written to: use kerasish.ops.slice_update or scatter_update")

    def __repr__(self) -> str:
        return f"<KerasTensor shape={self.shape}, dtype={self.dtype}, sparse={self.sparse}, name={self.name}>"


def is_keras_tensor(x: Any) -> bool:
    """Tell whether a value is a symbolic tensor."""
    return isinstance(x, KerasTensor)


def any_symbolic(*structures: Any) -> bool:
    """Tell whether nested arguments hold a symbolic tensor."""
    return _holds(structures)


def _holds(x: Any) -> bool:
    if isinstance(x, KerasTensor):
        return True
    if isinstance(x, dict):
        x = x.values()
    elif not isinstance(x, list | tuple):
        return False
    for e in x:  # noqa: SIM110  every op comes by here: a generator would take longer
        if type(e) not in op.PLAIN and _holds(e):
            return True
    return False


class Node:
    """One call of an operation on symbolic tensors: what went in, and what came out."""

    def __init__(self, operation: "Operation", call_args: tuple, call_kwargs: dict, outputs: Any):
        self.operation, self.args, self.kwargs = operation, call_args, call_kwargs
        self.outputs = [x for x in tree.flatten(outputs) if isinstance(x, KerasTensor)]
        self.inputs = [x for x in tree.flatten((call_args, call_kwargs)) if isinstance(x, KerasTensor)]
        self.is_input = not self.inputs
        index = len(operation._inbound_nodes)
        operation._inbound_nodes.append(self)
        for i, x in enumerate(self.outputs):
            x._keras_history = KerasHistory(operation, index, i)
        for parent in self.parent_nodes:
            parent.operation._outbound_nodes.append(self)

    @property
    def parent_nodes(self) -> list["Node"]:
        """The nodes that made the inputs, once each."""
        found: dict[int, Node] = {}
        for x in self.inputs:
            if x._keras_history is not None:
                node = x._keras_history.operation._inbound_nodes[x._keras_history.node_index]
                found[id(node)] = node
        return list(found.values())

    def fill_in(self, values: dict[int, Any]) -> tuple[tuple, dict]:
        """Return the arguments of the call with values in the place of symbolic tensors."""
        return tree.map_structure(lambda x: values.get(id(x), x), (self.args, self.kwargs))


class Operation:
    """Something that can be called on tensors, and remembers its calls on symbolic ones.

    Args:
        name: unique if left out.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        # What it was made with, for the config of classes that define none.
        object.__setattr__(instance, "_init_arguments", (args, kwargs))
        return instance

    def __init__(self, name: str | None = None):
        name = name if name is not None else naming.auto_name(type(self).__name__)
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"a name is a string that cannot contain character `/`, got {name!r}")
        self.name = name
        self._inbound_nodes: list[Node] = []
        self._outbound_nodes: list[Node] = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if any_symbolic(args, kwargs):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic result of a call, and remember the call."""
        outputs = self.compute_output_spec(*args, **kwargs)
        inputs = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)]
        if all(x.record_history for x in inputs):
            Node(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return symbolic tensors with the shapes and dtypes of the result."""
        return compute_output_spec(self.call, *args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the result."""
        raise NotImplementedError(f"{type(self).__name__} has no `call` method")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data.

        A subclass that does not define it gets them from the call of its constructor.

        Raises:
            NotImplementedError: such a constructor took something that is no plain data.
        """
        cls = type(self)
        if cls.get_config is not Operation.get_config or cls.__init__ is Operation.__init__:
            return {"name": self.name}
        parameters = inspect.signature(cls.__init__).parameters
        named = "name" in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        return {**constructor_arguments(self, defaults=True), **({"name": self.name} if named else {})}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make an operation from what `get_config` gave."""
        return cls(**config)

    def _first_node(self, what: str) -> Node:
        if not self._inbound_nodes:
            raise AttributeError(f"{type(self).__name__} {self.name!r} has never been called on symbolic tensors, so "
                                 f"it has no `{what}`")
        return self._inbound_nodes[0]

    @property
    def input(self) -> Any:
        """The symbolic input of its first call."""
        node = self._first_node("input")
        if len(node.args) == 1 and not any_symbolic(node.kwargs):
            return node.args[0]
        return node.inputs[0] if len(node.inputs) == 1 else list(node.inputs)

    @property
    def output(self) -> Any:
        """The symbolic output of its first call."""
        outputs = self._first_node("output").outputs
        return outputs[0] if len(outputs) == 1 else list(outputs)


def compute_output_spec(function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
    """Return a function's result on symbolic tensors as symbolic tensors without history."""
    out = abstract.infer(function, is_keras_tensor, args, kwargs)
    return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype) if isinstance(x, abstract.Inferred) else x, out)


class FunctionOperation(Operation):
    """A public op as a node of a symbolic graph; `function` is the op."""

    function: Callable[..., Any]
    _classes: dict[Any, type] = {}

    @staticmethod
    def of(function: Callable[..., Any]) -> type["FunctionOperation"]:
        """Return the operation class of a public op: `expand_dims` gives `ExpandDims`."""
        found = FunctionOperation._classes.get(function)
        if found is None:
            title = "".join(part.title() for part in function.__name__.split("_"))
            found = type(title, (FunctionOperation,), {"function": staticmethod(function), "__doc__": function.__doc__})
            FunctionOperation._classes[function] = found
        return found

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    def __reduce__(self) -> tuple:  # these classes are made as they are needed, so that pickle cannot find them
        return _new_operation, (self.function.__name__,), vars(self)

    @property
    def signature(self) -> inspect.Signature:
        """The signature of the op."""
        return inspect.signature(self.function)


def _new_operation(name: str) -> FunctionOperation:
    cls = FunctionOperation.of(op.OPS[name])
    return cls.__new__(cls)


def _call_symbolic(function: Callable[..., Any], args: tuple, kwargs: dict) -> Any:
    return FunctionOperation.of(function)().symbolic_call(*args, **kwargs)


op.symbolic_door["holds"] = _holds
op.symbolic_door["call"] = _call_symbolic
