"""Convolutional layers: the contract, and their arguments."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import (
    Conv1D,
    Conv1DTranspose,
    Conv2D,
    Conv2DTranspose,
    Conv3D,
    Conv3DTranspose,
    DepthwiseConv1D,
    DepthwiseConv2D,
    Input,
    SeparableConv1D,
    SeparableConv2D,
)
from tests.layers.contract import Row, contract

FIRST = {"data_format": "channels_first"}
KERNEL = ["kernel", "bias"]
SEPARABLE = ["depthwise_kernel", "pointwise_kernel", "bias"]

ROWS = [
    Row(Conv1D, {"filters": 3, "kernel_size": 2}, (2, 5, 2), KERNEL, wrong=(2, 5)),
    Row(Conv1D, {"filters": 3, "kernel_size": 3, "padding": "causal", "dilation_rate": 2, "activation": "tanh"},
        (2, 5, 2), KERNEL, id="causal"),
    Row(Conv1D, {"filters": 4, "kernel_size": 2, "strides": 2, "groups": 2, **FIRST}, (2, 4, 5), KERNEL,
        wrong=(2, 3, 5), id="first"),
    Row(Conv2D, {"filters": 3, "kernel_size": (2, 3)}, (2, 4, 5, 2), KERNEL, wrong=(2, 4, 2, 2)),
    Row(Conv2D, {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same", "use_bias": False, **FIRST},
        (2, 2, 5, 4), ["kernel"], wrong=(2, 4, 5), id="first"),
    Row(Conv2D, {"filters": 2, "kernel_size": 2, "lora_rank": 2}, (2, 3, 3, 2), dtypes=(), gradient=False, id="lora",
        weights=["kernel", "bias", "lora_kernel_a", "lora_kernel_b"]),
    Row(Conv3D, {"filters": 2, "kernel_size": 2, "padding": "same"}, (2, 3, 2, 3, 2), KERNEL, wrong=(2, 3, 2, 3)),
    Row(Conv1DTranspose, {"filters": 3, "kernel_size": 3, "strides": 2}, (2, 4, 2), KERNEL, wrong=(2, 4)),
    Row(Conv2DTranspose, {"filters": 2, "kernel_size": (2, 3), "strides": 2, "padding": "same", "output_padding": 1},
        (2, 3, 2, 2), KERNEL, wrong=(2, 3, 2)),
    Row(Conv2DTranspose, {"filters": 2, "kernel_size": 2, "dilation_rate": 2, **FIRST}, (2, 3, 2, 2), KERNEL,
        id="first"),
    Row(Conv3DTranspose, {"filters": 2, "kernel_size": 2, "strides": (1, 2, 1)}, (2, 2, 2, 2, 2), KERNEL,
        wrong=(2, 2, 2, 2)),
    Row(DepthwiseConv1D, {"kernel_size": 3, "depth_multiplier": 2}, (2, 5, 2), KERNEL, wrong=(2, 2, 2)),
    Row(DepthwiseConv2D, {"kernel_size": 2, "padding": "same", "activation": "tanh", **FIRST}, (2, 2, 3, 4), KERNEL,
        wrong=(2, 3, 4)),
    Row(SeparableConv1D, {"filters": 3, "kernel_size": 2, "strides": 2}, (2, 5, 2), SEPARABLE, wrong=(2, 5)),
    Row(SeparableConv2D, {"filters": 3, "kernel_size": 2, "depth_multiplier": 2}, (2, 3, 4, 2), SEPARABLE,
        wrong=(2, 1, 4, 2)),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


def test_unknown_lengths_stay_unknown():
    assert Conv2D(3, 3)(Input((None, 5, 2))).shape == (None, None, 3, 3)
    assert Conv1D(3, 3, padding="causal")(Input((None, 2))).shape == (None, None, 3)
    assert Conv2DTranspose(3, 2, strides=2)(Input((None, 5, 2))).shape == (None, None, 10, 3)
    assert DepthwiseConv2D(3, **FIRST)(Input((2, None, 5))).shape == (None, 2, None, 3)


def test_unknown_channels_are_refused():
    with pytest.raises(ValueError, match="the_conv.*channels"):
        Conv2D(3, 3, name="the_conv")(Input((5, 5, None)))


def test_other_lengths_after_building():
    layer = Conv2D(3, 3)
    layer(np.ones((1, 5, 5, 2), "float32"))
    assert layer(np.ones((4, 7, 6, 2), "float32")).shape == (4, 5, 4, 3)
    with pytest.raises(ValueError, match=layer.name):
        layer(np.ones((1, 5, 5, 3), "float32"))


def test_regularizers_and_constraints():
    layer = Conv2D(2, 2, kernel_regularizer="l2", bias_constraint="non_neg", activity_regularizer="l1")
    layer(np.ones((1, 3, 3, 1), "float32"))
    assert len(layer.losses) == 2
    assert layer.bias.constraint is not None and layer.kernel.constraint is None
    separable = SeparableConv2D(2, 2, pointwise_regularizer="l2", depthwise_constraint="max_norm")
    separable.build((None, 3, 3, 1))
    assert separable.pointwise_kernel.regularizer is not None and separable.depthwise_kernel.constraint is not None


def test_older_names():
    assert layers.Convolution2D is Conv2D and layers.SeparableConvolution1D is SeparableConv1D
    assert layers.Convolution3DTranspose is Conv3DTranspose


@pytest.mark.parametrize(("layer", "argument", "value"), [
    ("Conv2D", "filters", 0),
    ("Conv2D", "filters", -3),
    ("Conv2D", "kernel_size", 0),
    ("Conv2D", "kernel_size", (2, 2, 2)),
    ("Conv2D", "strides", (0, 1)),
    ("Conv2D", "padding", "causal"),
    ("Conv2D", "padding", "full"),
    ("Conv2D", "groups", 2),
    ("Conv2D", "groups", 0),
    ("Conv2D", "data_format", "channels_middle"),
    ("Conv2DTranspose", "output_padding", 1),
    ("Conv2DTranspose", "output_padding", -1),
    ("DepthwiseConv2D", "depth_multiplier", 0),
    ("SeparableConv2D", "depth_multiplier", 0),
    ("SeparableConv1D", "padding", "causal"),
])
def test_arguments_refused(layer, argument, value):
    usual = {"kernel_size": 2} if layer.startswith("Depthwise") else {"filters": 3, "kernel_size": 2}
    with pytest.raises(ValueError, match="channels_middle" if argument == "data_format" else argument):
        getattr(layers, layer)(**{**usual, argument: value})


@pytest.mark.parametrize("layer", [Conv1D, Conv2D, Conv2DTranspose])
def test_strides_and_dilation_together_are_refused(layer):
    with pytest.raises(ValueError, match="strides.*dilation_rate"):
        layer(3, 3, strides=2, dilation_rate=2)


def test_channels_that_groups_do_not_divide():
    with pytest.raises(ValueError, match="the_conv.*2 groups"):
        Conv2D(4, 2, groups=2, name="the_conv")(np.ones((1, 3, 3, 3), "float32"))


def test_convolution_op_may_be_overridden():
    class Standardized(Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel * 0)

    x = np.ones((1, 3, 3, 2), "float32")
    np.testing.assert_array_equal(Standardized(2, 2)(x), np.zeros((1, 2, 2, 2)))
