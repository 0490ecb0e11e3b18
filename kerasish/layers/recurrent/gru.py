"""Gated recurrent unit."""

from typing import Any

from kerasish import ops
from kerasish.layers.recurrent.base_cell import DenseCell
from kerasish.layers.recurrent.cell_rnn import SequenceRNN, for_cell, of_cell
from kerasish.ops import recurrent
from kerasish.utils import tree
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class GRUCell(DenseCell):
    """One step of `GRU` (Keras: `layers.GRUCell`); arguments as there."""

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 kernel_constraint: Any = None, recurrent_constraint: Any = None, bias_constraint: Any = None,
                 dropout: float = 0.0, recurrent_dropout: float = 0.0, reset_after: bool = True,
                 seed: int | None = None, **kwargs: Any):
        super().__init__(
            units, gates=3, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
            dropout=dropout, recurrent_dropout=recurrent_dropout, seed=seed, weight_arguments=dict(
                kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
                bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
                recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
                bias_constraint=bias_constraint), **kwargs)
        self.reset_after = reset_after

    def _add_bias(self, width: int) -> Any:
        return self._add_described("bias", (2, width) if self.reset_after else (width,))

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        """Return the output and the new state of one step.

        Args:
            inputs: (batch, features).
            states: the state (batch, units), or a list of it.
            training: whether dropout is applied.
        """
        h = states[0] if tree.is_nested(states) else states
        bias, inner_bias = self._biases()
        of_inputs, of_state = self._dropout_masks(inputs, h, training)
        x = self._through_gates(inputs, self.kernel, of_inputs)
        if bias is not None:
            x = x + bias
        x_u, x_r, x_k = ops.split(x, 3, axis=-1)
        if self.reset_after:
            inner = self._through_gates(h, self.recurrent_kernel, of_state)
            if inner_bias is not None:
                inner = inner + inner_bias
            h_u, h_r, h_k = ops.split(inner, 3, axis=-1)
            r = self.recurrent_activation(x_r + h_r)
            k = self.activation(x_k + r * h_k)
        else:
            both, last = of_state, None
            if isinstance(of_state, tuple):
                both, last = of_state[:2], of_state[2]
            h_u, h_r = ops.split(
                self._through_gates(h, self.recurrent_kernel[:, : 2 * self.units], both), 2, axis=-1)
            r = self.recurrent_activation(x_r + h_r)
            k = self.activation(x_k + self._through_gates(r * h, self.recurrent_kernel[:, 2 * self.units :], last))
        u = self.recurrent_activation(x_u + h_u)
        h = u * h + (1 - u) * k
        return h, [h] if tree.is_nested(states) else h

    def _biases(self) -> tuple[Any, Any]:
        """The biases of the inputs' product and of the state's."""
        if self.bias is None or not self.reset_after:
            return self.bias, None
        return self.bias[0], self.bias[1]

    def own_config(self) -> dict[str, Any]:
        """Return the arguments that the cell does not share with every layer."""
        return {**super().own_config(), "reset_after": self.reset_after}


@builtin("keras.layers")
class GRU(SequenceRNN):
    """Gated recurrent unit: a state that one gate keeps and another resets.

    u, r = recurrent_activation(x W + b + h R + d);  k = activation(x W + b + r (h R + d));  h' = u h + (1 - u) k,
    with the gates u, r, k side by side. Without `reset_after`, k = activation(x W + b + (r h) R), and there is no d.

    Source: Cho et al., 2014; Keras: `layers.GRU`.

    Args:
        units: length of the state and the output.
        activation, recurrent_activation: names or functions; None for none.
        use_bias: whether biases are added.
        kernel_initializer, recurrent_initializer, bias_initializer: first values of the weights W, R, (b, d).
        kernel_regularizer, recurrent_regularizer, bias_regularizer: losses of the weights.
        activity_regularizer: loss of the output.
        kernel_constraint, recurrent_constraint, bias_constraint: applied to the weights after each update.
        dropout, recurrent_dropout: fractions of inputs and of states that are dropped in training.
        seed: of dropout.
        return_sequences, return_state, go_backwards, stateful, unroll: see `RNN`.
        reset_after: whether the state is reset after its product with R.
        use_cudnn: whether to run whole sequences at once: "auto" (where possible), False, or True (or fail).
    """

    reset_after = of_cell("reset_after")

    def __init__(self, units: int, activation: Any = "tanh", recurrent_activation: Any = "sigmoid",
                 use_bias: bool = True, kernel_initializer: Any = "glorot_uniform",
                 recurrent_initializer: Any = "orthogonal", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, recurrent_regularizer: Any = None, bias_regularizer: Any = None,
                 activity_regularizer: Any = None, kernel_constraint: Any = None, recurrent_constraint: Any = None,
                 bias_constraint: Any = None, dropout: float = 0.0, recurrent_dropout: float = 0.0,
                 seed: int | None = None, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False, reset_after: bool = True,
                 use_cudnn: Any = "auto", **kwargs: Any):
        cell = GRUCell(
            units, activation=activation, recurrent_activation=recurrent_activation, use_bias=use_bias,
            kernel_initializer=kernel_initializer, recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer, kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint, dropout=dropout, recurrent_dropout=recurrent_dropout,
            reset_after=reset_after, seed=seed, implementation=kwargs.pop("implementation", 2), name="gru_cell",
            **for_cell(kwargs))
        super().__init__(cell, use_cudnn, return_sequences=return_sequences, return_state=return_state,
                         go_backwards=go_backwards, stateful=stateful, unroll=unroll,
                         activity_regularizer=activity_regularizer, **kwargs)

    def _can_run_whole(self, mask: Any, training: Any) -> bool:
        return self.reset_after and super()._can_run_whole(mask, training)

    def _whole(self, sequences: Any, states: list[Any], mask: Any) -> Any:
        cell = self.cell
        return recurrent.gru(sequences, states[0], mask, cell.kernel, cell.recurrent_kernel, cell.bias,
                             go_backwards=self.go_backwards, zero_output_for_mask=self.zero_output_for_mask)
