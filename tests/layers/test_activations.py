"""Activation layers: the contract, masks, and their arguments."""

import numpy as np
import pytest

from kerasish.layers import ELU, LeakyReLU, PReLU, ReLU, Softmax
from kerasish.layers.core.input_layer import Input
from tests.layers.contract import Row, contract

ROWS = [
    Row(ReLU, {"max_value": 0.9, "negative_slope": 0.2, "threshold": 0.3}, (4, 5)),
    Row(ReLU, {}, (4, 5), id="plain"),
    Row(LeakyReLU, {"negative_slope": 0.1}, (4, 5)),
    Row(PReLU, {"shared_axes": [1]}, (4, 3, 5), weights=["alpha"], wrong=(4,)),
    Row(PReLU, {}, (4, 5), weights=["alpha"], id="own"),
    Row(ELU, {"alpha": 0.5}, (4, 5)),
    Row(Softmax, {"axis": (1, 2)}, (4, 3, 5)),
    Row(Softmax, {"axis": 1}, (4, 3, 5), id="one_axis"),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


@pytest.mark.parametrize(("layer", "kwargs"), [
    (ReLU, {"max_value": -1.0}), (ReLU, {"negative_slope": -0.1}), (ReLU, {"negative_slope": None}),
    (ReLU, {"threshold": -0.1}), (ReLU, {"threshold": None}), (LeakyReLU, {"negative_slope": -0.1}),
    (LeakyReLU, {"negative_slope": None}),
])
def test_arguments_refused(layer, kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        layer(**kwargs)


def test_leaky_relu_old_name_of_its_slope():
    with pytest.warns(UserWarning, match="negative_slope"):
        assert LeakyReLU(alpha=0.1).negative_slope == 0.1


def test_prelu_shared_axes():
    layer = PReLU(shared_axes=1)
    assert layer(Input((None, 5))).shape == (None, None, 5) and layer.alpha.shape == (1, 5)
    assert layer.get_config()["shared_axes"] == [1]
    with pytest.raises(ValueError, match="prelu_at_fault.*shared_axes"):
        PReLU(name="prelu_at_fault")(Input((None, 5)))
    with pytest.raises(ValueError, match="axes from 1 to 2"):
        PReLU(shared_axes=[3])(Input((4, 5)))
    layer = PReLU(name="prelu_built")
    layer(np.ones((1, 5), "float32"))
    with pytest.raises(ValueError, match="prelu_built"):
        layer(np.ones((1, 4), "float32"))


def test_softmax_mask():
    x = np.array([[1.0, 2.0, 3.0]], "float32")
    mask = np.array([[True, False, True]])
    out = np.asarray(Softmax()(x, mask=mask))
    want = np.exp([1.0, 3.0]) / np.exp([1.0, 3.0]).sum()
    np.testing.assert_allclose(out, [[want[0], 0, want[1]]], rtol=1e-6)
    np.testing.assert_array_equal(Softmax()(x, mask=mask.astype("float32")), out)
    np.testing.assert_array_equal(Softmax()(x, mask=np.zeros((1, 1), bool)), np.zeros((1, 3)))
    half = Softmax(dtype="float16")(x.astype("float16"), mask=mask)
    assert half.dtype == "float16" and np.all(np.isfinite(np.asarray(half)))


@pytest.mark.parametrize("shape", [(2, 3), (1, 2), (1, 1, 3)])
def test_softmax_refuses_masks(shape):
    with pytest.raises(ValueError, match="softmax_at_fault"):
        Softmax(name="softmax_at_fault")(np.ones((1, 3), "float32"), mask=np.ones(shape, bool))
