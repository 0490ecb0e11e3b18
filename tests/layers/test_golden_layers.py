"""Layers give what Keras gave: configs, weights, shapes, outputs, masks, losses, gradients, states after the calls."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import is_float
from kerasish.core.symbolic import KerasTensor
from kerasish.utils import naming, tree
from kerasish.utils.serialization import deserialize_keras_object

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import golden_io  # noqa: E402

TABLES = ["core", "conv", "pool", "norm", "rnn", "attention", "merge", "shape", "preprocessing", "lookup"]
ROWS = {f"{table}-{row['name']}": row for table in TABLES for row in golden_io.load(f"layers_{table}")}
# Keras says that the scores are as many as (targets, targets), even where there are fewer sources.
for name in ("attention-MultiHeadAttention-key_and_scores", "attention-MultiHeadAttention-value_dim"):
    ROWS[name]["output_shape"] = [[None, *out.shape[1:]] for out in ROWS[name]["calls"][0]["out"]]


def make(row):
    """The layer of a row, built by a first call, with the weights that Keras's had."""
    naming.reset()
    kwargs = golden_io.objects_in(row["kwargs"], deserialize_keras_object)
    layer = getattr(layers, row["class"])(**kwargs)
    config = layer.get_config()
    if "adapt" in row:
        layer.adapt(row["adapt"])
    first = row["calls"][0]
    layer(*first["args"], **first["kwargs"])
    if getattr(layer, "stateful", False):
        layer.reset_state()
    for w, described in zip(layer.weights, row["weights"], strict=True):
        w.assign(described["value"])
    return layer, config


def flat(out):
    return [x for x in tree.flatten(out) if x is not None]


def close(actual, expected, what):
    golden_io.assert_close(np.asarray(actual), expected, what=what)


@pytest.mark.parametrize("name", ROWS)
def test_config_and_weights(name):
    row = ROWS[name]
    layer, config = make(row)
    golden_io.assert_same_config(json.loads(json.dumps(config)), row["config"])
    assert [(w.path, w.name, bool(w.trainable)) for w in layer.weights] == [
        (w["path"], w["name"], w["trainable"]) for w in row["weights"]]


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if "output_shape" in row])
def test_symbolic_shape(name):
    row = ROWS[name]

    def unknown_batch(x):
        return KerasTensor((None, *x.shape[1:]), str(x.dtype), record_history=False) if isinstance(
            x, np.ndarray) else x

    naming.reset()
    layer = getattr(layers, row["class"])(**golden_io.objects_in(row["kwargs"], deserialize_keras_object))
    if "adapt" in row:
        layer.adapt(row["adapt"])
    first = row["calls"][0]
    args, kwargs = tree.map_structure(unknown_batch, (tuple(first["args"]), first["kwargs"]))
    out = layer(*args, **kwargs)
    assert shapes(out) == row["output_shape"]


def shapes(out):
    return [shapes(x) for x in out] if isinstance(out, list | tuple) else list(out.shape)


@pytest.mark.parametrize("name", ROWS)
def test_outputs(name):
    row = ROWS[name]
    layer, _ = make(row)
    for i, call in enumerate(row["calls"]):
        out = layer(*call["args"], **call["kwargs"])
        for n, (a, b) in enumerate(zip(flat(out), flat(call["out"]), strict=True)):
            close(a, b, f"output {n} of call {i}")
    if "weights_after" in row:
        for w, value in zip(layer.weights, row["weights_after"], strict=True):
            close(w.numpy(), value, w.path)
    if "mask" in row:
        got = flat(layer.compute_mask(to_tensor(call["args"][0]), call["kwargs"].get("mask")))
        for a, b in zip(got, flat(row["mask"]), strict=True):
            close(a, b, "mask")
    if "vocabulary" in row:
        assert layer.get_vocabulary() == row["vocabulary"]
    if "bin_boundaries" in row:
        close(layer.bin_boundaries, row["bin_boundaries"], "bin boundaries")
    if "losses" in row:
        np.testing.assert_allclose([float(x) for x in layer.losses], row["losses"], rtol=1e-5)


@pytest.mark.parametrize("name", [n for n, row in ROWS.items() if "grads" in row])
def test_gradients(name):
    row = ROWS[name]
    layer, _ = make(row)
    for call in row["calls"][:-1]:
        layer(*call["args"], **call["kwargs"])
    call = row["calls"][-1]
    inputs = []

    def tensor(x):
        if not isinstance(x, np.ndarray):
            return x
        x = to_tensor(x)
        if is_float(x.dtype):
            inputs.append(x)
        return x

    # By sorted keys, as the golden gradients are.
    args = tree.map_structure(tensor, tuple(call["args"]))
    kwargs = {k: tree.map_structure(tensor, call["kwargs"][k]) for k in sorted(call["kwargs"])}
    with GradientTape() as tape:
        tape.watch(inputs)
        out = [x for x in flat(layer(*args, **kwargs)) if is_float(x.dtype)]
        total = sum(ops.sum(x * golden_io.cotangent(x.shape, i)) for i, x in enumerate(out))
    sources = [*layer.trainable_variables, *inputs]
    got = tape.gradient(total, sources, unconnected_gradients="zero")
    want = [*row["grads"]["weights"], *row["grads"]["inputs"]]
    for source, a, b in zip(sources, got, want, strict=True):
        # Sums of cotangents of about 1 may cancel: what they leave is as exact as they were.
        atol = 1e-5 * max(np.abs(b).max(initial=0.0), 0.3)
        np.testing.assert_allclose(np.asarray(a), b, rtol=0, atol=atol, err_msg=getattr(source, "path", "input"))
