"""A cell applied along time."""

from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.core import symbolic
from kerasish.core.abstract import in_shape_inference
from kerasish.core.name_scope import name_scope
from kerasish.core.variable import Variable
from kerasish.layers.base.layer import Layer
from kerasish.layers.recurrent.base_cell import BaseCell
from kerasish.layers.recurrent.stacked_rnn_cells import StackedRNNCells, checked_cell, output_size_of
from kerasish.ops.rnn import rnn
from kerasish.utils import tree
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.layers")
class RNN(Layer):
    """Apply a cell to each step of sequences (batch, time, ...) (Keras: `layers.RNN`).

    Args:
        cell: a layer of `(inputs, states)` -> (output, new states) with an attribute `state_size`, and perhaps
            `output_size` and `get_initial_state(batch_size)`; or a list of cells, which are stacked.
        return_sequences: whether the outputs of all steps are returned, (batch, time, ...), or of the last alone.
        return_state: whether the last states are returned as well.
        go_backwards: whether to begin with the last step; outputs come in the order of computation.
        stateful: whether the states at the end of a batch are the first ones of the next.
        unroll: decides only what a masked step puts out: the output before it, not the state.
        zero_output_for_mask: whether masked steps put out zeros.
    """

    states: Any

    def __init__(self, cell: Any, return_sequences: bool = False, return_state: bool = False,
                 go_backwards: bool = False, stateful: bool = False, unroll: bool = False,
                 zero_output_for_mask: bool = False, **kwargs: Any):
        cell = StackedRNNCells(cell) if isinstance(cell, list | tuple) else checked_cell(cell)
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.single_state = isinstance(cell.state_size, int)
        self.state_size = [cell.state_size] if self.single_state else list(cell.state_size)
        # Not among the weights: the states are no part of what a model has learned.
        object.__setattr__(self, "states", None)

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        """Build the cell for one step; make the states that stay, if there are any."""
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful and self.states is None:
            if sequences_shape[0] is None:
                raise ValueError(f"layer {self.path!r} is stateful, so it needs to know the batch size, got shape "
                                 f"{tuple(sequences_shape)}: make the input with Input(batch_shape=...)")
            self._make_states(sequences_shape[0])

    def _make_states(self, batch_size: int) -> None:
        with name_scope(self.name, caller=self):
            states = tree.map_structure(
                lambda x: Variable(x, trainable=False, dtype=self.variable_dtype, name="rnn_state"),
                self.get_initial_state(batch_size))
        object.__setattr__(self, "states", states)

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """Return the cell's first states, in a list."""
        own = getattr(self.cell, "get_initial_state", None)
        if own is None:
            return [ops.zeros((batch_size, n), dtype=self._cell_dtype) for n in self.state_size]
        states = own(batch_size=batch_size)
        return list(states) if tree.is_nested(states) else [states]

    def reset_state(self) -> None:
        """Set the states that stay to zero."""
        for v in tree.flatten(self.states) if self.states is not None else []:
            v.assign(ops.zeros(v.shape, dtype=v.dtype))

    def reset_states(self) -> None:
        """The same as `reset_state`, under its older name."""
        self.reset_state()

    @property
    def _cell_dtype(self) -> str:
        return getattr(self.cell, "compute_dtype", self.compute_dtype)

    # ---- calling -------------------------------------------------------------------------------

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False) -> Any:
        """Return the last output or all of them, followed by the last states if they are asked for.

        Args:
            sequences: (batch, time, ...).
            initial_state: the first states, as the cell has them; zeros (or those that stayed) by default.
            mask: boolean (batch, time): where it is False the states stay as they were.
            training: whether dropout is applied.
        """
        states = self._first_states(sequences, initial_state)
        cells = [layer for layer in self._flatten_layers(include_self=False) if isinstance(layer, BaseCell)]
        for cell in cells:
            cell.begin_sequence()
        try:
            last, outputs, states = self.inner_loop(sequences, states, _first(mask), training)
        finally:
            for cell in cells:
                cell.end_sequence()
        if self._keeps_states():
            for variable, value in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                variable.assign(value)
        output, states = tree.map_structure(
            lambda x: ops.cast(x, self.compute_dtype), (outputs if self.return_sequences else last, list(states)))
        if not self.return_state:
            return output
        # A cell of one state may take and give it in a list; here it is what `state_size` says, a tensor.
        return (output, *[s[0] if isinstance(n, int) and tree.is_nested(s) else s
                          for n, s in zip(self.state_size, states, strict=True)])

    def _keeps_states(self) -> bool:
        return self.stateful and not in_shape_inference()  # where the batch may be one that stands for any

    def _first_states(self, sequences: Any, initial_state: Any) -> list[Any]:
        batch = sequences.shape[0]
        if self._keeps_states():
            expected = tree.flatten(self.states)[0].shape[0]
            if batch != expected:
                raise ValueError(f"layer {self.path!r} is stateful with batch size {expected}, but got a batch of "
                                 f"{batch}")
        if initial_state is None:
            initial_state = self.states if self._keeps_states() else self.get_initial_state(batch)
        states = list(initial_state) if tree.is_nested(initial_state) else [initial_state]
        return tree.map_structure(lambda x: ops.convert_to_tensor(x, dtype=self._cell_dtype), states)

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> Any:
        """Return (last output, outputs, last states); a subclass may compute them its own way."""
        return rnn(self._step(training), sequences, initial_state, go_backwards=self.go_backwards, mask=mask,
                   unroll=self.unroll, zero_output_for_mask=self.zero_output_for_mask,
                   return_all_outputs=self.return_sequences)

    def _step(self, training: Any) -> Callable[..., Any]:
        cell = self.cell
        told = {"training": training} if isinstance(cell, Layer) and cell._call_signature.has_training else {}

        def step(inputs: Any, states: Any) -> Any:
            output, new = cell(inputs, states, **told)
            return output, new if tree.is_nested(new) else [new]

        return step

    # ---- shapes, masks -------------------------------------------------------------------------

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """Return the symbolic outputs, as one step gives them."""
        return symbolic.compute_output_spec(self.call, *args, **kwargs)

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        """Return the shapes of the outputs, for a cell whose states and output are vectors."""
        batch, length = sequences_shape[:2]
        states = [tree.map_structure(lambda n: (batch, n), size) for size in self.state_size]
        size = output_size_of(self.cell)
        output = (batch, length, size) if self.return_sequences else (batch, size)
        return (output, *states) if self.return_state else output

    def compute_mask(self, _: Any, mask: Any) -> Any:
        """Return the mask of the outputs: that of the inputs, if there is an output a step."""
        out = _first(mask) if self.return_sequences else None
        return [out, *[None] * len(self.state_size)] if self.return_state else out

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), **self._loop_config(), "cell": serialize_keras_object(self.cell)}

    def _loop_config(self) -> dict[str, Any]:
        return {"return_sequences": self.return_sequences, "return_state": self.return_state,
                "go_backwards": self.go_backwards, "stateful": self.stateful, "unroll": self.unroll,
                "zero_output_for_mask": self.zero_output_for_mask}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a layer from what `get_config` gave."""
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects=custom_objects), **config)


def _first(mask: Any) -> Any:
    """The mask of the first of several inputs: a step counts for all or for none."""
    return tree.flatten(mask)[0] if tree.is_nested(mask) else mask
