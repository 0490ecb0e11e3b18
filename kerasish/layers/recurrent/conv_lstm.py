"""Long short-term memory of images and the like: the products are convolutions."""

import functools
from typing import Any

from kerasish import ops
from kerasish.layers.base.arguments import int_tuple, positive_int
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.spatial import join_shape, padding_name, split_shape, windows_along
from kerasish.layers.recurrent.base_cell import BaseCell, forget_bias_initializer, lstm_gates
from kerasish.layers.recurrent.cell_rnn import CellRNN, for_cell, of_cell
from kerasish.utils import config
from kerasish.utils.registry import builtin


class ConvLSTMCell(BaseCell):
    """One step of `ConvLSTM2D` in any rank; arguments as there, `rank` before them."""

    def __init__(self, rank: int, filters: int, kernel_size: Any, strides: Any, padding: str, data_format: str | None,
                 dilation_rate: Any, unit_forget_bias: bool, **kwargs: Any):
        filters = positive_int(filters, "filters")
        super().__init__(gates=4, implementation=1, **kwargs)
        self.rank, self.filters = rank, filters
        self.kernel_size = int_tuple(kernel_size, rank, "kernel_size")
        self.strides = int_tuple(strides, rank, "strides")
        self.dilation_rate = int_tuple(dilation_rate, rank, "dilation_rate")
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(f"arguments `strides` ({self.strides}) and `dilation_rate` ({self.dilation_rate}) cannot "
                             "both be more than 1")
        self.padding = padding_name(padding)
        self.data_format = config.standardize_data_format(data_format)
        self._channels = 1 if self.data_format == "channels_first" else -1
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [filters, filters]
        self.input_spec = InputSpec(ndim=rank + 2)

    def build(self, input_shape: Any) -> None:
        """Make kernel (*window, channels, 4 filters), recurrent kernel (*window, filters, 4 filters) and bias."""
        spatial, channels = split_shape(input_shape, self.data_format)
        if None in (*spatial, channels):
            raise ValueError(f"layer {self.path!r} needs to know the lengths of the spatial axes and the number of "
                             f"channels, got steps of shape {tuple(input_shape)}")
        self._state_shape = self.output_shape_of(input_shape)[1:]
        width = 4 * self.filters
        self.kernel = self._add_described("kernel", (*self.kernel_size, channels, width))
        self.recurrent_kernel = self._add_described(
            "recurrent_kernel", (*self.kernel_size, self.filters, width), "recurrent")
        first = forget_bias_initializer(self.bias_initializer, self.filters) if self.unit_forget_bias \
            else self.bias_initializer
        self.bias = self._add_described("bias", (width,), initializer=first) if self.use_bias else None

    def output_shape_of(self, input_shape: Any) -> tuple:
        """Return the shape of output and states for the shape of one step's input."""
        spatial, _ = split_shape(input_shape, self.data_format)
        try:
            out = windows_along(spatial, self.kernel_size, self.strides, self.padding, self.dilation_rate)
        except ValueError as error:
            raise ValueError(f"layer {self.path!r} cannot take steps of shape {tuple(input_shape)}: {error}") from None
        return join_shape(input_shape[0], out, self.filters, self.data_format)

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """Return two states of zeros."""
        return [ops.zeros((batch_size, *self._state_shape), dtype=self.compute_dtype) for _ in range(2)]

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        """Return the output and the new states of one step.

        Args:
            inputs: (batch, *spatial, channels), or (batch, channels, *spatial) for "channels_first".
            states: [h, c].
            training: whether dropout is applied.
        """
        h, c = states
        masks = self._dropout_masks(inputs, h, training)
        of_inputs = functools.partial(ops.conv, strides=self.strides, padding=self.padding,
                                      data_format=self.data_format, dilation_rate=self.dilation_rate)
        of_state = functools.partial(ops.conv, padding="same", data_format=self.data_format)
        z = self._through_gates(inputs, self.kernel, masks[0], of_inputs, self._channels)
        z = z + self._through_gates(h, self.recurrent_kernel, masks[1], of_state, self._channels)
        if self.bias is not None:
            z = z + (self.bias if self._channels == -1 else ops.reshape(self.bias, (-1, *(1,) * self.rank)))
        return lstm_gates(self, z, c, self._channels)

    def own_config(self) -> dict[str, Any]:
        """Return the arguments that the cell does not share with every layer."""
        return {**super().own_config(), "filters": self.filters, "kernel_size": self.kernel_size,
                "strides": self.strides, "padding": self.padding, "data_format": self.data_format,
                "dilation_rate": self.dilation_rate, "unit_forget_bias": self.unit_forget_bias}


class ConvLSTM(CellRNN):
    """Convolutional LSTM of any rank; arguments as in `ConvLSTM2D`."""

    rank: int
    filters = of_cell("filters")
    kernel_size = of_cell("kernel_size")
    strides = of_cell("strides")
    padding = of_cell("padding")
    data_format = of_cell("data_format")
    dilation_rate = of_cell("dilation_rate")
    recurrent_activation = of_cell("recurrent_activation")
    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(self, filters: int, kernel_size: Any, strides: Any = 1, padding: str = "valid",
                 data_format: str | None = None, dilation_rate: Any = 1, activation: Any = "tanh",
                 recurrent_activation: Any = "sigmoid", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", unit_forget_bias: bool = True, kernel_regularizer: Any = None,
                 recurrent_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, seed: int | None = None,
                 return_sequences: bool = False, return_state: bool = False, go_backwards: bool = False,
                 stateful: bool = False, **kwargs: Any):
        cell = ConvLSTMCell(
            self.rank, filters, kernel_size, strides, padding, data_format, dilation_rate, unit_forget_bias,
            activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, weight_arguments=dict(
                kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
                bias_constraint=bias_constraint), name="conv_lstm_cell", **for_cell(kwargs))
        super().__init__(cell, return_sequences=return_sequences, return_state=return_state,
                         go_backwards=go_backwards, stateful=stateful, activity_regularizer=activity_regularizer,
                         **kwargs)
        self.input_spec = InputSpec(ndim=self.rank + 3)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Return the shapes of the outputs."""
        batch, length = sequences_shape[:2]
        state = self.cell.output_shape_of((batch, *sequences_shape[2:]))  # type: ignore[attr-defined]
        output = (batch, length, *state[1:]) if self.return_sequences else state
        return (output, state, state) if self.return_state else output


@builtin("keras.layers")
class ConvLSTM1D(ConvLSTM):
    """Convolutional LSTM of sequences of (length, channels) (Keras: `layers.ConvLSTM1D`).

    Arguments as in `ConvLSTM2D`.
    """

    rank = 1


@builtin("keras.layers")
class ConvLSTM2D(ConvLSTM):
    """Long short-term memory whose products are convolutions, for sequences of images.

    i, f, o = recurrent_activation(.), k = activation(.) of x * W + h * R + b, with * a convolution; c' = f c + i k;
    h' = o activation(c'). The convolution of the state keeps its size.

    Source: Shi et al., 2015; Keras: `layers.ConvLSTM2D`.

    Args:
        filters: number of channels of states and output.
        kernel_size, strides, padding, data_format, dilation_rate: of the convolution of the inputs, see `Conv2D`.
        activation, recurrent_activation: names or functions; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: first values of the weights W, R, b.
        unit_forget_bias: whether the bias of f starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: losses of the weights.
        activity_regularizer: loss of the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each update.
        dropout, recurrent_dropout: fractions of inputs and of states that are dropped in training.
        seed: of dropout.
        return_sequences, return_state, go_backwards, stateful: see `RNN`.
    """

    rank = 2


@builtin("keras.layers")
class ConvLSTM3D(ConvLSTM):
    """Convolutional LSTM of sequences of volumes (Keras: `layers.ConvLSTM3D`); arguments as in `ConvLSTM2D`."""

    rank = 3
