"""Pictures of models: what is in them, where it stands, and the files."""

import builtins
import re
import shutil
import sys
import types
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from kerasish.models import drawing, plotting
from kerasish.models.diagram import End, Shown, make_diagram


@pytest.fixture(scope="module")
def model():
    """Two inputs; a shared Sequential; a Functional with two outputs; an op; an arrow over several ranks."""
    tower = keras.Sequential([layers.Input((8,)), layers.Dense(8, activation="relu", name="low"),
                              layers.Dense(8, name="high")], name="tower")
    inner_input = layers.Input((8,), name="inner")
    pair = keras.Model(inner_input, [layers.Dense(3, name="first")(inner_input),
                                     layers.Dropout(0.3, name="second")(inner_input)], name="pair")
    left, right = layers.Input((8,), name="left"), layers.Input((8,), name="right")
    x = layers.Dense(8, activation="tanh", name="dense")(left)
    first, second = pair(layers.Add(name="add")([x, tower(right), left]))
    joined = layers.Concatenate(name="join")([first, second, keras.ops.tanh(x)])
    return keras.Model([left, right], [layers.Dense(2, trainable=False, name="head")(joined), tower(x)], name="demo")


def titles(diagram):
    """Without the numbers of names that were given before."""
    return [re.sub(r"_\d+ ", " ", box.title) for box in diagram.boxes]


def named_arrows(diagram):
    names = [title.split()[0] for title in titles(diagram)]
    return {(names[a.box], names[b.box]) for a, b in diagram.arrows}


def test_boxes_and_arrows(model):
    diagram = make_diagram(model, Shown())
    assert set(titles(diagram)) == {
        "left (InputLayer)", "right (InputLayer)", "dense (Dense)", "tower (Sequential)", "add (Add)",
        "pair (Functional)", "tanh (Tanh)", "join (Concatenate)", "head (Dense)"}
    assert named_arrows(diagram) == {
        ("left", "dense"), ("right", "tower"), ("dense", "tower"), ("dense", "add"), ("tower", "add"), ("left", "add"),
        ("add", "pair"), ("dense", "tanh"), ("pair", "join"), ("tanh", "join"), ("join", "head")}


def test_rows(model):
    shown = Shown(shapes=True, dtype=True, layer_names=False, layer_activations=True, trainable=True)
    boxes = {layer.name: box for layer, box in zip(model.operations, make_diagram(model, shown).boxes, strict=True)}
    assert boxes["dense"].title == "Dense"
    assert boxes["dense"].rows == ["Activation: tanh", "Input shape: (None, 8)", "Output shape: (None, 8)",
                                   "Output dtype: float32"]
    assert boxes["left"].rows == ["Output shape: (None, 8)", "Output dtype: float32"]
    assert boxes["tower"].rows[0] == "Input shape: (None, 8)"
    assert [boxes[n].trainable for n in ("dense", "head", "add")] == [True, False, None]


def test_sequential_and_own_class():
    model = keras.Sequential([layers.Dense(4, name="a"), layers.Dense(2, name="b"), layers.ReLU(name="c")])
    with pytest.raises(ValueError, match="is not built"):
        make_diagram(model, Shown())
    model.build((None, 3))
    diagram = make_diagram(model, Shown())
    assert titles(diagram) == ["a (Dense)", "b (Dense)", "c (ReLU)"]
    assert diagram.arrows == [(End(0, 0), End(1, 0)), (End(1, 0), End(2, 0))]

    class Own(keras.Model):
        def call(self, x):
            return x

    own = Own(name="own")
    own.build((None, 3))
    assert titles(make_diagram(own, Shown())) == ["own (Own)"]


@pytest.mark.parametrize("rankdir", drawing.DIRECTIONS)
def test_layout(model, rankdir):
    """Boxes do not overlap and lie inside the frame, and arrows go the asked way."""
    diagram = make_diagram(model, Shown(shapes=True))
    layout = drawing.lay_out(diagram, rankdir)
    boxes = [s for s in layout.spots if s.box is not None]
    for a, b in combinations(boxes, 2):
        assert abs(a.x - b.x) >= (a.width + b.width) / 2 or abs(a.y - b.y) >= (a.height + b.height) / 2
    for s in boxes:
        assert s.width / 2 - 1e-6 <= s.x <= layout.width - s.width / 2 + 1e-6
        assert s.height / 2 - 1e-6 <= s.y <= layout.height - s.height / 2 + 1e-6
    coordinate, sign = {"TB": ("y", 1), "BT": ("y", -1), "LR": ("x", 1), "RL": ("x", -1)}[rankdir]
    assert len(layout.paths) == len({(a.box, b.box) for a, b in diagram.arrows})
    for path in layout.paths:
        assert all(np.diff([sign * getattr(layout.spots[s], coordinate) for s in path]) > 0)


def test_arrows_go_round_boxes(model):
    layout = drawing.lay_out(make_diagram(model, Shown(shapes=True)))
    for path in layout.paths:
        points = np.array(drawing._route([layout.spots[s] for s in path], along_y=True))
        places = np.concatenate([np.linspace(a, b, 50)[1:-1] for a, b in zip(points, points[1:], strict=False)])
        for s in layout.spots:
            if s.box is not None:
                inside = (np.abs(places - (s.x, s.y)) < (s.width / 2 - 1e-6, s.height / 2 - 1e-6)).all(1)
                assert not inside.any(), s.box.title


def test_a_layer_called_again():
    """An arrow goes back to it, and round the boxes between."""
    again = layers.Dense(4, name="again")
    x = start = layers.Input((4,))
    for n in range(3):
        x = layers.ReLU(name=f"relu_{n}")(again(x))
    diagram = make_diagram(keras.Model(start, again(again(x))), Shown(layer_names=False))
    layout = drawing.lay_out(diagram)
    back = [p for p in layout.paths if layout.spots[p[0]].y > layout.spots[p[-1]].y]
    assert len(back) == 3
    for path in back:
        assert all(np.diff([layout.spots[s].y for s in path]) < 0)


def test_files_without_graphviz(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    keras.utils.plot_model(model, tmp_path / "m.svg", show_layer_names=True, show_shapes=True, expand_nested=True,
                           show_trainable=True)
    drawn = ET.parse(tmp_path / "m.svg").getroot()
    assert drawn.tag.endswith("svg")
    text = (tmp_path / "m.svg").read_text()
    for title in ("left (InputLayer)", "low (Dense)", "first (Dense)", "Non-trainable", "tower (Sequential)"):
        assert f"<!-- {title} -->" in text
    keras.utils.plot_model(model, str(tmp_path / "m.png"), dpi=50)
    assert (tmp_path / "m.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    with pytest.raises(ValueError, match="`rankdir` must be one of TB, BT, LR, RL, got 'XY'"):
        keras.utils.plot_model(model, tmp_path / "m.png", rankdir="XY")
    with pytest.raises(ValueError, match="unknown arguments"):
        keras.utils.plot_model(model, tmp_path / "m.png", colour="red")
    with pytest.raises(ValueError, match="layer_range"):
        keras.utils.plot_model(model, tmp_path / "m.png", layer_range=("a", "b"))


def without(monkeypatch, package):
    real = builtins.__import__

    def find(name, *args, **kwargs):
        if name.partition(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", find)


def test_missing_packages(model, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    without(monkeypatch, "matplotlib")
    with pytest.raises(ImportError, match=r"plot_model needs Matplotlib, or pydot and graphviz: pip install"):
        keras.utils.plot_model(model, tmp_path / "m.png")
    without(monkeypatch, "pydot")
    with pytest.raises(ImportError, match=r"model_to_dot needs pydot: pip install"):
        keras.utils.model_to_dot(model)


class Graph:
    """What pydot's graphs do with nodes, edges and clusters inside, as far as we ask it."""

    def __init__(self, name="", **settings):
        self.name, self.settings, self.nodes, self.edges, self.inner = name, settings, [], [], []

    def set_node_defaults(self, **settings):
        self.defaults = settings

    def add_node(self, node):
        self.nodes.append(node)

    def add_edge(self, edge):
        self.edges.append(edge)

    def add_subgraph(self, graph):
        self.inner.append(graph)

    def write(self, path, format):
        self.written = (path, format)
        Graph.last = self


class Cluster(Graph):
    pass


@pytest.fixture
def pydot(monkeypatch):
    """A stand-in that notes what it is told."""
    module = types.ModuleType("pydot")
    module.Dot, module.Cluster = Graph, Cluster
    module.Node = lambda name, label: (name, label)
    module.Edge = lambda source, target, penwidth: (source, target)
    monkeypatch.setitem(sys.modules, "pydot", module)


def test_dot(model, pydot):
    dot = keras.utils.model_to_dot(model, show_shapes=True, rankdir="LR", dpi=100)
    assert (dot.settings["rankdir"], dot.settings["dpi"], dot.settings["splines"]) == ("LR", 100, "ortho")
    names = dict(zip([n for n, _ in dot.nodes], [o.name for o in model.operations], strict=True))
    assert {(names[a], names[b]) for a, b in dot.edges} >= {("left", "add"), ("dense", "tower"), ("pair", "join")}
    assert "<b>left (InputLayer)</b>" in dict(dot.nodes)["box_0"]
    assert "Output shape: (None, 8)" in dict(dot.nodes)["box_0"]
    assert type(keras.utils.model_to_dot(model, subgraph=True)) is Cluster


def test_dot_of_models_inside(model, pydot):
    dot = keras.utils.model_to_dot(model, expand_nested=True)
    assert {g.settings["label"] for g in dot.inner} == {"tower", "pair"}
    names = {n: label for g in (dot, *dot.inner) for n, label in g.nodes}

    def ends(a, b):
        return [(s, t) for s, t in dot.edges if f"<b>{a} (" in names[s] and f"<b>{b} (" in names[t]]

    for pair in (("right", "low"), ("high", "add"), ("add", "inner"), ("first", "join"), ("second", "join")):
        assert len(ends(*pair)) == 1, pair


def test_graphviz_draws_where_it_is(model, tmp_path, pydot, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(plotting, "find_spec", lambda name: name)
    keras.utils.plot_model(model, tmp_path / "m")
    assert Graph.last.written == (str(tmp_path / "m"), "png")


def test_source_inputs(model):
    left, right = model.inputs
    assert keras.utils.get_source_inputs(left) == [left]
    assert [x.name for x in keras.utils.get_source_inputs(model.outputs[0])] == ["left", "right"]
    assert [x.name for x in keras.utils.get_source_inputs(model.outputs[1])] == ["left"]
