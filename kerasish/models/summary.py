"""The table that `summary()` prints: layers, output shapes, numbers of parameters."""

import re
import textwrap
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from kerasish.core.graph import Function
from kerasish.core.variable import Variable
from kerasish.utils import interactive


class Column(NamedTuple):
    """One column: its header, its alignment, and its width with padding."""

    title: str
    align: str
    width: int


def print_summary(model: Any, line_length: int | None = None, positions: Any = None,
                  print_fn: Callable[[str], Any] | None = None, expand_nested: bool = False,
                  show_trainable: bool = False, layer_range: Any = None) -> None:
    """Print the summary of a model; arguments as in `Model.summary`."""
    text = summary_text(model, line_length, positions, expand_nested, show_trainable, layer_range)
    if print_fn is not None:
        print_fn(text)
    else:
        interactive.print_msg(text, line_break=False)


def summary_text(model: Any, line_length: int | None, positions: Any, expand_nested: bool, show_trainable: bool,
                 layer_range: Any) -> str:
    """Return the summary of a model as text."""
    graph: Function | None = getattr(model, "_graph", None)
    branches = graph is not None and not _is_chain(graph)
    columns = _columns(branches, show_trainable, line_length, positions)
    own_nodes = model._inbound_model_nodes if branches else set()
    listed = model.operations if graph is not None else model.layers
    rows = []
    for layer in _in_range(listed, layer_range):
        rows += _rows(layer, own_nodes if branches else None, expand_nested, show_trainable, 0)
    return f'Model: "{model.name}"\n{_table(columns, rows)}{_totals(model)}'


def _is_chain(graph: Function) -> bool:
    """Whether every operation is called once, on the result of the one before it."""
    called = [id(n.operation) for n in graph._nodes]
    sources = [id(x) for n in graph._nodes for x in n.inputs]
    return (len(set(called)) == len(called) and all(len(n.inputs) == 1 for n in graph._nodes)
            and len(set(sources)) == len(sources) and len(graph.inputs) == 1)


def _columns(branches: bool, show_trainable: bool, line_length: int | None, positions: Any) -> list[Column]:
    titles = ["Layer (type)", "Output Shape", "Param #"]
    aligns = ["left", "left", "right"]
    ends = list(positions or ([0.3, 0.56, 0.74, 1.0] if branches else [0.45, 0.80, 1.0]))
    length = 108 if branches else 88
    if branches:
        titles, aligns = [*titles, "Connected to"], [*aligns, "left"]
    if show_trainable:
        titles, aligns, length = [*titles, "Trainable"], [*aligns, "center"], length + 12
        ends = [e * 0.9 for e in ends] + [1.0]
    length = line_length or max(min(length, interactive.screen_columns() - 4), 40)
    absolute = [int(e * length) if e <= 1 else int(e) for e in ends]
    widths = [end - start - 1 for start, end in zip([0, *absolute], absolute, strict=False)]
    widths[-2] -= 1  # for the border at the left
    if min(widths) < 4:
        raise ValueError(f"a summary {length} characters wide is too narrow for {len(titles)} columns")
    return [Column(t, a, w) for t, a, w in zip(titles, aligns, widths, strict=True)]


def _in_range(layers: list, layer_range: Any) -> list:
    if not layer_range:
        return layers
    if len(layer_range) != 2 or not all(isinstance(r, str) for r in layer_range):
        raise ValueError(f"layer_range must be two names or regular expressions, got {layer_range!r}")
    first = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    last = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not first or not last:
        raise ValueError(f"layer_range {layer_range!r} matches no layer of {[layer.name for layer in layers]}")
    a, b = min(first), max(last)
    return layers[min(a, b): max(a, b) + 1]


def _rows(layer: Any, own_nodes: set[int] | None, expand: bool, show_trainable: bool, level: int) -> list[list[str]]:
    prefix = "   " * level + "└ " if level else ""
    built = getattr(layer, "built", True)
    count = layer.count_params() if built and hasattr(layer, "count_params") else 0
    row = [f"{prefix}{layer.name} ({type(layer).__name__})", _output_shape(layer),
           f"{count:,}" if built else "0 (unbuilt)"]
    if own_nodes is not None:
        row.append(_connections(layer, own_nodes))
    if show_trainable:
        row.append(("Y" if layer.trainable else "N") if getattr(layer, "weights", None) else "-")
    rows = [row]
    if expand:
        for inner in getattr(layer, "layers", []):
            rows += _rows(inner, own_nodes, expand, show_trainable, level + 1)
    return rows


def _connections(layer: Any, own_nodes: set[int]) -> str:
    found = [x._keras_history for n in layer._inbound_nodes if id(n) in own_nodes for x in n.inputs]
    return ", ".join(f"{h.operation.name}[{h.node_index}][{h.tensor_index}]" for h in found) or "-"


def _output_shape(layer: Any) -> str:
    if layer._inbound_nodes:
        shapes = [_shape_text(x.shape) for x in layer._inbound_nodes[-1].outputs]
        return shapes[0] if len(shapes) == 1 else f"[{', '.join(shapes)}]"
    build_shapes = getattr(layer, "_build_shapes", None)
    if not build_shapes:
        return "?"
    try:
        if len(build_shapes) == 1:  # whatever the argument is called
            shape = layer.compute_output_shape(*build_shapes.values())
        else:
            shape = layer.compute_output_shape(**build_shapes)
        return _shape_text(shape)
    except (TypeError, ValueError, NotImplementedError, AttributeError):
        return "?"


def _shape_text(shape: Any) -> str:
    if isinstance(shape, tuple) and all(n is None or isinstance(n, int) for n in shape):
        return f"({', '.join(map(str, shape))})"
    if isinstance(shape, list | dict) and len(shape) == 1:
        return _shape_text(*(shape.values() if isinstance(shape, dict) else shape))
    if isinstance(shape, dict):
        return "{" + ", ".join(f"{k}: {_shape_text(v)}" for k, v in shape.items()) + "}"
    return f"[{', '.join(map(_shape_text, shape))}]"


def _table(columns: list[Column], rows: list[list[str]]) -> str:
    def rule(left: str, line: str, cross: str, right: str) -> str:
        return left + cross.join(line * c.width for c in columns) + right + "\n"

    out = rule("┏", "━", "┳", "┓") + _cells(columns, [c.title for c in columns], "┃") + rule("┡", "━", "╇", "┩")
    body = [_cells(columns, row, "│") for row in rows]
    return out + rule("├", "─", "┼", "┤").join(body) + rule("└", "─", "┴", "┘")


def _cells(columns: list[Column], texts: list[str], edge: str) -> str:
    place: dict[str, Callable[[str, int], str]] = {"left": str.ljust, "right": str.rjust, "center": str.center}
    wrapped = [_wrap(t, c.width - 2) for c, t in zip(columns, texts, strict=True)]
    out = ""
    for i in range(max(map(len, wrapped))):
        parts = [place[c.align](w[i] if i < len(w) else "", c.width - 2)
                 for c, w in zip(columns, wrapped, strict=True)]
        out += edge + edge.join(f" {p} " for p in parts) + edge + "\n"
    return out


def _wrap(text: str, width: int) -> list[str]:
    """The lines of a cell: broken between words, and a word that is too long cut off."""
    indent = text[: len(text) - len(text.lstrip())]
    wrapped = textwrap.wrap(text.lstrip(), max(width - len(indent), 1), break_long_words=False, break_on_hyphens=False)
    lines = wrapped or [""]
    return [indent + line if len(indent + line) <= width else f"{indent}{line}"[: width - 1] + "…" for line in lines]


def _totals(model: Any) -> str:
    optimizer = model.optimizer.variables if model.compiled and model.optimizer and model.optimizer.built else []
    groups = {"Trainable": model.trainable_weights, "Non-trainable": model.non_trainable_weights}
    if optimizer:
        groups["Optimizer"] = optimizer
    everything = [v for group in groups.values() for v in group]
    lines = [f" Total params: {_amount(everything)}"]
    lines += [f" {name} params: {_amount(group)}" for name, group in groups.items()]
    return "\n".join(lines) + "\n"


def _amount(variables: list[Variable]) -> str:
    count = sum(v.size for v in variables)
    size = float(sum(v.size * np.dtype(v.handle.dtype).itemsize for v in variables))
    for unit in ("B", "KB", "MB", "GB", "TB"):
        if size < 1024 or unit == "TB":
            return f"{count:,} ({size:.2f} {unit})"
        size /= 1024
    return ""
