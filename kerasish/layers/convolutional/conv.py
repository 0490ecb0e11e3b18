"""Convolutions over one, two and three spatial axes."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.base.lora import HasLora
from kerasish.layers.convolutional.base_conv import BaseConv
from kerasish.utils.registry import builtin


class Conv(HasLora, BaseConv):
    """Convolution of any rank: `activation(conv(x, kernel) + bias)`; arguments as in `Conv2D`, `rank` before them."""

    def __init__(self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
                 dilation_rate: Any, groups: int, activation: Any, use_bias: bool, lora_rank: int | None = None,
                 lora_alpha: float | None = None, **kwargs: Any):
        self._filters_in_groups(filters, groups)
        paddings = ("valid", "same", "causal") if rank == 1 else ("valid", "same")
        super().__init__(rank, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         paddings=paddings, **kwargs)
        self.filters, self.groups = int(filters), int(groups)
        self._set_lora(lora_rank, lora_alpha)

    @staticmethod
    def _filters_in_groups(filters: Any, groups: Any) -> None:
        if positive_int(filters, "filters") % positive_int(groups, "groups"):
            raise ValueError(f"argument `filters` must be a multiple of `groups`, got {filters} and {groups}")

    def build(self, input_shape: Any) -> None:
        """Make kernel (*window, channels / groups, filters) and bias (filters,)."""
        super().build(input_shape)
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def _add_kernels(self, channels: int) -> None:
        if channels % self.groups:
            raise ValueError(f"layer {self.path!r} divides its input's channels into {self.groups} groups, but there "
                             f"are {channels}")
        self._kernel = self._add_described("kernel", (*self.kernel_size, channels // self.groups, self.filters))

    def _out_channels(self, channels: int) -> int:
        return self.filters

    @property
    def kernel(self) -> Any:
        """The kernel; with adaptation, the sum as a tensor."""
        return self.adapted()

    def convolution_op(self, inputs: Any, kernel: Any) -> Any:
        """Return the convolution with a kernel, without bias and activation; a subclass may do it its own way."""
        return ops.conv(inputs, kernel, strides=self.strides, padding=self.padding, data_format=self.data_format,
                        dilation_rate=self.dilation_rate)

    def _convolve(self, inputs: Any) -> Any:
        return self.convolution_op(inputs, self.kernel)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "filters": self.filters, "groups": self.groups, **self.lora_config()}


@builtin("keras.layers")
class Conv1D(Conv):
    """Convolution over time (Keras: `layers.Conv1D`).

    Args:
        padding: "valid", "same", or "causal": no output sees inputs after it.
        others: as in `Conv2D`, for one axis.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, groups: int = 1, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(1, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation,
                         use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class Conv2D(Conv):
    """Convolution over images: `activation(conv(x, kernel) + bias)` (Keras: `layers.Conv2D`).

    Inputs are (batch, rows, columns, channels), or (batch, channels, rows, columns) for "channels_first".

    Args:
        filters: number of output channels.
        kernel_size: size of the window, one integer or one a spatial axis.
        strides: step between windows, likewise.
        padding: "valid", or "same": zeros around, so that strides of 1 keep the size.
        data_format: "channels_last" or "channels_first"; by default the global one.
        dilation_rate: step between the taps of a window.
        groups: into how many groups the channels are divided, each convolved by itself.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: first values of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of weights and output.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        lora_rank, lora_alpha: see `enable_lora`; None for no adaptation.
    """

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1), groups: int = 1, activation: Any = None,
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any):
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation,
                         use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)


@builtin("keras.layers")
class Conv3D(Conv):
    """Convolution over volumes (Keras: `layers.Conv3D`); arguments as in `Conv2D`, for three axes."""

    def __init__(self, filters: int, kernel_size: Any, strides: Any = (1, 1, 1), padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = (1, 1, 1), groups: int = 1,
                 activation: Any = None, use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, bias_constraint: Any = None,
                 **kwargs: Any):
        super().__init__(3, filters, kernel_size, strides, padding, data_format, dilation_rate, groups, activation,
                         use_bias, activity_regularizer=activity_regularizer, weight_arguments=dict(
                             kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                             kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                             kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)
