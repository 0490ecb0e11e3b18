"""Cells one above the other, as one cell."""

from typing import Any

from kerasish import ops
from kerasish.layers.base.layer import Layer
from kerasish.utils import tree
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


def checked_cell(cell: Any) -> Any:
    """Return a cell.

    Raises:
        ValueError: it cannot be called, or does not say how large its states are.
    """
    size = getattr(cell, "state_size", None)
    if not hasattr(cell, "call") or not isinstance(size, int | list | tuple):
        raise ValueError("a recurrent cell must have a method `call(inputs, states)` and an attribute `state_size` (an "
                         f"integer, or one a state), got {cell!r} with state_size={size!r}")
    return cell


def output_size_of(cell: Any) -> Any:
    """Return the length of a cell's output; by default that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size
    return size[0] if isinstance(size, list | tuple) else size


@builtin("keras.layers")
class StackedRNNCells(Layer):
    """Several cells as one: the output of each is the input of the next (Keras: `layers.StackedRNNCells`).

    Args:
        cells: the cells, lowest first.
    """

    def __init__(self, cells: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.cells = [checked_cell(cell) for cell in cells]

    @property
    def state_size(self) -> list[Any]:
        """The state sizes of the cells."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> Any:
        """The length of the last cell's output."""
        return output_size_of(self.cells[-1])

    def build(self, input_shape: Any) -> None:
        """Build each cell for the output of the one below."""
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """Return the first states of the cells, one entry a cell."""
        return [self._first_state(cell, batch_size) for cell in self.cells]

    def _first_state(self, cell: Any, batch_size: Any) -> Any:
        own = getattr(cell, "get_initial_state", None)
        if own is not None:
            return own(batch_size=batch_size)
        return tree.map_structure(lambda n: ops.zeros((batch_size, n), dtype=self.compute_dtype), cell.state_size)

    def call(self, inputs: Any, states: Any, training: Any = False, **kwargs: Any) -> Any:
        """Return the output of the last cell, and the new states, one entry a cell."""
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            nested = tree.is_nested(state)
            told = {"training": training} if isinstance(cell, Layer) and cell._call_signature.has_training else {}
            inputs, new = cell(inputs, list(state) if nested else [state], **kwargs, **told)
            new_states.append(new[0] if tree.is_nested(new) and not nested else new)
        return inputs, new_states

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """Make a cell from what `get_config` gave."""
        config = dict(config)
        cells = [deserialize_keras_object(c, custom_objects=custom_objects) for c in config.pop("cells")]
        return cls(cells, **config)
