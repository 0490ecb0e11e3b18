"""Files that Keras wrote open here, with the same outputs, weights, configs and summaries, and can be trained on."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import kerasish as keras

sys.path.insert(0, str(Path(__file__).parent / "golden"))
import golden_io  # noqa: E402
from make import models  # noqa: E402

FOLDER = golden_io.DATA / "files"
ROWS = {row["name"]: row for row in golden_io.load("files")}
WHOLE = [name for name, row in ROWS.items() if "to_json" in row]
FILES = [(name, suffix) for name in WHOLE for suffix in ROWS[name]["formats"]]


@pytest.fixture(autouse=True)
def fresh_names():
    keras.backend.clear_session()


def from_json(row):
    return keras.models.model_from_json(json.dumps(row["to_json"]))


def program(name):
    """The model as its program makes it, compiled if it was."""
    if name == "compiled":
        model = models.classifier(keras)
        schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.8)
        model.compile(keras.optimizers.Adam(schedule), "categorical_crossentropy", metrics=["accuracy"])
        return model
    return getattr(models, name)(keras)


def open_file(name, suffix):
    path = FOLDER / f"{name}{suffix}"
    if suffix == ".weights.h5":
        model = program(name)
        model.load_weights(path)
        return model
    return keras.models.load_model(path)


def check(model, row):
    for weight, described in zip(model.weights, row["weights"], strict=True):
        np.testing.assert_array_equal(np.asarray(weight), described["value"], err_msg=weight.path)
    outputs = model(row["inputs"], training=False)
    expected = golden_io.leaves(row["outputs"])
    if isinstance(row["outputs"], dict):
        assert outputs.keys() == row["outputs"].keys()
    for out, want in zip(golden_io.leaves(outputs), expected, strict=True):
        golden_io.assert_close(np.asarray(out), want)


@pytest.mark.parametrize("name, suffix", FILES)
def test_opens(name, suffix):
    check(open_file(name, suffix), ROWS[name])


@pytest.mark.parametrize("name, suffix", FILES)
def test_predicts(name, suffix):
    row = ROWS[name]
    outputs = open_file(name, suffix).predict(row["inputs"], verbose=0)
    for out, want in zip(golden_io.leaves(outputs), golden_io.leaves(row["outputs"]), strict=True):
        golden_io.assert_close(out, want)


@pytest.mark.parametrize("name, suffix", FILES)
def test_saved_again_it_is_the_same(name, suffix, tmp_path):
    model = open_file(name, suffix)
    path = tmp_path / f"again{suffix}"
    if suffix == ".weights.h5":
        model.save_weights(path)
        model = program(name)
        model.load_weights(path)
    else:
        model.save(path)
        model = keras.models.load_model(path)
    check(model, ROWS[name])


def test_weights_of_a_subclassed_model():
    row = ROWS["blocks"]
    model = models.blocks(keras)
    model(row["inputs"])
    model.load_weights(FOLDER / "blocks.weights.h5")
    check(model, row)
    assert paths(model) == [w["path"] for w in row["weights"]]


def paths(model):
    return [w.path for w in model.weights]


def test_paths_of_a_loaded_model():
    for name in WHOLE:
        keras.backend.clear_session()
        assert paths(open_file(name, ".keras")) == ROWS[name]["loaded_paths"], name


@pytest.mark.parametrize("name", WHOLE)
def test_the_same_program_makes_the_same_model(name):
    row = ROWS[name]
    model = program(name)
    assert paths(model) == [w["path"] for w in row["weights"]]
    model.set_weights([w["value"] for w in row["weights"]])
    check(model, row)
    golden_io.assert_same_config(told(json.loads(model.to_json())), told(row["to_json"]))
    golden_io.assert_same_config(told(json.loads(json.dumps(model.get_config()))), told(row["config"]))


@pytest.mark.parametrize("name", WHOLE)
def test_json_both_ways(name):
    row = ROWS[name]
    golden_io.assert_same_config(told(json.loads(from_json(row).to_json())), told(row["to_json"]))


FILLED_IN = {"mask": None, "training": False}  # arguments which nobody gave, but Keras writes down for some calls


def told(config):
    """The config without what Keras adds of itself: how models were built and compiled, arguments not given."""
    if isinstance(config, list):
        return [told(value) for value in config]
    if not isinstance(config, dict):
        return config
    model = config.get("class_name") in ("Functional", "Sequential")
    dropped = {"build_config", "compile_config", "registered_name"} if model else set()
    config = {key: told(value) for key, value in config.items() if key not in dropped}
    if "kwargs" in config:
        config["kwargs"] = {k: v for k, v in config["kwargs"].items() if k not in FILLED_IN or v != FILLED_IN[k]}
    return config


@pytest.mark.parametrize("name", WHOLE)
def test_summary(name):
    row = ROWS[name]
    model = open_file(name, ".keras")
    lines = []
    model.summary(line_length=80, print_fn=lines.append)
    assert facts("\n".join(lines)) == facts(row["summary"])


def facts(summary):
    """The words of a summary: names, types, shapes, counts; not its frames nor the padding."""
    return [word.rstrip("…") for word in summary.split() if any(letter.isalnum() for letter in word)]


def test_optimizer_state_and_training_go_on():
    row = ROWS["compiled"]
    model = open_file("compiled", ".keras")
    assert [v.path for v in model.optimizer.variables] == row["loaded_optimizer_paths"]
    for variable, described in zip(model.optimizer.variables, row["optimizer_variables"], strict=True):
        golden_io.assert_close(np.asarray(variable), described["value"], tol=1e-6, what=variable.path)
    continued = row["continued"]
    history = model.fit(continued["x"], continued["y"], **continued["fit"]).history
    assert history.keys() == continued["history"].keys()
    for key, values in continued["history"].items():
        np.testing.assert_allclose(history[key], values, rtol=1e-4, err_msg=key)
    for got, want in zip(model.get_weights(), continued["weights"], strict=True):
        golden_io.assert_close(got, want, tol=1e-4)
