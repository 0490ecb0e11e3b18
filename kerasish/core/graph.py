"""Functions over symbolic graphs: feed any tensors, fetch any others."""

from typing import Any

from kerasish.core.spec import agree
from kerasish.core.symbolic import KerasTensor, Node, Operation, compute_output_spec
from kerasish.utils import tree


def node_of(x: KerasTensor) -> Node | None:
    """Return the node that made a symbolic tensor, None for one without history."""
    history = x._keras_history
    return None if history is None else history.operation._inbound_nodes[history.node_index]


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """Return the inputs of which a symbolic tensor is made, itself if it is one (Keras: `utils.get_source_inputs`)."""
    sources: dict[int, KerasTensor] = {}
    seen: set[int] = set()
    stack = [tensor]
    while stack:
        x = stack.pop()
        node = node_of(x)
        if node is None or node.is_input:
            sources.update((id(s), s) for s in (node.outputs if node else [x]))
        elif id(node) not in seen:
            seen.add(id(node))
            stack.extend(reversed(node.inputs))
    return list(sources.values())


def order_nodes(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[list[Node], list[Operation]]:
    """Return the nodes between inputs and outputs, each after those that it needs, and their operations.

    Operations stand by depth, the farthest from the outputs first, and at one depth as they are met on the way
    back from the outputs: the order in which Keras lists layers and saves their weights.

    Raises:
        ValueError: an output depends on a symbolic tensor that is not among the inputs.
    """
    order, met = _walk_back(inputs, outputs)
    node_depth: dict[int, int] = {}
    depth: dict[int, int] = {}
    operations = {id(node.operation): node.operation for node in order}
    for node in reversed(order):
        d = max(node_depth.get(id(node), 0), depth.get(id(node.operation), 0))
        depth[id(node.operation)] = node_depth[id(node)] = d
        for parent in node.parent_nodes:
            node_depth[id(parent)] = max(node_depth.get(id(parent), 0), d + 1)
    for x in inputs:
        node = node_of(x)  # type: ignore[assignment]
        if node is not None and node.is_input:
            operations[id(node.operation)] = node.operation
            depth.setdefault(id(node.operation), node_depth.get(id(node), 0))
    ranked = sorted(operations.values(), key=lambda o: (-depth[id(o)], met.get(id(o), len(met))))
    nodes = sorted((n for n in order if not n.is_input), key=lambda n: -node_depth[id(n)])
    return nodes, ranked


def _walk_back(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[list[Node], dict[int, int]]:
    """Nodes in topological order, and the turn at which each operation was met."""
    given = {id(x) for x in inputs}
    done: set[int] = set()
    order: list[Node] = []
    met: dict[int, int] = {}
    stack: list[tuple[KerasTensor, bool]] = [(x, False) for x in reversed(outputs)]
    while stack:
        x, ready = stack.pop()
        node = node_of(x)
        if node is None and id(x) in given:
            continue
        if node is None or (node.is_input and id(x) not in given):
            raise ValueError(f"the graph is disconnected: Output {' or '.join(o.name for o in outputs)} is not "
                             f"connected to `inputs` {[i.name for i in inputs]}: {x} is needed, and is none of them")
        if id(node) in done:
            continue
        met.setdefault(id(node.operation), len(met))
        if id(x) in given:
            if node.is_input:
                done.add(id(node))
                order.append(node)
        elif ready:
            done.add(id(node))
            order.append(node)
        else:
            stack.append((x, True))
            stack.extend((i, False) for i in reversed(node.inputs))
    return order, met


def _spent_after(nodes: list[Node], outputs: list[KerasTensor]) -> list[set[int]]:
    """Return, for each node, the ids of the tensors which nobody asks for once it has run."""
    asked = {id(x) for x in outputs}
    spent = []
    for node in reversed(nodes):
        spent.append({id(x) for x in (*node.inputs, *node.outputs)} - asked)
        asked |= spent[-1]
    return spent[::-1]


class Function(Operation):
    """Compute symbolic outputs from values for symbolic inputs (Keras: `Function`).

    Args:
        inputs: symbolic tensors, in any nested structure; any tensor of a graph will do.
        outputs: symbolic tensors, in any nested structure.
        name: unique if left out.

    Raises:
        ValueError: an output depends on an input that is not given, or there is none.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None):
        super().__init__(name=name)
        self._inputs_struct, self._outputs_struct = inputs, outputs
        self._inputs: list[KerasTensor] = tree.flatten(inputs)
        self._outputs: list[KerasTensor] = tree.flatten(outputs)
        if not self._outputs:
            raise ValueError("`outputs` argument cannot be empty: give at least one symbolic tensor")
        if not self._inputs:
            raise ValueError("`inputs` argument cannot be empty: give at least one symbolic tensor")
        for x in (*self._inputs, *self._outputs):
            if not isinstance(x, KerasTensor):
                raise ValueError(f"inputs and outputs must be symbolic KerasTensors, got {x!r}")
        self._nodes, self._operations = order_nodes(self._inputs, self._outputs)
        self._spent = _spent_after(self._nodes, self._outputs)

    operations = property(lambda self: list(self._operations), doc="The operations, inputs first, each once.")
    inputs = property(lambda self: list(self._inputs), doc="The symbolic inputs, flat.")
    outputs = property(lambda self: list(self._outputs), doc="The symbolic outputs, flat.")

    def compute_output_spec(self, inputs: Any) -> Any:
        """Return the symbolic outputs for symbolic inputs of other shapes."""
        return compute_output_spec(self.call, inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shapes of the outputs, in their structure, for shapes of the inputs in theirs."""
        specs = tree.map_shape_structure(lambda s: KerasTensor(s), input_shape)
        specs = [KerasTensor(s.shape, x.dtype) for s, x in zip(tree.flatten(specs), self._inputs, strict=True)]
        return tree.map_structure(lambda x: x.shape, self.compute_output_spec(specs))

    def call(self, inputs: Any) -> Any:
        """Return the outputs for the given input values."""
        flat = tree.flatten(inputs)
        if len(flat) != len(self._inputs):
            raise ValueError(f"invalid input structure: function {self.name!r} takes {len(self._inputs)} inputs, got "
                             f"{len(flat)}")
        for x, value in zip(self._inputs, flat, strict=True):
            shape = getattr(value, "shape", ())
            if len(shape) != len(x.shape) or not all(m is None or agree(m, n) for m, n in zip(x.shape, shape)):
                raise ValueError(f"function {self.name!r} was given incompatible inputs: expected shape {x.shape} for "
                                 f"{x.name!r}, got {tuple(shape)}")
        return self.run(flat)

    def run(self, flat_inputs: list[Any], call: Any = None) -> Any:
        """Compute the outputs node by node.

        Args:
            flat_inputs: one value an input.
            call: `call(operation, args, kwargs)`; by default the operation is called.

        Returns:
            Values in the structure of the outputs.
        """
        values = {id(x): v for x, v in zip(self._inputs, flat_inputs, strict=True)}
        for node, spent in zip(self._nodes, self._spent, strict=True):
            args, kwargs = node.fill_in(values)
            out = node.operation(*args, **kwargs) if call is None else call(node.operation, args, kwargs)
            for symbol, value in zip(node.outputs, tree.flatten(out), strict=True):
                values[id(symbol)] = value
            for symbol_id in spent:  # so that memory is free for the next node
                values.pop(symbol_id, None)
        return tree.map_structure(lambda x: values[id(x)], self._outputs_struct)
