"""The boxes and arrows of a model's picture, before anything draws them."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kerasish.layers.core.input_layer import InputLayer
from kerasish.models.functional import Functional
from kerasish.models.sequential import Sequential
from kerasish.utils import tree


@dataclass(frozen=True)
class Shown:
    """What is written in each box, and whether models inside are opened."""

    shapes: bool = False
    dtype: bool = False
    layer_names: bool = True
    layer_activations: bool = False
    trainable: bool = False
    nested: bool = False


@dataclass
class Box:
    """One layer: its title, lines below it, whether it trains (None: not shown), the model inside (None: closed)."""

    title: str
    rows: list[str]
    trainable: bool | None = None
    inside: "Diagram | None" = None


class End(NamedTuple):
    """One end of an arrow: the box, and which of its inputs or outputs."""

    box: int
    slot: int


@dataclass
class Diagram:
    """Boxes in the order of computation, arrows between them, and where a model's inputs enter and outputs leave."""

    name: str
    boxes: list[Box]
    arrows: list[tuple[End, End]] = field(default_factory=list)
    entries: list[End] = field(default_factory=list)
    exits: list[End] = field(default_factory=list)


def make_diagram(model: Any, shown: Shown) -> Diagram:
    """Return the diagram of a model; a model of a class of its own is a single box.

    Raises:
        ValueError: the model is not built.
    """
    if not model.built:
        raise ValueError(f"model {model.name!r} is not built, so its layers are not known: call it on data, or call "
                         "`build(input_shape)`")
    if isinstance(model, Sequential):
        last = len(model.layers) - 1
        return Diagram(model.name, [_box(layer, shown) for layer in model.layers],
                       [(End(i, 0), End(i + 1, 0)) for i in range(last)], [End(0, 0)], [End(last, 0)])
    if isinstance(model, Functional):
        return _of_graph(model, shown)
    return Diagram(model.name, [_box(model, shown)])


def _of_graph(model: Functional, shown: Shown) -> Diagram:
    place = {id(operation): i for i, operation in enumerate(model.operations)}

    def source(x: Any) -> End:
        operation, _, slot = x._keras_history
        return End(place[id(operation)], slot)

    arrows = [(source(x), End(place[id(node.operation)], slot))
              for node in model._graph._nodes for slot, x in enumerate(node.inputs)
              if x._keras_history is not None and id(x._keras_history.operation) in place]
    return Diagram(model.name, [_box(operation, shown) for operation in model.operations],
                   list(dict.fromkeys(arrows)), [source(x) for x in model.inputs], [source(x) for x in model.outputs])


def _box(layer: Any, shown: Shown) -> Box:
    kind = type(layer).__name__
    box = Box(f"{layer.name} ({kind})" if shown.layer_names else kind, [])
    activation = getattr(layer, "activation", None)
    if shown.layer_activations and activation is not None:
        name = getattr(activation, "name", None) or getattr(activation, "__name__", None) or str(activation)
        box.rows.append(f"Activation: {name}")
    if shown.shapes:
        if not isinstance(layer, InputLayer):
            box.rows.append(f"Input shape: {_of_ends(layer, 'input', 'shape')}")
        box.rows.append(f"Output shape: {_of_ends(layer, 'output', 'shape')}")
    if shown.dtype:
        box.rows.append(f"Output dtype: {_of_ends(layer, 'output', 'dtype')}")
    if shown.trainable and getattr(layer, "weights", None):
        box.trainable = layer.trainable
    if shown.nested and isinstance(layer, Functional | Sequential) and layer.built:
        box.inside = make_diagram(layer, shown)
    return box


def _of_ends(layer: Any, end: str, attribute: str) -> str:
    """Shapes or dtypes of a layer's only inputs or outputs, a question mark where it has none or several."""
    try:
        found = tree.map_structure(lambda x: getattr(x, attribute), getattr(layer, end))
    except (AttributeError, ValueError):
        return "?"
    return ", ".join(f"{k}: {v}" for k, v in found.items()) if isinstance(found, dict) else str(found)
