"""The functional model: a graph of layers between symbolic inputs and outputs."""

import inspect
import warnings
from typing import Any

from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.graph import Function, node_of
from kerasish.core.spec import agree
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.core.tensor import OPS, Tensor
from kerasish.layers.base.input_spec import InputSpec, assert_input_compatibility
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.input_layer import Input
from kerasish.models import functional_config
from kerasish.models.model import Model
from kerasish.utils import tree
from kerasish.utils.registry import builtin


@builtin("keras.src.models.functional", "keras", "keras.models", "keras.engine.functional")
class Functional(Model):
    """A model made of a graph of layers; `Model(inputs, outputs)` makes one.

    Args:
        inputs: symbolic tensors, in any nested structure.
        outputs: symbolic tensors made of them, in any nested structure.
        name: unique if left out.
        trainable: whether training changes its weights.
    """

    _graph: Function
    output_names: list[str]
    input_names: list[str]
    _given_input_spec: Any = None

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, trainable: bool | None = None,
                 **kwargs: Any):
        self._init_trainer()
        inputs, outputs = _as_structure(inputs, "inputs"), _as_structure(outputs, "outputs")
        inputs, outputs = _from_fresh_inputs(inputs, outputs)
        # The layers keep what they say of themselves: only setting the attribute later changes them too.
        Layer.__init__(self, name=name, trainable=trainable is not False, **kwargs)
        self._set_untracked(_graph=Function(inputs, outputs, name=self.name))
        _check_names(self._graph.operations, self.name)
        for operation in self._graph.operations:
            if isinstance(operation, Layer):
                self._tracker.track(operation)
        self._set_untracked(output_names=_output_names(outputs), input_names=[_maker(x) for x in self.inputs])
        self._convert_input_args = False
        self._allow_non_tensor_positional_args = True
        self.built = True

    _layers_saved_first = True

    @classmethod
    def _attributes_not_saved(cls) -> frozenset[str]:
        return super()._attributes_not_saved() | {"operations", "_graph"}

    inputs = property(lambda self: self._graph.inputs, doc="The symbolic inputs, flat.")
    outputs = property(lambda self: self._graph.outputs, doc="The symbolic outputs, flat.")
    input = property(lambda self: _single(self._graph._inputs_struct), doc="The symbolic inputs, in their structure.")
    output = property(lambda self: _single(self._graph._outputs_struct), doc="The symbolic outputs.")
    operations = property(lambda self: self._graph.operations, doc="Layers and ops of the graph, inputs first.")

    @property
    def input_shape(self) -> Any:
        """Shapes of the inputs, in their structure."""
        return _single(tree.map_structure(lambda x: x.shape, self._graph._inputs_struct))

    @property
    def output_shape(self) -> Any:
        """Shapes of the outputs, in their structure."""
        return _single(tree.map_structure(lambda x: x.shape, self._graph._outputs_struct))

    @Model.layers.getter  # type: ignore[attr-defined]
    def layers(self) -> list[Layer]:
        """The layers of the graph, inputs first."""
        return [o for o in self._graph.operations if isinstance(o, Layer)]

    @property
    def _inbound_model_nodes(self) -> set[int]:
        """Ids of the nodes that belong to this model."""
        own = {id(n) for n in self._graph._nodes}
        return own | {id(node_of(x)) for x in self.inputs}

    @property
    def input_spec(self) -> Any:
        """What the model expects: the shapes of its inputs, the batch size left open, unless another spec was set."""
        if self._given_input_spec is not None:
            return self._given_input_spec
        specs = []
        named = isinstance(self._graph._inputs_struct, dict)
        keys = [p[-1] for p, _ in tree.flatten_with_path(self._graph._inputs_struct)] if named else None
        for i, x in enumerate(self.inputs):
            specs.append(InputSpec(shape=(None, *x.shape[1:]), allow_last_axis_squeeze=True,
                                   name=keys[i] if keys else None, optional=_is_optional(x)))
        return specs

    @input_spec.setter
    def input_spec(self, value: Any) -> None:
        self._set_untracked(_given_input_spec=value)

    def build(self, input_shape: Any) -> None:
        """The graph is built already."""
        self.built = True

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = self._arranged(inputs)
        self._check_shapes(inputs)
        return super().__call__(inputs, *args, **kwargs)

    def _check_shapes(self, inputs: Any) -> None:
        if self._given_input_spec is not None:
            assert_input_compatibility(self._given_input_spec, inputs, self.path)
            return
        for i, (x, symbol) in enumerate(zip(tree.flatten(inputs), self.inputs, strict=True)):
            shape, expected = tuple(getattr(x, "shape", ())), symbol.shape
            if shape[1:] == expected[1:]:
                continue
            # Where a last axis is missing or too many, `call` mends it or says that it cannot.
            if len(shape) == len(expected) and not all(
                    None in (n, m) or agree(n, m) for n, m in zip(shape[1:], expected[1:], strict=True)):
                raise ValueError(f"input {i} is incompatible with the layer {self.path!r}: expected shape="
                                 f"{(None, *expected[1:])}, found shape={shape}")

    def _known_output(self) -> Any:
        changed = type(self).call is not Functional.call or type(self).__call__ is not Functional.__call__
        known = all(isinstance(x, KerasTensor) and None not in x.shape[1:] for x in self.outputs)
        return self.output if known and not changed else None

    def _arranged(self, inputs: Any) -> Any:
        """Inputs in the model's own structure: a dict by input names serves a model with a list."""
        own = self._graph._inputs_struct
        if isinstance(inputs, dict) and not isinstance(own, dict):
            names = self.input_names
            missing = [n for n in names if n not in inputs]
            if missing:
                raise ValueError(f"model {self.name!r} is missing the inputs {missing}; it got {sorted(inputs)}")
            values = [inputs[n] for n in names]
            return tree.pack_sequence_as(own, values)
        flat = tree.flatten(inputs)
        if isinstance(own, dict) and isinstance(inputs, dict):
            return self._by_key(own, inputs)
        if isinstance(own, dict) and len(own) > 1:
            message = f"model {self.name!r} expects named input(s) with keys {list(own)}, got a {type(inputs).__name__}"
            if list(own) != sorted(own) or not isinstance(inputs, list | tuple) or len(flat) != len(self.inputs):
                raise ValueError(message)
            warnings.warn(f"{message}: its entries are taken in this order", stacklevel=3)
        if len(flat) != len(self.inputs):
            shapes = [tuple(getattr(x, "shape", ())) for x in flat]
            raise ValueError(f"model {self.name!r} expects {len(self.inputs)} input(s) {self.input_names}, but "
                             f"received {len(flat)} of shapes {shapes[:5]}")
        return tree.pack_sequence_as(own, flat)

    def _by_key(self, own: dict[str, Any], inputs: dict[str, Any]) -> dict[str, Any]:
        missing = [k for k, x in own.items() if k not in inputs and not all(map(_is_optional, tree.flatten(x)))]
        if missing:
            raise ValueError(f"model {self.name!r} is missing the inputs {missing}; it got {sorted(inputs)}")
        extra = sorted(set(inputs) - set(own))
        if extra:
            warnings.warn(f"model {self.name!r} has no inputs {extra}: what was given for them is not used",
                          stacklevel=4)
        return {k: inputs[k] if k in inputs else tree.map_structure(lambda _: None, x) for k, x in own.items()}

    def call(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Compute the outputs, layer by layer."""
        flat = [self._standardized(x, i) for i, x in enumerate(tree.flatten(inputs))]
        for x, m in zip(flat, tree.flatten(mask), strict=False):
            if m is not None:
                x._keras_mask = m
        return _single(self._graph.run(flat))

    def _standardized(self, x: Any, i: int) -> Any:
        """An input with the dtype of its symbol, and a last axis of length 1 added or dropped to fit its rank."""
        symbol = self.inputs[i]
        if x is None and not _is_optional(symbol):
            raise ValueError(f"model {self.name!r} got None for the input {self.input_names[i]!r}, which is not "
                             "optional")
        if x is None or not hasattr(x, "dtype"):
            return x
        mask = getattr(x, "_keras_mask", None)
        y = x
        if not isinstance(y, Tensor | KerasTensor) and symbol.dtype != "string":
            y = to_tensor(y)
        if standardize_dtype(x.dtype) != symbol.dtype and symbol.dtype != "string":
            y = OPS["cast"](x, symbol.dtype)
        rank, expected = len(x.shape), len(symbol.shape)
        if rank == expected + 1 and x.shape[-1] == 1:
            y = y[..., 0] if symbol.dtype == "string" else OPS["squeeze"](y, axis=-1)
        elif rank == expected - 1 and symbol.shape[-1] == 1:
            y = y[..., None] if symbol.dtype == "string" else OPS["expand_dims"](y, axis=-1)
        if mask is not None and y is not x:
            y._keras_mask = mask
        if len(y.shape) != expected:
            path = ".".join(map(str, tree.flatten_with_path(self._graph._inputs_struct)[i][0]))
            raise ValueError(f"the input of model {self.name!r} with name {self.input_names[i]!r} and path {path!r} "
                             f"has {expected} axes, shape {symbol.shape}, but was given shape {tuple(x.shape)}")
        return y

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs for shapes of the inputs."""
        symbols = [KerasTensor(s, x.dtype) for s, x in zip(_flat_shapes(input_shape), self.inputs, strict=True)]
        return tree.map_structure(lambda x: x.shape, _single(self._graph.run(symbols)))

    def compute_output_spec(self, inputs: Any, training: Any = None, mask: Any = None, **kwargs: Any) -> Any:
        """Return symbolic outputs for symbolic inputs."""
        return compute_output_spec(self.call, inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """Return None: the layers inside set the masks of the outputs themselves."""

    def _lock(self) -> None:
        """Stay open: a model may be given layers beside those of its graph."""

    def get_config(self) -> dict[str, Any]:
        """Return the graph as plain data, in Keras's format."""
        if not made_like_functional(type(self)):
            return Layer.get_config(self)  # a subclass with a constructor of its own
        return functional_config.serialize(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make a model from what `get_config` gave."""
        if "layers" not in config:
            return Layer.from_config.__func__(cls, config)  # type: ignore[attr-defined]
        return functional_config.deserialize(cls, config, custom_objects)


Model.functional_class = Functional


def made_like_functional(cls: type) -> bool:
    """Tell whether a class of models is made of inputs and outputs, or hands all its arguments on."""
    own, functional = inspect.getfullargspec(cls.__init__), inspect.getfullargspec(Functional.__init__)  # type: ignore
    return own.args == functional.args or (own.varargs is not None and own.varkw is not None)


def _is_optional(symbol: KerasTensor) -> bool:
    return getattr(symbol._keras_history.operation, "optional", False)  # type: ignore[union-attr]


def _check_names(operations: list[Any], model: str) -> None:
    names = [o.name for o in operations]
    taken = sorted({n for n in names if names.count(n) > 1})
    if taken:
        raise ValueError(f"the layers and ops of model {model!r} must have names of their own, but there are several "
                         f"called {taken}")


def _as_structure(x: Any, what: str) -> Any:
    for leaf in tree.flatten(x):
        if not isinstance(leaf, KerasTensor):
            raise ValueError(f"All `{what}` values must be KerasTensors, made by keras.Input and by layers called on "
                             f"them: got a {type(leaf).__name__}")
    return x


def _from_fresh_inputs(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Where an input is the result of a layer, the part of the graph behind it, on inputs of its own."""
    flat = tree.flatten(inputs)
    nodes = [node_of(x) for x in flat]
    if all(n is not None and n.is_input for n in nodes):
        return inputs, outputs
    fresh = [x if n is not None and n.is_input else Input(batch_shape=x.shape, dtype=x.dtype, name=x.name)
             for x, n in zip(flat, nodes, strict=True)]
    return tree.pack_sequence_as(inputs, fresh), Function(inputs, outputs).run(fresh)


def _maker(x: KerasTensor) -> str:
    return x._keras_history.operation.name  # type: ignore[union-attr]


def _output_names(outputs: Any) -> list[str]:
    names: list[str] = []
    for path, x in tree.flatten_with_path(outputs):
        base = name = path[-1] if path and isinstance(path[-1], str) else _maker(x)
        n = 0
        while name in names:
            n += 1
            name = f"{base}_{n}"
        names.append(name)
    return names


def _single(x: Any) -> Any:
    """The only element of a list of one."""
    return x[0] if isinstance(x, list) and len(x) == 1 else x


def _flat_shapes(shape: Any) -> list[tuple]:
    if isinstance(shape, list | tuple) and all(n is None or isinstance(n, int) for n in shape):
        return [tuple(shape)]
    values = [shape[k] for k in sorted(shape)] if isinstance(shape, dict) else shape
    return [s for v in values for s in _flat_shapes(v)]
