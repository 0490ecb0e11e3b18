"""Merging layers: the contract, broadcasting, masks, and the functions."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.core.dispatch import to_tensor
from kerasish.layers import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract, dot
from kerasish.layers.core.input_layer import Input
from tests.layers.contract import Row, contract

TWO = [(4, 3), (4, 3)]
ROWS = [
    *(Row(layer, {}, [(4, 3, 2), (4, 2), (4, 1, 2)], wrong=[(4, 3), (4, 2)]) for layer in (
        Add, Average, Maximum, Minimum, Multiply)),
    Row(Subtract, {}, TWO, wrong=[(4, 3), (4, 3), (4, 3)]),
    Row(Add, {}, TWO, wrong=(4, 3), id="of_one_tensor"),
    Row(Add, {}, TWO, wrong=[(4, 3), (5, 3)], id="batches"),
    Row(Concatenate, {}, [(4, 3), (4, 2)], wrong=[(4, 3), (3, 2)]),
    Row(Concatenate, {"axis": 1}, [(4, 3, 2), (4, 1, 2)], wrong=[(4, 3, 2), (4, 3)], id="steps"),
    Row(Dot, {"axes": 1}, TWO, wrong=[(4, 3), (4, 2)]),
    Row(Dot, {"axes": (1, 2), "normalize": True}, [(4, 3, 2), (4, 5, 3)], wrong=[(4, 3), (4, 3)], id="matrices"),
    Row(Dot, {"axes": -1}, [(2, 3, 2, 4), (2, 5, 4)], wrong=(4, 3), id="ranks"),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


def masked(values, mask):
    x = to_tensor(np.asarray(values, "float32"))
    x._keras_mask = to_tensor(np.asarray(mask))
    return x


@pytest.mark.parametrize("name", ["add", "average", "maximum", "minimum", "multiply", "subtract", "concatenate"])
def test_functions_call_their_layers(name):
    a, b = np.array([[1.0, 4.0]], "float32"), np.array([[3.0, 2.0]], "float32")
    want = {"add": [[4, 6]], "average": [[2, 3]], "maximum": [[3, 4]], "minimum": [[1, 2]], "multiply": [[3, 8]],
            "subtract": [[-2, 2]], "concatenate": [[1, 4, 3, 2]]}[name]
    np.testing.assert_array_equal(getattr(layers, name)([a, b]), want)
    assert getattr(layers, name)([Input((2,)), Input((2,))], name=f"my_{name}")._keras_history.operation.name == (
        f"my_{name}")


def test_dot_function():
    np.testing.assert_array_equal(dot([np.ones((1, 3)), np.full((1, 3), 2.0)], axes=1), [[6.0]])


@pytest.mark.parametrize(("axes", "error"), [("1", TypeError), ((1,), ValueError), ((1, 2.0), ValueError)])
def test_dot_refuses_axes(axes, error):
    with pytest.raises(error, match="axes"):
        Dot(axes)


@pytest.mark.parametrize("axes", [0, 3, -4])
def test_dot_refuses_axes_of_no_use(axes):
    with pytest.raises(ValueError, match="behind the batch"):
        Dot(axes)([np.ones((2, 3, 3)), np.ones((2, 3, 3))])


def test_unknown_lengths():
    assert Add()([Input((None, 3)), Input((4, 3))]).shape == (None, None, 3)
    assert Add()([Input((None, 3)), Input((1, 3))]).shape == (None, None, 3)
    assert Add()([Input(batch_shape=(2, 3)), Input((3,))]).shape == (2, 3)
    assert Concatenate()([Input((None, 3)), Input((5, 3))]).shape == (None, 5, 6)
    assert Concatenate(axis=0)([Input(batch_shape=(2, 3)), Input(batch_shape=(3, 3))]).shape == (5, 3)
    assert Dot((2, 1))([Input((None, 3)), Input((3, 5))]).shape == (None, None, 5)


def test_integers_keep_their_dtype():
    ids = Input((2,), dtype="int32")
    assert Add()([ids, ids]).dtype == "int32" and Average()([ids, ids]).dtype == "float32"


def test_a_mask_where_any_input_counts():
    a = masked(np.ones((1, 3, 2)), [[True, False, False]])
    b = masked(np.ones((1, 3, 2)), [[True, True, False]])
    np.testing.assert_array_equal(Add()([a, b])._keras_mask, [[True, True, False]])
    assert getattr(Add()([a, np.ones((1, 3, 2), "float32")]), "_keras_mask", None) is None


def test_masked_steps_do_not_compete():
    a = masked([[[1.0], [5.0], [7.0]]], [[True, False, False]])
    b = masked([[[2.0], [3.0], [9.0]]], [[True, True, False]])
    out = Maximum()([a, b])
    np.testing.assert_array_equal(np.asarray(out)[0, :2, 0], [2.0, 3.0])
    np.testing.assert_array_equal(out._keras_mask, [[True, True, False]])
    np.testing.assert_array_equal(np.asarray(Minimum()([a, b]))[0, :2, 0], [1.0, 3.0])
    np.testing.assert_array_equal(np.asarray(Multiply()([a, b]))[0, :, 0], [2.0, 3.0, 0.0])


def test_concatenate_masks():
    a = masked(np.ones((1, 2, 2)), [[True, False]])
    b = np.ones((1, 2, 2), "float32")
    np.testing.assert_array_equal(Concatenate(axis=1)([a, b])._keras_mask, [[True, False, True, True]])
    c = masked(np.ones((1, 2, 2)), [[True, False]])
    np.testing.assert_array_equal(Concatenate()([a, c])._keras_mask, [[True, False]])


def test_masks_must_match_inputs():
    with pytest.raises(ValueError, match="one mask"):
        Add().compute_mask([1, 2], [np.ones(1)])
