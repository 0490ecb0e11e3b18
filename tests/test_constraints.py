"""Constraints against Keras's numbers; names and configs."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import constraints, ops
from kerasish.utils.registry import builtins_in

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_io import assert_close, load  # noqa: E402

GOLDEN = [row for row in load("small") if row["kind"] == "constraint"]


@pytest.mark.parametrize("row", GOLDEN, ids=[row["name"] for row in GOLDEN])
def test_as_keras(row):
    constraint = getattr(constraints, row["object"])(**row["kwargs"])
    assert constraint.get_config() == row["config"]
    out = constraint(ops.convert_to_tensor(row["x"]))
    assert_close(out, row["out"], tol=1e-6)
    assert out.dtype == "float32"


def test_every_constraint_has_numbers():
    assert {row["object"] for row in GOLDEN} == set(builtins_in("keras.constraints")) - {"Constraint"}


def test_norms_are_bounded():
    w = np.random.default_rng(0).normal(size=(6, 5)) * [0.1, 0.5, 1, 3, 9]
    norms = lambda c: np.linalg.norm(np.asarray(c(w)), axis=0)  # noqa: E731
    assert (norms(constraints.MaxNorm(1.5)) <= 1.5).all()
    np.testing.assert_allclose(norms(constraints.UnitNorm()), 1, rtol=1e-5)
    bounded = norms(constraints.MinMaxNorm(0.5, 2.0))
    assert (bounded >= 0.5 - 1e-5).all() and (bounded <= 2).all()
    assert (np.asarray(constraints.NonNeg()(w)) == np.maximum(w, 0)).all()
    assert constraints.Constraint()(w) is w


@pytest.mark.parametrize("name", ["MaxNorm", "MinMaxNorm", "NonNeg", "UnitNorm", "max_norm", "min_max_norm",
                                  "non_neg", "unit_norm"])  # fmt: skip
def test_names_and_configs(name):
    made = constraints.get(name)
    again = constraints.deserialize(constraints.serialize(made))
    assert type(again) is type(made) and again.get_config() == made.get_config()
    assert constraints.get(made) is made and constraints.get(None) is None
    assert type(constraints.get({"class_name": name, "config": {}})) is type(made)


def test_unknown_name():
    with pytest.raises(ValueError, match="as a constraint"):
        constraints.get("MaxNorms")
