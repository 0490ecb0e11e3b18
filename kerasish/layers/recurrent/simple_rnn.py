"""Fully connected recurrence."""

from typing import Any

from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.recurrent.base_cell import DenseCell
from kerasish.layers.recurrent.cell_rnn import CellRNN, for_cell, of_cell
from kerasish.utils import tree
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class SimpleRNNCell(DenseCell):
    """One step of `SimpleRNN`: `h' = activation(x W + h R + b)` (Keras: `layers.SimpleRNNCell`).

    Arguments as in `SimpleRNN`.
    """

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(
            units, gates=1, activation=activation, recurrent_activation=None, use_bias=use_bias, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, weight_arguments=dict(
                kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
                bias_constraint=bias_constraint), **kwargs)

    def call(self, sequence: Any, states: Any, training: Any = False) -> Any:
        """Return the output and the new state of one step.

        Args:
            sequence: inputs of the step, (batch, features).
            states: the state (batch, units), or a list of it.
            training: whether dropout is applied.
        """
        h = states[0] if tree.is_nested(states) else states
        masks = self._dropout_masks(sequence, h, training)
        z = self._through_gates(sequence, self.kernel, masks[0])
        if self.bias is not None:
            z = z + self.bias
        out = self.activation(z + self._through_gates(h, self.recurrent_kernel, masks[1]))
        return out, [out] if tree.is_nested(states) else out


@builtin("keras.layers")
class SimpleRNN(CellRNN):
    """Fully connected recurrence: `h' = activation(x W + h R + b)` at each step (Keras: `layers.SimpleRNN`).

    Args:
        units: length of the state and the output.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, recurrent_initializer, bias_initializer: first values of the weights W, R, b.
        kernel_regularizer, recurrent_regularizer, bias_regularizer: losses of the weights.
        activity_regularizer: loss of the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each update.
        dropout, recurrent_dropout: fractions of inputs and of states that are dropped in training.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
        seed: of dropout.
    """

    units = of_cell("units")

    def __init__(self, units: int, activation: Any = "tanh", use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", recurrent_initializer: Any = "orthogonal",
                 bias_initializer: Any = "zeros", kernel_regularizer: Any = None, recurrent_regularizer: Any = None,
                 bias_regularizer: Any = None, activity_regularizer: Any = None, kernel_constraint: Any = None,
                 recurrent_constraint: Any = None, bias_constraint: Any = None, dropout: float = 0.0,
                 recurrent_dropout: float = 0.0, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False, seed: int | None = None,
                 **kwargs: Any):
        cell = SimpleRNNCell(
            units, activation=activation, use_bias=use_bias, kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer, kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint, bias_constraint=bias_constraint, dropout=dropout,
            recurrent_dropout=recurrent_dropout, seed=seed, name="simple_rnn_cell", **for_cell(kwargs))
        super().__init__(cell, return_sequences=return_sequences, return_state=return_state,
                         go_backwards=go_backwards, stateful=stateful, unroll=unroll,
                         activity_regularizer=activity_regularizer, **kwargs)
        self.input_spec = InputSpec(ndim=3)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; the seed only if there is one, for Keras's files do not have it."""
        config = super().get_config()
        if config["seed"] is None:
            del config["seed"]
        return config
