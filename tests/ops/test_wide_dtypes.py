"""Dtypes of results for 64-bit, unsigned and short operands: those of Keras on TensorFlow, which narrows nothing."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.backend import standardize_dtype
from kerasish.core.symbolic import KerasTensor
from tests.golden import golden_io

ROWS = golden_io.load("wide_dtypes")
# An integer becomes `floatx` wherever floating point is needed; TensorFlow makes an exception of this op.
APART = {("hypot", f"int64 {other}"): "float32" for other in ("bool", "uint8", "int32", "int64")}


def call(op, args):
    if op == "where":
        return ops.where(ops.equal(args[0], args[0]), *args)
    return getattr(ops, op)(args) if op in ("concatenate", "stack") else getattr(ops, op)(*args)


def found(row, tensor):
    out = {}
    for operands in row["is"]:
        result = call(row["op"], [tensor(d) for d in operands.split()])
        result = result[0] if isinstance(result, list | tuple) else result
        out[operands] = standardize_dtype(result.dtype)
    return out


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['kind']}-{row['op']}")
def test_dtype_of_result(row):
    expected = {operands: APART.get((row["op"], operands), dtype) for operands, dtype in row["is"].items()}
    assert found(row, lambda d: ops.cast([[1, 2, 3], [1, 2, 3], [1, 1, 1]], d)) == expected
    if row["op"] != "nonzero":  # how many there are is not known beforehand
        assert found(row, lambda d: KerasTensor((3, 3), d, record_history=False)) == expected


def test_moments_of_integers_are_floating_point():
    mean, variance = ops.moments(np.array([1, 2, 4], "int32"), 0)
    assert mean.dtype == variance.dtype == "float32"
    np.testing.assert_allclose([mean, variance], [7 / 3, 14 / 9], rtol=1e-6)
