"""What all convolutions share."""

from typing import Any

from kerasish import activations, ops, regularizers
from kerasish.layers.base.arguments import int_tuple
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.spatial import join_shape, padding_name, split_shape, windows_along
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.ops.elementwise import add_to_own
from kerasish.utils import config


class BaseConv(HasWeightArguments, Layer):
    """A layer that slides windows over spatial axes: it defines `_shapes` and `_convolve`.

    Args:
        rank: number of spatial axes.
        kernel_size: size of the window.
        strides: step between windows.
        padding: "valid", "same", or one more that the class allows.
        data_format: "channels_last" or "channels_first"; by default the global one.
        dilation_rate: step between the taps of a window.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        weight_arguments: initializers, regularizers and constraints by name.
        paddings: names that `padding` may have.
        one_step: whether `strides` and `dilation_rate` must not both be more than 1.
    """

    def __init__(self, rank: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
                 dilation_rate: Any, activation: Any, use_bias: bool, weight_arguments: dict[str, Any],
                 paddings: tuple[str, ...] = ("valid", "same"), one_step: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.rank = rank
        self.kernel_size = int_tuple(kernel_size, rank, "kernel_size")
        self.strides = int_tuple(strides, rank, "strides")
        self.dilation_rate = int_tuple(dilation_rate, rank, "dilation_rate")
        if one_step and max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"arguments `strides` ({self.strides}) and `dilation_rate` ({self.dilation_rate}) cannot "
                             "both be more than 1")
        self.padding = padding_name(padding, paddings)
        self.data_format = config.standardize_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._set_weight_arguments(**weight_arguments)
        self.input_spec = InputSpec(ndim=rank + 2)

    # ---- what a subclass defines ---------------------------------------------------------------

    def _add_kernels(self, channels: int) -> None:
        """Make the kernels for inputs of so many channels."""
        raise NotImplementedError

    def _out_channels(self, channels: int) -> int:
        """Return the number of output channels for so many input channels."""
        raise NotImplementedError

    def _convolve(self, inputs: Any) -> Any:
        """Return the convolution, without bias and activation."""
        raise NotImplementedError

    # --------------------------------------------------------------------------------------------

    def build(self, input_shape: Any) -> None:
        """Make the kernels, and the bias (output channels,)."""
        channels = split_shape(input_shape, self.data_format)[1]
        if channels is None:
            raise ValueError(f"layer {self.path!r} needs to know the number of its input's channels, got shape "
                             f"{tuple(input_shape)} with data_format={self.data_format!r}")
        self.compute_output_shape(input_shape)  # raises where no window fits
        self.input_spec = InputSpec(ndim=self.rank + 2,
                                    axes={1 if self.data_format == "channels_first" else -1: channels})
        self._add_kernels(channels)
        self.bias = self._add_described("bias", (self._out_channels(channels),)) if self.use_bias else None

    def call(self, inputs: Any) -> Any:
        """Return the activations, one cell a window."""
        out = self._convolve(inputs)
        if self.bias is not None:
            bias = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            out = add_to_own(out, bias)
        return out if self.activation is None else self.activation(out)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the output; unknown lengths stay unknown."""
        spatial, channels = split_shape(input_shape, self.data_format)
        try:
            out = self._out_lengths(spatial)
        except ValueError as error:
            raise ValueError(f"layer {self.path!r} cannot take inputs of shape {tuple(input_shape)}: {error}") from None
        return join_shape(input_shape[0], out, self._out_channels(channels), self.data_format)  # type: ignore[arg-type]

    def _out_lengths(self, spatial: tuple) -> tuple:
        if len(spatial) != self.rank:
            raise ValueError(f"expected {self.rank} spatial axes")
        return windows_along(spatial, self.kernel_size, self.strides, self.padding, self.dilation_rate)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self._weight_config(),
        }
