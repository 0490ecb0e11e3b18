"""The benchmarks' own arithmetic: the work of a step by hand, tables, and that every workload can be measured."""

import json
import math

import pytest

import kerasish as keras
from benchmarks import floors, measure, run
from benchmarks.workloads import SMALL, WORKLOADS
from kerasish import layers


def program_of(name, **sizes):
    return floors.step_program(WORKLOADS[name](keras, **{**SMALL[name], **sizes}))


def test_the_work_of_the_smallest_step_is_what_one_counts_by_hand():
    work = floors.work_of(program_of("tiny"))
    # Four rows times one weight: forwards, and for the weight's gradient.
    assert work.operations == 2 * 4 + 2 * 4
    inputs = 4 + 4
    read = 2 + 2 + 2 + 2  # weights, their mean squares, loss total and count, iteration and learning rate
    written = 2 + 2 + 2 + 1
    products = 2 * (4 + 1)
    assert work.nbytes == 4 * (inputs + read + written + products)


def test_products_of_a_perceptron():
    batch, features, units = 8, 20, 16
    forwards = features * units + units * units + units * 10
    # Nobody needs the gradient by the data.
    assert floors.work_of(program_of("mlp")).operations == 2 * batch * (3 * forwards - features * units)


def test_products_of_convolutions():
    batch, (few, many) = 4, (4, 6)
    first, second = 10 * 10 * few * 9, 3 * 3 * many * 9 * few
    dense = many * 10
    assert floors.work_of(program_of("convnet")).operations == 2 * batch * (2 * first + 3 * second + 3 * dense)


@pytest.mark.parametrize(("layer", "gates"), [(layers.LSTM, 4), (layers.GRU, 3), (layers.SimpleRNN, 1)])
def test_products_of_recurrences(layer, gates):
    batch, time, width, units = 3, 5, 4, 2
    model = keras.Sequential([keras.Input((time, width)), layer(units)])
    model.compile("sgd", "mse")
    x, y = keras.random.normal((batch, time, width)).numpy(), keras.random.normal((batch, units)).numpy()
    work = floors.work_of(floors.step_program(floors.Workload(model, x, y, batch)))
    inputs, states = width * gates * units, units * gates * units
    assert work.operations == 2 * batch * time * (2 * inputs + 3 * states)


def test_products_of_attention():
    batch, tokens, width, vocabulary, blocks = 4, 6, 8, 20, 2
    block = 4 * width * width + 2 * tokens * width + 8 * width * width  # projections, attention, perceptron
    forwards = batch * tokens * (blocks * block + width * vocabulary)
    assert floors.work_of(program_of("transformer")).operations == 3 * 2 * forwards


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_workload_is_measured(name):
    figures = measure.measure("kerasish", name, epochs=1, **{**SMALL[name], "samples": 16})
    for figure in run.FIGURES:
        assert 0 < figures[figure.key] < math.inf, figure.key
    assert figures["versions"].startswith(f"kerasish {keras.__version__}, numpy ")
    json.dumps(figures)


def test_rates_are_measured():
    assert floors.product_rate(sizes=(32,), seconds=0.01) > 0
    assert floors.memory_rate(2, mib=1, seconds=0.01) > 0


def test_tables_tell_who_is_ahead():
    def figures(value):
        return {**{f.key: value for f in run.FIGURES}, "versions": "1.0"}

    results = {"mlp": {"kerasish": figures(4.0), "Keras on a": figures(2.0), "Keras on b": figures(1.0)}}
    text = run.report(results, {"mlp": 0.002}, floors.Rates(1e11, 1e10), threads=2, load=0.0)
    lines = {line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line.startswith("| ")}
    # More samples than the best peer; more seconds than the best peer.
    assert lines["fit"] == "| fit | 2.00 | 2.00 |" and lines["first step"] == "| first step | 0.25 | 0.25 |"
    assert "| 2 | 2 |" in text.splitlines()[next(n for n, x in enumerate(text.splitlines()) if x.startswith("| mlp"))]
    assert "matrix products 100 GFLOP/s, memory 10.0 GB/s" in text


def test_a_page_keeps_what_stands_around_the_tables(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{run.BEGIN}\nold\n{run.END}\nafter\n")
    run.write_between_marks(page, "new")
    assert page.read_text() == f"before\n{run.BEGIN}\nnew\n{run.END}\nafter\n"
    page.write_text("plain\n")
    for text in ("first", "second"):
        run.write_between_marks(page, text)
    assert page.read_text() == f"plain\n\n## Figures\n\n{run.BEGIN}\nsecond\n{run.END}\n"
