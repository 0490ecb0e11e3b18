"""Dtypes: Keras's promotion of pairs and triples, and the dtypes of what common ops return."""

import itertools
import sys
from functools import partial
from pathlib import Path

import pytest

import kerasish as keras

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_io import load  # noqa: E402

PYTHON = {"int": int, "float": float}
SCALARS = {"2": 2, "2.5": 2.5, "True": True}
PROMOTIONS = [(row["of"], row["is"]) for row in load("promotion")]
RESULTS = load("dtypes")


@pytest.mark.parametrize("of, expected", PROMOTIONS, ids=lambda v: v if isinstance(v, str) else "+".join(v))
def test_result_type(of, expected):
    for order in itertools.permutations(of):
        assert keras.backend.result_type(*(PYTHON.get(name, name) for name in order)) == expected


def dtype_of(out):
    out = out[0] if isinstance(out, list | tuple) else out
    return keras.backend.standardize_dtype(out.dtype)


def call(name, *args):
    """The op on its operands, with the calls that take more than operands spelled out."""
    if name == "where":
        return keras.ops.where(keras.ops.equal(args[0], args[0]), *args)
    if name in ("concatenate", "stack"):
        return getattr(keras.ops, name)(list(args))
    return getattr(keras.ops, name)(*args)


def wrong(row, tensor):
    """Operands for which the op answers with another dtype than Keras, as {operands: (ours, Keras's)}."""
    found = {}
    for key, expected in row["is"].items():
        args = [SCALARS[part] if part in SCALARS else tensor(part) for part in key.split()]
        dtype = dtype_of(call(row["op"], *args))
        if dtype != expected:
            found[key] = (dtype, expected)
    return found


ON_TENSORS = [row for row in RESULTS if row["kind"] != "make"]


@pytest.mark.filterwarnings("ignore:divide by zero", "ignore:invalid value", "ignore:overflow")
@pytest.mark.parametrize("row", ON_TENSORS, ids=lambda row: f"{row['kind']}-{row['op']}")
def test_dtype_of_result(row):
    assert not wrong(row, partial(keras.ops.cast, [[1, 2, 3], [1, 2, 3], [1, 1, 1]]))


# The shape of nonzero's result is unknown before it has run: it has no symbolic form here.
@pytest.mark.parametrize("row", [row for row in ON_TENSORS if row["op"] != "nonzero"],
                         ids=lambda row: f"{row['kind']}-{row['op']}")  # fmt: skip
def test_dtype_inferred(row):
    assert not wrong(row, partial(keras.KerasTensor, (3, 3)))


@pytest.mark.parametrize("row", [row for row in RESULTS if row["kind"] == "make"],
                         ids=lambda row: f"{row['op']}({row['args']})")  # fmt: skip
def test_dtype_of_maker(row):
    assert dtype_of(getattr(keras.ops, row["op"])(*row["args"])) == row["is"]
