"""Conversion to tensors and back, and what is known of a tensor."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.core.symbolic import KerasTensor
from kerasish.core.variable import Variable


def test_conversion_takes_arrays_numbers_lists_and_variables():
    for value in (np.ones(2, "float32"), [1.0, 1.0], Variable(np.ones(2, "float32")), [ops.ones(()), 1.0]):
        out = ops.convert_to_tensor(value)
        assert ops.is_tensor(out) and out.dtype == "float32" and out.tolist() == [1.0, 1.0]
    assert ops.convert_to_tensor([1, 2]).dtype == "int32"
    assert ops.convert_to_tensor([1, 2], dtype="float16").dtype == "float16"


def test_symbolic_tensor_is_converted_to_itself():
    x = KerasTensor((None, 2), record_history=False)
    assert ops.convert_to_tensor(x) is x
    assert ops.convert_to_tensor(x, "int32").dtype == "int32"
    assert not ops.is_tensor(x)


def test_sparse_is_refused():
    with pytest.raises(ValueError, match="sparse"):
        ops.convert_to_tensor([1.0], sparse=True)


def test_array_and_numpy_share_no_memory():
    x = np.zeros(3, "float32")
    out = ops.array(x)
    x[0] = 7
    assert out.tolist() == [0, 0, 0]
    back = ops.convert_to_numpy(out)
    back[0] = 7
    assert out.tolist() == [0, 0, 0]


def test_what_is_known_of_a_tensor():
    x = ops.zeros((2, 3), "int8")
    assert (ops.shape(x), ops.ndim(x), ops.size(x), ops.dtype(x)) == ((2, 3), 2, 6, "int8")
    symbol = KerasTensor((None, 3), record_history=False)
    assert (ops.shape(symbol), ops.ndim(symbol), ops.dtype(symbol)) == ((None, 3), 2, "float32")
    assert (ops.size(symbol).shape, ops.size(symbol).dtype) == ((), "int32")


def test_creation_takes_bfloat16_and_integer_tensors():
    assert ops.ones((2,), "bfloat16").dtype == "bfloat16"
    assert ops.arange(ops.convert_to_tensor(3)).tolist() == [0, 1, 2]
    assert ops.eye(ops.convert_to_tensor(2)).shape == (2, 2)
    assert ops.zeros((ops.convert_to_tensor(2), 1)).shape == (2, 1)


@pytest.mark.parametrize(("says", "call"), [
    ("integer", lambda: ops.eye(2.5)),
    ("step", lambda: ops.arange(0, 5, 0)),
    ("indexing", lambda: ops.meshgrid([1.0], indexing="yx")),
    ("one or two axes", lambda: ops.diag(ops.ones((2, 2, 2)))),
    ("divide", lambda: ops.view(ops.zeros((2, 3), "int8"), "int32")),
    ("num", lambda: ops.linspace(0, 1, -1)),
])
def test_bad_input_is_named(says, call):
    with pytest.raises((ValueError, TypeError), match=says):
        call()
