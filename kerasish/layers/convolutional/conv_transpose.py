"""Transposed convolutions over one, two and three spatial axes."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import int_tuple, positive_int
from kerasish.layers.convolutional.base_conv import BaseConv
from kerasish.ops.conv import transposed_axis
from kerasish.utils.registry import builtin


class ConvTranspose(BaseConv):
    """Transposed convolution of any rank; arguments as in `Conv2DTranspose`, `rank` before them."""

    def __init__(self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, output_padding: Any,
                 data_format: str | None, dilation_rate: Any, activation: Any, use_bias: bool, **kwargs: Any):
        filters = positive_int(filters, "filters")
        super().__init__(rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         **kwargs)
        self.filters = filters
        self.output_padding = None if output_padding is None else int_tuple(
            output_padding, rank, "output_padding", least=0)
        if self.output_padding and any(p >= s for p, s in zip(self.output_padding, self.strides)):
            raise ValueError(f"argument `output_padding` must be less than `strides` on each axis, got "
                             f"{self.output_padding} and {self.strides}")

    def _add_kernels(self, channels: int) -> None:
        self.kernel = self._add_described("kernel", (*self.kernel_size, self.filters, channels))

    def _out_channels(self, channels: int) -> int:
        return self.filters

    def _out_lengths(self, spatial: tuple) -> tuple:
        if len(spatial) != self.rank:
            raise ValueError(f"expected {self.rank} spatial axes")
        extra = self.output_padding or (None,) * self.rank
        axes = zip(spatial, self.kernel_size, self.strides, self.dilation_rate, extra)
        return tuple(None if n is None else transposed_axis(self.padding, n, k, s, d, e)[0] for n, k, s, d, e in axes)

    def _convolve(self, inputs: Any) -> Any:
        return ops.conv_transpose(inputs, self.kernel, strides=self.strides, padding=self.padding,
                                  output_padding=self.output_padding, data_format=self.data_format,
                                  dilation_rate=self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "output_padding": self.output_padding}


@builtin("keras.layers")
class Conv1DTranspose(ConvTranspose):
    """Transposed convolution over time (Keras: `layers.Conv1DTranspose`); arguments as in `Conv2DTranspose`."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = 1,
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):
        super().__init__(1, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
                         activation, use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class Conv2DTranspose(ConvTranspose):
    """Transposed convolution over images: the linear map that is the gradient of a convolution by its input.

    Source: Keras `layers.Conv2DTranspose`.

    Args:
        filters: number of output channels.
        kernel_size: size of the window, one integer or one a spatial axis.
        strides: step between windows of the output: about how many times larger it is than the input.
        padding: "valid" (the output holds all windows) or "same" (it is `strides` times as long as the input).
        output_padding: cells added to the end of each axis, less than `strides`; None for what is usual.
        data_format: "channels_last" or "channels_first"; by default the global one.
        dilation_rate: step between the taps of a window.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: first values of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of weights and output.
        kernel_constraint, bias_constraint: applied to the weights after each update.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = (1, 1),
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):
        super().__init__(2, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
                         activation, use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class Conv3DTranspose(ConvTranspose):
    """Transposed convolution over volumes (Keras: `layers.Conv3DTranspose`); arguments as in `Conv2DTranspose`."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
                 data_format: str | None = None, output_padding: Any = None, dilation_rate: Any = (1, 1, 1),
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):
        super().__init__(3, filters, kernel_size, strides, padding, output_padding, data_format, dilation_rate,
                         activation, use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)
