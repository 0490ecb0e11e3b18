"""Convolutions of each channel by itself, whose results are then mixed."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.convolutional.base_conv import BaseConv
from kerasish.utils.registry import builtin


class SeparableConv(BaseConv):
    """Separable convolution of any rank; arguments as in `SeparableConv2D`, `rank` before them."""

    def __init__(self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
                 dilation_rate: Any, depth_multiplier: int, activation: Any, use_bias: bool, **kwargs: Any):
        filters = positive_int(filters, "filters")
        depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")
        super().__init__(rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         one_step=False, **kwargs)
        self.filters, self.depth_multiplier = filters, depth_multiplier

    def _add_kernels(self, channels: int) -> None:
        self.depthwise_kernel = self._add_described(
            "depthwise_kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")
        self.pointwise_kernel = self._add_described(
            "pointwise_kernel", (*(1,) * self.rank, channels * self.depth_multiplier, self.filters), "pointwise")

    def _out_channels(self, channels: int) -> int:
        return self.filters

    def _convolve(self, inputs: Any) -> Any:
        return ops.separable_conv(inputs, self.depthwise_kernel, self.pointwise_kernel, strides=self.strides,
                                  padding=self.padding, data_format=self.data_format, dilation_rate=self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "depth_multiplier": self.depth_multiplier}


@builtin("keras.layers")
class SeparableConv1D(SeparableConv):
    """Separable convolution over time (Keras: `layers.SeparableConv1D`); arguments as in `SeparableConv2D`."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, depth_multiplier: int = 1,
                 activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(1, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
                             bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
                             pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
                             depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
                             bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class SeparableConv2D(SeparableConv):
    """Convolution over images of each channel by itself, then a mixture of the channels of each cell.

    Source: Chollet, 2017; Keras: `layers.SeparableConv2D`.

    Args:
        filters: number of output channels.
        kernel_size: size of the window, one integer or one a spatial axis.
        strides: step between windows, likewise.
        padding: "valid" or "same".
        data_format: "channels_last" or "channels_first"; by default the global one.
        dilation_rate: step between the taps of a window.
        depth_multiplier: number of filters a channel in the first convolution.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, pointwise_initializer, bias_initializer: first values of the weights.
        depthwise_regularizer, pointwise_regularizer, bias_regularizer: losses of the weights.
        activity_regularizer: loss of the output.
        depthwise_constraint, pointwise_constraint, bias_constraint: applied to the weights after each update.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1), depth_multiplier: int = 1,
                 activation: Any = None, use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform",
                 pointwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, pointwise_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, depthwise_constraint: Any = None, pointwise_constraint: Any = None,
                 bias_constraint: Any = None, **kwargs: Any):
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
                             bias_initializer=bias_initializer, depthwise_regularizer=depthwise_regularizer,
                             pointwise_regularizer=pointwise_regularizer, bias_regularizer=bias_regularizer,
                             depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
                             bias_constraint=bias_constraint), **kwargs)
