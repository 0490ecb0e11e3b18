"""Ops on shapes, indices, order, matrices and spectra answer as Keras does: dtypes, open shapes, values, refusals."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.core.dtypes import standardize_dtype
from kerasish.core.symbolic import KerasTensor
from tests.golden import golden_io

HEAD, *ROWS = golden_io.load("arrays")
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2}


def symbolic(shape, dtype="float32"):
    return KerasTensor(shape, dtype, record_history=False)


SPACE = {"np": np, "ops": ops, "KerasTensor": symbolic, **vars(ops)}
exec(HEAD["space"], SPACE)


@pytest.mark.filterwarnings("ignore:divide by zero")
@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join(filter(None, [row.get("x"), row["value"]])))
def test_answers_as_keras(row):
    space = dict(SPACE, x=ops.cast(SPACE["i"], row.get("x", "float32")))
    if "raises" in row:
        with pytest.raises((ValueError, TypeError, IndexError)):
            eval(row["value"], space)
        return
    out = eval(row["value"], space)
    out = out if isinstance(out, list | tuple) else [out]
    assert len(out) == len(row["is"])
    for got, want in zip(out, row["is"]):
        if "value" in want:
            assert got == want["value"]
            continue
        assert (standardize_dtype(got.dtype), list(got.shape)) == (want["dtype"], want["shape"])
        if "values" in want:
            tolerance = TOLERANCE.get(want["dtype"], 1e-4)
            np.testing.assert_allclose(np.asarray(got).astype("float64"), want["values"].astype("float64"),
                                       rtol=tolerance, atol=tolerance)
