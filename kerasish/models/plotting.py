"""Pictures of models: `keras.utils.model_to_dot` and `keras.utils.plot_model`."""

import html
import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from kerasish.models.diagram import Box, Diagram, Shown, make_diagram
from kerasish.models.drawing import draw


def model_to_dot(model: Any, show_shapes: bool = False, show_dtype: bool = False, show_layer_names: bool = True,
                 rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200, subgraph: bool = False,
                 show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho",
                 **kwargs: Any) -> Any:
    """Return a model as a graph of graphviz (Keras: `utils.model_to_dot`).

    Args:
        model: a built model.
        show_shapes, show_dtype, show_layer_names, show_layer_activations, show_trainable: what each box says.
        rankdir: "TB", "BT", "LR" or "RL": the way the arrows go.
        expand_nested: whether models inside are drawn open, as clusters.
        dpi: dots per inch of images made of it.
        subgraph: whether to return a cluster rather than a graph.
        splines: how graphviz draws arrows: "ortho", "curved", "polyline", "spline" or "line".

    Returns:
        A `pydot.Dot`, or a `pydot.Cluster` with `subgraph`.

    Raises:
        ImportError: pydot is not installed.
        ValueError: the model is not built.
    """
    _refuse(kwargs)
    diagram = make_diagram(model, Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations,
                                        show_trainable, expand_nested))
    return _dot(diagram, dict(rankdir=rankdir, dpi=dpi, splines=splines), subgraph)


def plot_model(model: Any, to_file: Any = "model.png", show_shapes: bool = False, show_dtype: bool = False,
               show_layer_names: bool = False, rankdir: str = "TB", expand_nested: bool = False, dpi: int = 200,
               show_layer_activations: bool = False, show_trainable: bool = False, splines: str = "ortho",
               **kwargs: Any) -> Any:
    """Draw a model into a file (Keras: `utils.plot_model`).

    With pydot and graphviz they draw; else Matplotlib does, where `splines` has no effect.

    Args:
        model: a built model.
        to_file: path; its ending says the format, png if it has none.
        others: as in `model_to_dot`.

    Returns:
        The picture for display where IPython is installed, else None.

    Raises:
        ImportError: neither pydot and graphviz nor Matplotlib are installed.
        ValueError: the model is not built, or the format is unknown.
    """
    _refuse(kwargs)
    diagram = make_diagram(model, Shown(show_shapes, show_dtype, show_layer_names, show_layer_activations,
                                        show_trainable, expand_nested))
    file_format = Path(to_file).suffix[1:].lower() or "png"
    if shutil.which("dot") and find_spec("pydot"):
        _dot(diagram, dict(rankdir=rankdir, dpi=dpi, splines=splines)).write(str(to_file), format=file_format)
    else:
        draw(diagram, to_file, file_format, rankdir, dpi)
    return _displayed(to_file, file_format)


def _refuse(kwargs: dict[str, Any]) -> None:
    if kwargs.pop("layer_range", None) is not None:
        raise ValueError("argument `layer_range` is not supported: plot a model made of the layers instead")
    if kwargs:
        raise ValueError(f"unknown arguments {sorted(kwargs)}")


def _displayed(to_file: Any, file_format: str) -> Any:
    try:
        from IPython import display
    except ImportError:
        return None
    if file_format == "svg":
        return display.SVG(filename=str(to_file))
    return display.Image(filename=str(to_file)) if file_format in ("png", "jpg", "jpeg", "gif") else None


# ---- graphviz ----


def _dot(diagram: Diagram, settings: dict[str, Any], subgraph: bool = False) -> Any:
    try:
        import pydot
    except ImportError as error:
        raise ImportError("model_to_dot needs pydot: pip install 'kerasish[plot]'") from error
    if subgraph:
        graph = _cluster(pydot, diagram)
    else:
        graph = pydot.Dot(concentrate=True, **settings)
        graph.set_node_defaults(shape="plain", fontname="Helvetica")
    _fill(pydot, graph, diagram, "box")
    return graph


def _cluster(pydot: Any, diagram: Diagram, name: str | None = None) -> Any:
    return pydot.Cluster(name or diagram.name, label=diagram.name, style="dashed", labeljust="l")


def _fill(pydot: Any, graph: Any, diagram: Diagram, name: str) -> None:
    """Add boxes and arrows to a graph; box i is named `name`_i."""
    for i, box in enumerate(diagram.boxes):
        if box.inside is None:
            graph.add_node(pydot.Node(f"{name}_{i}", label=_label(box)))
        else:
            inner = _cluster(pydot, box.inside, f"{name}_{i}")
            _fill(pydot, inner, box.inside, f"{name}_{i}")
            graph.add_subgraph(inner)
    pairs = [(_innermost(diagram, name, *a, "exits"), _innermost(diagram, name, *b, "entries"))
             for a, b in diagram.arrows]
    for source, target in dict.fromkeys(pairs):
        graph.add_edge(pydot.Edge(source, target, penwidth="2"))


def _innermost(diagram: Diagram, name: str, box: int, slot: int, ends: str) -> str:
    """The name of the box that an arrow to or from a box reaches, however deep inside it."""
    name, inside = f"{name}_{box}", diagram.boxes[box].inside
    if inside is None:
        return name
    own = inside.entries if ends == "entries" else inside.exits
    end = own[min(slot, len(own) - 1)]
    return _innermost(inside, name, end.box, end.slot, ends)


def _label(box: Box) -> str:
    """A table in graphviz's HTML: the title, and the lines below it side by side."""
    cells = [f'<td bgcolor="white"><font point-size="14">{html.escape(row)}</font></td>' for row in box.rows]
    if box.trainable is not None:
        color, word = ("forestgreen", "Trainable") if box.trainable else ("firebrick", "Non-trainable")
        cells.append(f'<td bgcolor="{color}"><font point-size="14" color="white"><b>{word}</b></font></td>')
    title = (f'<tr><td colspan="{max(len(cells), 1)}" bgcolor="black"><font point-size="16" color="white">'
             f"<b>{html.escape(box.title)}</b></font></td></tr>")
    rows = f"<tr>{''.join(cells)}</tr>" if cells else ""
    return f'<<table border="0" cellborder="1" bgcolor="black" cellpadding="10">{title}{rows}</table>>'
