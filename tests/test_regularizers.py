"""Regularizers against Keras's numbers; names and configs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import ops, regularizers
from kerasish.autodiff.tape import GradientTape
from kerasish.utils.registry import builtins_in

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_io import assert_close, load  # noqa: E402

GOLDEN = [row for row in load("small") if row["kind"] == "regularizer"]


@pytest.mark.parametrize("row", GOLDEN, ids=[row["name"] for row in GOLDEN])
def test_as_keras(row):
    regularizer = getattr(regularizers, row["object"])(**row["kwargs"])
    for name, value in regularizer.get_config().items():
        assert value == row["config"][name] or abs(value - row["config"][name]) < 1e-7
    x = ops.convert_to_tensor(row["x"])
    with GradientTape() as tape:
        tape.watch(x)
        out = regularizer(x)
        total = out * float(np.sin(1.0))  # the weight of a scalar in the golden gradients
    assert_close(out, row["out"], tol=1e-6)
    assert_close(tape.gradient(total, x), row["grad"], tol=1e-5)


def test_every_regularizer_has_numbers():
    assert {row["object"] for row in GOLDEN} == set(builtins_in("keras.regularizers")) - {"Regularizer"}


@pytest.mark.parametrize("name", ["L1", "L2", "L1L2", "OrthogonalRegularizer", "l1", "l2", "l1_l2",
                                  "orthogonal_regularizer"])  # fmt: skip
def test_names_and_configs(name):
    made = regularizers.get(name)
    again = regularizers.deserialize(regularizers.serialize(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()
    assert regularizers.get(type(made)).get_config() == made.get_config()
    assert regularizers.get(made) is made and regularizers.get(None) is None


def test_result_has_the_dtype_of_the_weights():
    for name in ("L1", "L2", "L1L2", "OrthogonalRegularizer"):
        assert regularizers.get(name)(ops.ones((2, 3), "float16")).dtype == "float16"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: regularizers.L1(-1.0), "l1"),
        (lambda: regularizers.L2(float("nan")), "l2"),
        (lambda: regularizers.L1L2(l2="a"), "l2"),
        (lambda: regularizers.OrthogonalRegularizer(mode="diagonal"), "mode"),
        (lambda: regularizers.OrthogonalRegularizer()(ops.ones((2, 2, 2))), "matrix"),
        (lambda: regularizers.get("L3"), "as a regularizer"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()
