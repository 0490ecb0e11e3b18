"""Short trainings run as in Keras: the same histories, weights, evaluations and predictions, within 1e-4."""

import sys
from pathlib import Path

import numpy as np
import pytest

import kerasish as keras

sys.path.insert(0, str(Path(__file__).parent / "golden"))
import golden_io  # noqa: E402
from make import models  # noqa: E402

ROWS = {row["name"]: row for row in golden_io.load("training")}
ROWS_AND_MODES = [(name, eager) for name in ROWS for eager in (False, True)]


def trained(row, run_eagerly):
    """The model of the row after fit, and its History."""
    keras.backend.clear_session()
    model = getattr(models, row["model"])(keras)
    model.set_weights(row["start"])
    arguments = golden_io.objects_in(row["compile"], keras.saving.deserialize_keras_object)
    model.compile(**arguments, run_eagerly=run_eagerly)
    fit = dict(row["fit"])
    if "class_weight" in fit:
        fit["class_weight"] = {int(digit): weight for digit, weight in fit["class_weight"].items()}
    if "validation_data" in fit:
        fit["validation_data"] = tuple(fit["validation_data"])
    return model, model.fit(row["x"], row["y"], **fit).history


def same_numbers(got, want):
    assert got.keys() == want.keys()
    for key, values in want.items():
        np.testing.assert_allclose(got[key], values, rtol=1e-4, atol=1e-5, err_msg=key)


@pytest.mark.parametrize("name, run_eagerly", ROWS_AND_MODES,
                         ids=[f"{name}-{('compiled', 'eager')[eager]}" for name, eager in ROWS_AND_MODES])  # fmt: skip
def test_training(name, run_eagerly):
    row = ROWS[name]
    model, history = trained(row, run_eagerly)
    same_numbers(history, row["history"])
    for weight, want in zip(model.weights, row["weights"], strict=True):
        golden_io.assert_close(np.asarray(weight), want, tol=1e-4, what=weight.path)
    same_numbers(model.evaluate(row["x"], row["y"], batch_size=4, verbose=0, return_dict=True), row["evaluate"])
    predicted = model.predict(row["x"], batch_size=4, verbose=0)
    for got, want in zip(golden_io.leaves(predicted), golden_io.leaves(row["predict"]), strict=True):
        golden_io.assert_close(got, want, tol=1e-4, what="prediction")
