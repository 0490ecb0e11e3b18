"""Activation functions: Keras's numbers, names, configs, and their gradients."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import activations, ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.core.symbolic import KerasTensor
from kerasish.layers.core.input_layer import Input
from kerasish.utils.registry import CustomObjectScope, register_keras_serializable

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_io import assert_close, cotangent, load  # noqa: E402

GOLDEN = [row for row in load("small") if row["kind"] == "activation"]
NAMES = [n for n in activations.__all__ if n not in ("deserialize", "get", "serialize")]
EXTRA = {"threshold": (0.1, -2.0)}


@register_keras_serializable("tests")
def squared(x):
    return x * x


@pytest.mark.parametrize("name", NAMES)
def test_found_by_name_and_written_by_it(name):
    function = getattr(activations, name)
    assert activations.get(name) is function is activations.get(function)
    plain = {"swish": "silu", "hard_swish": "hard_silu"}.get(name, name)
    assert activations.serialize(function) == plain and activations.deserialize(plain) is function


@pytest.mark.parametrize("row", GOLDEN, ids=[row["name"] for row in GOLDEN])
def test_as_keras(row):
    function = getattr(activations, row["object"])
    assert activations.serialize(function) == row["config"]
    x = to_tensor(row["x"])
    with GradientTape() as tape:
        tape.watch(x)
        out = function(x, **row["kwargs"])
        total = ops.sum(out * cotangent(out.shape))
    # Where several elements win, Keras's sparsemax does not sum to 1; Martins and Astudillo's does.
    right = np.isclose(row["out"].sum(-1), 1) if row["object"] == "sparsemax" else ...
    assert_close(np.asarray(out)[right], row["out"][right], tol=1e-6)
    assert_close(np.asarray(tape.gradient(total, x))[right], row["grad"][right], tol=1e-5)


def test_every_activation_has_numbers():
    aliases = {"swish": "silu", "hard_swish": "hard_silu"}
    assert {row["object"] for row in GOLDEN} == {aliases.get(name, name) for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_symbolic_and_gradient(name):
    function = getattr(activations, name)
    extra = EXTRA.get(name, ())
    x = np.linspace(-3.03, 3.07, 12).reshape(2, 6)
    v = np.random.default_rng(0).standard_normal(x.shape)

    def total(values):
        out = function(values, *extra)
        return ops.sum(out * np.cos(np.arange(out.size)).reshape(out.shape))

    start = to_tensor(x)
    with GradientTape() as tape:
        tape.watch(start)
        loss = total(start)
    slope = (float(total(to_tensor(x + 1e-6 * v))) - float(total(to_tensor(x - 1e-6 * v)))) / 2e-6
    np.testing.assert_allclose(np.sum(np.asarray(tape.gradient(loss, start)) * v), slope, rtol=1e-6, atol=1e-8)
    out = function(Input((6,), dtype="float64"), *extra)
    assert isinstance(out, KerasTensor) and out.shape == (None, *function(start, *extra).shape[1:])


def relu_by_cases(x, slope, most, threshold):
    kept = x if most is None else np.minimum(x, most)
    return np.where(x > threshold, kept, slope * (x - threshold))


@pytest.mark.parametrize("slope", [0.0, 0.1])
@pytest.mark.parametrize("most", [None, 1.0, 6.0])
@pytest.mark.parametrize("threshold", [0.0, 0.5])
def test_relu(slope, most, threshold):
    x = np.linspace(-8, 8, 41)
    got = activations.relu(x, negative_slope=slope, max_value=most, threshold=threshold)
    np.testing.assert_allclose(got, relu_by_cases(x, slope, most, threshold), rtol=1e-12, atol=1e-12)


def test_relu_is_one_node():
    out = activations.relu(Input((3,)), negative_slope=0.1, max_value=2.0, threshold=0.5)
    assert len(out._keras_history.operation._inbound_nodes[0].parent_nodes) == 1
    parent = out._keras_history.operation._inbound_nodes[0].parent_nodes[0]
    assert parent.is_input


def test_gelu_is_exact_by_default():
    x = np.array([1.0])
    np.testing.assert_allclose(activations.gelu(x), [0.8413447460685429], rtol=1e-12)
    assert abs(float(activations.gelu(x, approximate=True)[0]) - 0.8413447460685429) > 1e-5


def test_linear_and_none():
    x = to_tensor(np.ones(3))
    assert activations.linear(x) is x and activations.get(None) is activations.linear


def test_custom_functions():
    config = activations.serialize(squared)
    assert config == {"module": "builtins", "class_name": "function", "config": "tests>squared",
                      "registered_name": "function"}
    assert activations.deserialize(config) is squared is activations.get(config) is activations.get("tests>squared")

    def own(x):
        return x

    with CustomObjectScope({"own": own}):
        assert activations.get("own") is own
    assert activations.deserialize("own", custom_objects={"own": own}) is own


def test_the_plain_op_counts_as_its_activation():
    assert activations.serialize(ops.relu) == "relu" and activations.serialize(ops.tanh) == "tanh"


@pytest.mark.parametrize("identifier", ["reluu", 3, 0.5])
def test_unknown_refused(identifier):
    with pytest.raises(ValueError, match="activation"):
        activations.get(identifier)


def test_softmax_of_one_class_warns_unless_it_is_an_activation():
    x = np.ones((2, 1), "float32")
    for axis in (1, -1):
        with pytest.warns(UserWarning, match=rf"softmax over axis {axis} of shape \(2, 1\) gives ones"):
            np.testing.assert_array_equal(ops.softmax(x, axis), x)
    np.testing.assert_array_equal(activations.softmax(x), x)
    assert ops.softmax(x, 0).shape == (2, 1)
