"""Recurrent layers that make their own cell."""

from typing import Any

from kerasish import activations, ops, regularizers
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.recurrent.base_cell import BaseCell
from kerasish.layers.recurrent.rnn import RNN


def of_cell(name: str) -> property:
    """Return a property that is the cell's attribute of this name."""
    return property(lambda self: getattr(self.cell, name), doc=f"`{name}` of the cell.")


class CellRNN(RNN):
    """A recurrent layer whose constructor takes the cell's arguments, and which has them as attributes."""

    cell: BaseCell
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["cell"]
        return {**config, **self.cell.own_config(),
                "activity_regularizer": regularizers.serialize(self.activity_regularizer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a layer from what `get_config` gave."""
        return cls(**config)


def for_cell(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return those of a layer's keyword arguments that its cell shares."""
    return {"dtype": kwargs.get("dtype"), "trainable": kwargs.get("trainable", True)}


class SequenceRNN(CellRNN):
    """A recurrent layer that can run whole sequences at once, where its arguments allow.

    Args:
        cell: the cell.
        use_cudnn: whether to run whole sequences at once: "auto" (where possible), False, or True (or fail).
        kwargs: those of `RNN`.
    """

    units = of_cell("units")
    recurrent_activation = of_cell("recurrent_activation")

    def __init__(self, cell: BaseCell, use_cudnn: Any = "auto", **kwargs: Any):
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f"argument `use_cudnn` must be 'auto', True or False, got {use_cudnn!r}")
        super().__init__(cell, **kwargs)
        self.use_cudnn = use_cudnn
        self.input_spec = InputSpec(ndim=3)

    def _whole(self, sequences: Any, states: list[Any], mask: Any) -> Any:
        """Return (last output, outputs, last states), computed at once."""
        raise NotImplementedError

    def _can_run_whole(self, mask: Any, training: Any) -> bool:
        cell = self.cell
        dropped = training and (cell.recurrent_dropout or (cell.dropout and cell.implementation == 1))
        usual = (cell.activation is activations.get("tanh")
                 and cell.recurrent_activation is activations.get("sigmoid"))
        return usual and not dropped and not (self.unroll and mask is not None)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> Any:
        """Return (last output, outputs, last states)."""
        if self.use_cudnn and self._can_run_whole(mask, training):
            if training and self.cell.dropout:
                sequences = sequences * ops.expand_dims(self.cell.get_dropout_mask(sequences[:, 0]), 1)
            return self._whole(sequences, initial_state, mask)
        if self.use_cudnn is True:
            raise ValueError(f"layer {self.path!r} has use_cudnn=True, but whole sequences are run at once only with "
                             "the activations tanh and sigmoid, without recurrent dropout, and with a mask only where "
                             "unroll=False: give use_cudnn='auto'")
        return super().inner_loop(sequences, initial_state, mask, training)
