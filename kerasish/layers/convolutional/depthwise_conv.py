"""Convolutions of each channel by itself."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.convolutional.base_conv import BaseConv
from kerasish.utils.registry import builtin


class DepthwiseConv(BaseConv):
    """Depthwise convolution of any rank; arguments as in `DepthwiseConv2D`, `rank` before them."""

    def __init__(self, rank: int, kernel_size: Any, strides: Any, padding: str, depth_multiplier: int,
                 data_format: str | None, dilation_rate: Any, activation: Any, use_bias: bool, **kwargs: Any):
        depth_multiplier = positive_int(depth_multiplier, "depth_multiplier")
        super().__init__(rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         one_step=False, **kwargs)
        self.depth_multiplier = depth_multiplier

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self._add_described("kernel", (*self.kernel_size, channels, self.depth_multiplier), "depthwise")

    def _out_channels(self, channels: int) -> int:
        return channels * self.depth_multiplier

    def _convolve(self, inputs: Any) -> Any:
        return ops.depthwise_conv(inputs, self.kernel, strides=self.strides, padding=self.padding,
                                  data_format=self.data_format, dilation_rate=self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "depth_multiplier": self.depth_multiplier}


@builtin("keras.layers")
class DepthwiseConv1D(DepthwiseConv):
    """Convolution over time of each channel by itself (Keras: `layers.DepthwiseConv1D`).

    Arguments as in `DepthwiseConv2D`, for one axis.
    """

    def __init__(self, kernel_size: Any, strides: Any = 1, padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = None, use_bias: bool = True,
                 depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(1, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
                         use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             depthwise_initializer=depthwise_initializer, bias_initializer=bias_initializer,
                             depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
                             depthwise_constraint=depthwise_constraint, bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class DepthwiseConv2D(DepthwiseConv):
    """Convolution over images of each channel by itself (Keras: `layers.DepthwiseConv2D`).

    Args:
        kernel_size: size of the window, one integer or one a spatial axis.
        strides: step between windows, likewise.
        padding: "valid" or "same".
        depth_multiplier: number of filters a channel, whose outputs stand side by side.
        data_format: "channels_last" or "channels_first"; by default the global one.
        dilation_rate: step between the taps of a window.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        depthwise_initializer, bias_initializer: first values of the weights.
        depthwise_regularizer, bias_regularizer, activity_regularizer: losses of weights and output.
        depthwise_constraint, bias_constraint: applied to the weights after each update.
    """

    def __init__(self, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid", depth_multiplier: int = 1,
                 data_format: str | None = None, dilation_rate: Any = (1, 1), activation: Any = None,
                 use_bias: bool = True, depthwise_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 depthwise_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 depthwise_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(2, kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate, activation,
                         use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             depthwise_initializer=depthwise_initializer, bias_initializer=bias_initializer,
                             depthwise_regularizer=depthwise_regularizer, bias_regularizer=bias_regularizer,
                             depthwise_constraint=depthwise_constraint, bias_constraint=bias_constraint), **kwargs)
