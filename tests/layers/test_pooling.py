"""Pooling layers: the contract, and their arguments."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import GlobalAveragePooling1D, Input, Masking, MaxPooling2D
from tests.layers.contract import Row, contract

FIRST = {"data_format": "channels_first"}
SPATIAL = {1: (7,), 2: (5, 4), 3: (3, 4, 3)}


def rows(rank):
    last, first, wrong = (2, *SPATIAL[rank], 3), (2, 3, *SPATIAL[rank]), (2, *SPATIAL[rank])
    for kind in ("Max", "Average"):
        windows = getattr(layers, f"{kind}Pooling{rank}D")
        yield Row(windows, {"pool_size": 2}, last, wrong=wrong)
        yield Row(windows, {"pool_size": 3, "strides": 2, "padding": "same", **FIRST}, first, id="first")
        whole = getattr(layers, f"Global{kind}Pooling{rank}D")
        yield Row(whole, {}, last, wrong=wrong)
        yield Row(whole, {"keepdims": True, **FIRST}, first, id="first")
        adaptive = getattr(layers, f"Adaptive{kind}Pooling{rank}D")
        yield Row(adaptive, {"output_size": 2}, last, wrong=wrong)
        yield Row(adaptive, {"output_size": 3, **FIRST}, first, id="first")


ROWS = [row for rank in SPATIAL for row in rows(rank)]


@contract(ROWS)
def test_contract(row, check):
    check(row)


def test_windows_that_do_not_fit():
    for x in (np.ones((1, 1, 4, 2), "float32"), Input((1, 4, 2))):
        with pytest.raises(ValueError, match="the_pool"):
            MaxPooling2D(name="the_pool")(x)


def test_unknown_lengths_stay_unknown():
    assert MaxPooling2D()(Input((None, 5, 2))).shape == (None, None, 2, 2)


def test_integers():
    x = np.arange(16, dtype="int32").reshape(1, 4, 4, 1)
    out = MaxPooling2D()(x)
    assert out.dtype == "int32" and np.asarray(out).ravel().tolist() == [5, 7, 13, 15]
    assert layers.AveragePooling2D(2)(x).dtype == "float32"


def test_adaptive_windows_overlap():
    x = np.arange(5, dtype="float32").reshape(1, 5, 1)
    np.testing.assert_allclose(np.asarray(layers.AdaptiveAveragePooling1D(3)(x)).ravel(), [0.5, 2.0, 3.5])
    np.testing.assert_allclose(np.asarray(layers.AdaptiveMaxPooling1D(3)(x)).ravel(), [1, 3, 4])


def test_mean_of_the_steps_that_count():
    x = np.array([[[1.0], [3.0], [0.0]], [[2.0], [0.0], [0.0]]], "float32")
    out = GlobalAveragePooling1D()(Masking()(x))
    np.testing.assert_allclose(out, [[2.0], [2.0]])
    assert getattr(out, "_keras_mask", None) is None
    first = GlobalAveragePooling1D(**FIRST)(x.transpose(0, 2, 1), mask=np.array([[True, True, False]] * 2))
    np.testing.assert_allclose(first, [[2.0], [1.0]])


def test_shorter_names():
    for short, long in (("AvgPool", "AveragePooling"), ("MaxPool", "MaxPooling"),
                        ("GlobalAvgPool", "GlobalAveragePooling"), ("GlobalMaxPool", "GlobalMaxPooling")):
        for rank in SPATIAL:
            assert getattr(layers, f"{short}{rank}D") is getattr(layers, f"{long}{rank}D")


@pytest.mark.parametrize(("argument", "value"), [
    ("pool_size", 0), ("pool_size", (2, 2, 2)), ("strides", 0), ("padding", "causal"), ("data_format", "last"),
])
def test_arguments_refused(argument, value):
    with pytest.raises(ValueError, match=argument if argument != "data_format" else "last"):
        MaxPooling2D(**{argument: value})


def test_a_subclass_may_build_weights():
    class Scaled(GlobalAveragePooling1D):
        def build(self, input_shape):
            self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")

    layer = Scaled()
    assert not layer.built and GlobalAveragePooling1D().built
    layer(np.ones((1, 2, 3), "float32"))
    assert layer.scale.shape == (3,)
