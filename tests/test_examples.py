"""The examples run, and learn what they are there to learn."""

import importlib.util
import pathlib

import numpy as np
import pytest

import kerasish as keras

FOLDER = pathlib.Path(__file__).parent.parent / "examples"


def example(name):
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_digits(tmp_path):
    assert example("digits").main(epochs=20, folder=tmp_path) >= 0.98
    assert {"best.keras", "digits.h5", "learning_curve.png"} <= {p.name for p in tmp_path.iterdir()}


def test_line_by_hand():
    a, b = example("line_by_hand").main()
    assert abs(a - 3) < 0.05 and abs(b + 1) < 0.05


def test_softmax_regression():
    assert example("softmax_regression").main("digits", epochs=10) > 0.9


def test_custom_training_loop():
    assert example("custom_training_loop").main(epochs=6) > 0.9


def test_custom_layer():
    assert example("custom_layer").main(epochs=6) > 0.85


@pytest.mark.parametrize("name", ["boston_housing", "california_housing"])
def test_house_prices(name, monkeypatch):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 6))
    y = 20 + 5 * x[:, 0] - 3 * x[:, 1] + rng.normal(size=400)
    monkeypatch.setattr(getattr(keras.datasets, name), "load_data", lambda: ((x[:300], y[:300]), (x[300:], y[300:])))
    assert example("house_prices").main(name, epochs=30) < 2.5
