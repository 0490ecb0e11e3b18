"""Long short-term memory."""

from typing import Any

from kerasish.layers.recurrent.base_cell import DenseCell, forget_bias_initializer, lstm_gates
from kerasish.layers.recurrent.cell_rnn import SequenceRNN, for_cell, of_cell
from kerasish.ops import recurrent
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class LSTMCell(DenseCell):
    """One step of `LSTM` (Keras: `layers.LSTMCell`); arguments as there."""

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 unit_forget_bias: bool = True, kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(
            units, states=2, gates=4, activation=activation, recurrent_activation=recurrent_activation,
            use_bias=use_bias, dropout=dropout, recurrent_dropout=recurrent_dropout, seed=seed, weight_arguments=dict(
                kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
                bias_constraint=bias_constraint), **kwargs)
        self.unit_forget_bias = unit_forget_bias

    def _add_bias(self, width: int) -> Any:
        if not self.unit_forget_bias:
            return super()._add_bias(width)
        return self._add_described("bias", (width,),
                                   initializer=forget_bias_initializer(self.bias_initializer, self.units))

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        """Return the output and the new states of one step.

        Args:
            inputs: (batch, features).
            states: [h, c], (batch, units) each.
            training: whether dropout is applied.
        """
        h, c = states
        masks = self._dropout_masks(inputs, h, training)
        z = self._through_gates(inputs, self.kernel, masks[0])
        z = z + self._through_gates(h, self.recurrent_kernel, masks[1])
        if self.bias is not None:
            z = z + self.bias
        return lstm_gates(self, z, c)

    def own_config(self) -> dict[str, Any]:
        """Return the arguments that the cell does not share with every layer."""
        return {**super().own_config(), "unit_forget_bias": self.unit_forget_bias}


@builtin("keras.layers")
class LSTM(SequenceRNN):
    """Long short-term memory: a state that gates let in, keep and let out.

    i, f, o = recurrent_activation(.), k = activation(.) of x W + h R + b, in the order i, f, k, o side by side;
    c' = f c + i k;  h' = o activation(c').

    Source: Hochreiter & Schmidhuber, 1997; Keras: `layers.LSTM`.

    Args:
        units: length of the states and the output.
        activation, recurrent_activation: names or functions; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: first values of the weights W, R, b.
        unit_forget_bias: whether the bias of f starts at 1.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: losses of the weights.
        activity_regularizer: loss of the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each update.
        dropout, recurrent_dropout: fractions of inputs and of states that are dropped in training.
        seed: of dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
        use_cudnn: whether to run whole sequences at once: "auto" (where possible), False, or True (or fail).
    """

    unit_forget_bias = of_cell("unit_forget_bias")

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 unit_forget_bias: bool = True, kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, seed: int | None = None, return_sequences: bool = False,
                 return_state: bool = False, go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 use_cudnn: Any = "auto", **kwargs: Any):
        cell = LSTMCell(
            units, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer, unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer, recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint, bias_constraint=bias_constraint, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, implementation=kwargs.pop("implementation", 2),
            name="lstm_cell", **for_cell(kwargs))
        super().__init__(cell, use_cudnn, return_sequences=return_sequences, return_state=return_state,
                         go_backwards=go_backwards, stateful=stateful, unroll=unroll,
                         activity_regularizer=activity_regularizer, **kwargs)

    def _whole(self, sequences: Any, states: list[Any], mask: Any) -> Any:
        cell = self.cell
        return recurrent.lstm(sequences, states[0], states[1], mask, cell.kernel, cell.recurrent_kernel, cell.bias,
                              go_backwards=self.go_backwards, zero_output_for_mask=self.zero_output_for_mask)
