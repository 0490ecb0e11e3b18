"""The table of `summary()`."""

import pytest

import kerasish as keras
from kerasish import layers
from tests.small_models import mlp, normal, two_inputs


def summary(model, **kwargs):
    texts = []
    model.summary(print_fn=texts.append, line_length=kwargs.pop("line_length", 80), **kwargs)
    return "".join(texts)


def cells(text):
    """The texts of the body, row by row."""
    return [[c.strip() for c in line.strip("│").split("│")] for line in text.splitlines() if line.startswith("│")]


def test_layers_shapes_and_counts():
    text = summary(mlp())
    assert text.startswith('Model: "mlp"\n┏━')
    assert cells(text) == [["a (Dense)", "(None, 3)", "15"], ["b (Dense)", "(None, 2)", "8"]]
    assert " Total params: 23 (92.00 B)\n Trainable params: 23 (92.00 B)\n Non-trainable params: 0 (0.00 B)\n" in text
    assert {len(line) for line in text.splitlines() if line[0] in "┏┃┡│├└"} == {80}


def test_before_it_is_built_and_after():
    model = keras.Sequential([layers.Dense(2, name="d")], name="m")
    assert cells(summary(model)) == [["d (Dense)", "?", "0 (unbuilt)"]]
    model(normal(5, 3))
    assert cells(summary(model)) == [["d (Dense)", "(5, 2)", "8"]]


def test_a_graph_names_what_feeds_what():
    rows = cells(summary(two_inputs(), line_length=120))
    assert rows[0] == ["i (InputLayer)", "(None, 4)", "0", "-"]
    assert ["out (Dense)", "(None, 2)", "8", "bn[0][0]"] in rows
    assert [r[3] for r in rows if r[0].startswith("shared")] == ["i[0][0], j[0][0]"]


def test_nested_models_and_what_is_trained():
    inner = mlp("inner")
    inner.trainable = False
    model = keras.Sequential([inner, layers.Dropout(0.5, name="drop"), layers.Dense(1, name="top")], name="outer")
    assert [r[0] for r in cells(summary(model))] == ["inner (Sequential)", "drop (Dropout)", "top (Dense)"]
    rows = cells(summary(model, expand_nested=True, show_trainable=True, line_length=120))
    assert [(r[0], r[3]) for r in rows] == [
        ("inner (Sequential)", "N"), ("└ a (Dense)", "N"), ("└ b (Dense)", "N"), ("drop (Dropout)", "-"),
        ("top (Dense)", "Y")]
    assert " Non-trainable params: 23 (92.00 B)" in summary(model)


def test_part_of_the_layers():
    model = keras.Sequential([keras.Input((2,)), *[layers.Dense(2, name=f"d{k}") for k in range(5)]])
    assert [r[0] for r in cells(summary(model, layer_range=["d1", "d3"]))] == [f"d{k} (Dense)" for k in (1, 2, 3)]
    with pytest.raises(ValueError, match="matches no layer"):
        summary(model, layer_range=["d1", "x"])
    with pytest.raises(ValueError, match="two names"):
        summary(model, layer_range=["d1"])


def test_widths():
    rows = cells(summary(mlp(), line_length=40))
    assert rows[0][0] == "a (Dense)"
    long = keras.Sequential([keras.Input((4, 4, 1)), layers.GlobalAveragePooling2D(name="pool")])
    assert [r[0] for r in cells(summary(long, line_length=40))] == ["pool", "(GlobalAverage…"]
    assert summary(mlp(), positions=[0.5, 0.7, 1.0]) != summary(mlp())
    with pytest.raises(ValueError, match="too narrow"):
        summary(mlp(), line_length=10)


def test_optimizer_and_printing(capsys):
    model = mlp()
    model.compile("sgd", "mse")
    model.fit(normal(4, 4), normal(4, 2), verbose=0)
    assert " Optimizer params: 2 (" in summary(model)
    model.summary()
    assert 'Model: "mlp"' in capsys.readouterr().out


def test_the_shape_of_a_dict_of_one_is_that_of_its_entry():
    class Head(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = keras.layers.Dense(3)

        def call(self, features):
            return {"score": self.inner(features)}

        def compute_output_shape(self, input_shape):
            return {"score": (*input_shape[:-1], 3)}

    class Outer(keras.Model):
        def __init__(self):
            super().__init__()
            self.head = Head()

        def call(self, x):
            return self.head(x)

    model = Outer()
    model(keras.ops.zeros((1, 4)))
    lines = []
    model.summary(print_fn=lines.append)
    assert "│ (1, 3) " in lines[0]
