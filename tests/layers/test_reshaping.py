"""Reshaping layers: the contract, and their arguments."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from kerasish.layers.core.input_layer import Input
from kerasish.utils import config
from tests.layers.contract import Row, contract

FIRST = {"data_format": "channels_first"}
ROWS = [
    Row(Flatten, {}, (4, 3, 2)),
    Row(Flatten, FIRST, (4, 3, 2, 5), id="first"),
    Row(Flatten, {}, (4, 3, 2), integers=9, gradient=False, id="integers"),
    Row(Reshape, {"target_shape": (2, -1)}, (4, 3, 2), wrong=(4, 3)),
    Row(Reshape, {"target_shape": (6,)}, (4, 3, 2), wrong=(4, 3), id="known"),
    Row(Permute, {"dims": (2, 3, 1)}, (4, 3, 2, 5), wrong=(4, 3, 2)),
    Row(RepeatVector, {"n": 3}, (4, 2), wrong=(4, 2, 3)),
    Row(Cropping1D, {"cropping": (1, 2)}, (4, 5, 2), wrong=(4, 3, 2)),
    Row(Cropping2D, {"cropping": ((1, 0), (0, 2))}, (4, 3, 5, 2), wrong=(4, 3, 2, 2)),
    Row(Cropping2D, {"cropping": 1, **FIRST}, (4, 2, 3, 5), wrong=(4, 3, 5), id="first"),
    Row(Cropping3D, {"cropping": ((1, 0), (0, 1), (1, 1))}, (2, 3, 2, 3, 2), wrong=(2, 1, 2, 3, 2)),
    Row(ZeroPadding1D, {"padding": (1, 2)}, (4, 3, 2), wrong=(4, 3)),
    Row(ZeroPadding1D, {"padding": 1, **FIRST}, (4, 3, 2), id="first"),
    Row(ZeroPadding2D, {"padding": ((1, 0), (0, 2))}, (4, 3, 2, 2), wrong=(4, 3)),
    Row(ZeroPadding3D, {"padding": (1, 0, 2)}, (2, 2, 1, 2, 2), wrong=(4, 3)),
    Row(ZeroPadding3D, FIRST, (2, 2, 1, 2, 2), id="first"),
    Row(UpSampling1D, {"size": 3}, (4, 3, 2), wrong=(4, 3)),
    Row(UpSampling2D, {"size": (2, 3)}, (4, 3, 2, 2), wrong=(4, 3)),
    Row(UpSampling2D, {"interpolation": "bilinear", **FIRST}, (2, 2, 3, 4), id="bilinear"),
    Row(UpSampling3D, {"size": (2, 1, 2)}, (2, 2, 1, 2, 2), wrong=(4, 3)),
    Row(UpSampling3D, {"size": 2, **FIRST}, (2, 2, 1, 2, 2), id="first"),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


def test_flatten():
    assert Flatten()(np.ones((3,), "float32")).shape == (3, 1)
    assert Flatten()(Input((None, 2))).shape == (None, None)
    assert Flatten()(np.ones((0, 3, 2), "float32")).shape == (0, 6)
    x = np.arange(12.0, dtype="float32").reshape(1, 2, 2, 3)
    np.testing.assert_array_equal(Flatten("channels_first")(x.transpose(0, 3, 1, 2)), x.reshape(1, 12))


def test_global_data_format_is_the_default():
    config.set_image_data_format("channels_first")
    try:
        assert ZeroPadding2D().data_format == Flatten().data_format == "channels_first"
    finally:
        config.set_image_data_format("channels_last")


def test_reshape_of_unknown_lengths():
    assert Reshape((-1, 2))(Input((None, 4))).shape == (None, None, 2)
    assert Reshape((-1, 2))(Input((3, 4))).shape == (None, 6, 2)
    assert Reshape(())(np.ones((4, 1), "float32")).shape == (4,)


def test_lengths_left_unknown():
    assert Cropping2D(1)(Input((None, 5, 2))).shape == (None, None, 3, 2)
    assert UpSampling1D(2)(Input((None, 2))).shape == (None, None, 2)
    assert ZeroPadding1D(2)(Input((None, 2))).shape == (None, None, 2)


@pytest.mark.parametrize(("layer", "argument", "value", "error"), [
    ("Reshape", "target_shape", (-1, -1), ValueError),
    ("Reshape", "target_shape", (-2, 3), ValueError),
    ("Reshape", "target_shape", (2.5,), ValueError),
    ("Permute", "dims", (0, 1), ValueError),
    ("Permute", "dims", (1, 3), ValueError),
    ("RepeatVector", "n", 0, ValueError),
    ("RepeatVector", "n", 1.5, TypeError),
    ("UpSampling1D", "size", 0, ValueError),
    ("UpSampling1D", "size", (2,), TypeError),
    ("UpSampling2D", "size", (2, 0), ValueError),
    ("UpSampling2D", "size", (2, 2, 2), ValueError),
    ("UpSampling2D", "interpolation", "cubic", ValueError),
    ("Cropping1D", "cropping", (1, -1), ValueError),
    ("Cropping2D", "cropping", -1, ValueError),
    ("Cropping2D", "cropping", (1, 2, 3), ValueError),
    ("Cropping3D", "cropping", "1", ValueError),
    ("ZeroPadding1D", "padding", (1, 2, 3), ValueError),
    ("ZeroPadding2D", "padding", ((1, 2), (3,)), ValueError),
    ("ZeroPadding3D", "padding", (1, 2), ValueError),
    ("ZeroPadding3D", "padding", True, ValueError),
])
def test_arguments_refused(layer, argument, value, error):
    with pytest.raises(error, match=argument):
        getattr(layers, layer)(**{argument: value})


@pytest.mark.parametrize("layer", ["Cropping2D", "Cropping3D", "Flatten", "UpSampling2D", "ZeroPadding1D"])
def test_data_format_refused(layer):
    with pytest.raises(ValueError, match="channels_middle"):
        getattr(layers, layer)(data_format="channels_middle")
