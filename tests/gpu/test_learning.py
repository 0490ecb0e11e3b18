"""Layers, optimizers, a small network and the digits program on the GPU."""

import importlib.util
import pathlib

import numpy as np
import pytest

import kerasish as keras
from tests import device_checks as checks

pytestmark = pytest.mark.gpu
EXAMPLE = pathlib.Path(__file__).parents[2] / "examples" / "digits.py"


@pytest.mark.parametrize("name", checks.LAYERS)
def test_layer(gpu, name):
    checks.check_layer(gpu, name, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", checks.OPTIMIZERS)
def test_optimizer(gpu, name):
    checks.check_optimizer(gpu, name, rtol=1e-5, atol=1e-5)


def test_training(gpu, tmp_path):
    checks.check_training(gpu, tmp_path, rtol=5e-3, atol=5e-3)


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_training_in_mixed_precision(gpu, policy):
    (x, y), _ = keras.datasets.digits.load_data()
    keras.config.set_dtype_policy(policy)
    try:
        with gpu():
            keras.utils.set_random_seed(1)
            model = checks.small_network()
            model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
            history = model.fit(x, y, epochs=5, verbose=0).history
    finally:
        keras.config.set_dtype_policy("float32")
    assert history["loss"][-1] < 0.7 * history["loss"][0] and np.isfinite(history["loss"]).all()


def test_digits_program(gpu, tmp_path):
    spec = importlib.util.spec_from_file_location("digits", EXAMPLE)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    with gpu():
        assert program.main(epochs=20, folder=tmp_path) >= 0.97
    (_, _), (x, y) = keras.datasets.digits.load_data()
    on_cpu = keras.models.load_model(tmp_path / "digits.h5").predict(x, verbose=0)
    assert np.mean(on_cpu.argmax(-1) == y) >= 0.97
