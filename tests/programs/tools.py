"""Data and starting weights that are the same wherever a program runs, and answers kept from a run with Keras."""

import json
import os
import pathlib

import numpy as np

_ANSWERS = pathlib.Path(__file__).parents[1] / "golden" / "data" / "programs.json"


def normal(*shape, seed=0):
    """Return float32 numbers of the standard normal distribution."""
    return np.random.RandomState(seed + sum(shape)).normal(size=shape).astype("float32")


def integers(high, *shape, seed=0):
    """Return int32 numbers from 0 to high - 1."""
    return np.random.RandomState(seed + sum(shape)).randint(0, high, size=shape).astype("int32")


def fix(model, seed=0):
    """Set the trainable weights of a built model to small numbers drawn by position; return the model."""
    draw = np.random.RandomState(seed)
    for weight in model.trainable_weights:
        weight.assign((0.3 * draw.normal(size=tuple(weight.shape))).astype("float32"))
    return model


def weights_of(model):
    """Return copies of a model's weights, wherever they live."""
    values = [w.value.detach() if hasattr(w.value, "detach") else w for w in model.weights]
    return [np.array(v) for v in values]


def numbers(value):
    """Return nested results as plain Python numbers, lists and dicts."""
    if isinstance(value, dict):
        return {str(k): numbers(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [numbers(v) for v in value]
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "detach"):
        value = value.detach()
    return np.asarray(value).astype("float64").round(7).tolist()


def check_against_keras(name, value, rtol=2e-4, atol=1e-5):
    """Compare nested numbers with what a run of the same program with Keras gave.

    With the environment variable RECORD_PROGRAMS set, and Keras imported in kerasish's place, they are kept instead.
    """
    answers = json.loads(_ANSWERS.read_text()) if _ANSWERS.exists() else {}
    if os.environ.get("RECORD_PROGRAMS"):
        answers[name] = numbers(value)
        rows = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in sorted(answers.items()))
        _ANSWERS.write_text("{\n" + rows + "\n}\n")
        return
    _compare(answers[name], numbers(value), name, rtol, atol)


def _compare(want, got, where, rtol, atol):
    if isinstance(want, dict):
        assert list(got) == list(want), f"{where}: keys {list(got)}, in Keras {list(want)}"
        for k in want:
            _compare(want[k], got[k], f"{where}[{k!r}]", rtol, atol)
    elif isinstance(want, str) or want is None or (isinstance(want, list) and any(isinstance(w, str) for w in want)):
        assert got == want, f"{where}: {got!r}, in Keras {want!r}"
    elif isinstance(want, list) and any(isinstance(w, list | dict) or w is None for w in want):
        assert len(got) == len(want), f"{where}: {len(got)} entries, in Keras {len(want)}"
        for i, (w, g) in enumerate(zip(want, got, strict=True)):
            _compare(w, g, f"{where}[{i}]", rtol, atol)
    else:
        np.testing.assert_allclose(got, want, rtol=rtol, atol=atol, err_msg=where)
