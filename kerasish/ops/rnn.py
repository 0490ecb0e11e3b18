"""Recurrences over time: any step function, as Keras's layers give it (Keras: `backend.rnn`)."""

from collections.abc import Callable
from typing import Any

from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import to_tensor
from kerasish.core.tensor import Tensor
from kerasish.ops.comparison import where
from kerasish.ops.control import traced_scan, tracing
from kerasish.ops.creation import zeros_like
from kerasish.ops.joining import stack, unstack
from kerasish.ops.shape import broadcast_to, expand_dims, flip, reshape, swapaxes
from kerasish.utils import tree

__all__ = ["rnn"]


def rnn(step_function: Callable[..., Any], inputs: Any, initial_states: Any, go_backwards: bool = False,
        mask: Any = None, constants: Any = None, unroll: bool = False, input_length: Any = None,
        time_major: bool = False, zero_output_for_mask: bool = False, return_all_outputs: bool = True) -> Any:
    """Apply a step function along time.

    Where the mask is False the states stay as they were, and the output is the first state (with `unroll`, the
    output of the step before), or zeros.

    Args:
        step_function: `step(inputs_t, states + constants)` -> (output, new states).
        inputs: tensors `(batch, time, ...)`, in any nested structure.
        initial_states: list of tensors `(batch, ...)`, or of nested structures of them.
        go_backwards: whether to begin with the last step; outputs come in the order of computation.
        mask: boolean `(batch, time)` or `(batch, time, 1)`.
        constants: handed to every step after the states.
        unroll: decides only what a masked step puts out.
        input_length: not needed, the length is the inputs'.
        time_major: whether inputs, mask and outputs have the time first.
        zero_output_for_mask: whether masked steps put out zeros.
        return_all_outputs: whether outputs of all steps are returned, else of the last alone.

    Returns:
        (last output, outputs `(batch, time or 1, ...)`, last states)
    """
    inputs = tree.map_structure(to_tensor, inputs)
    if not time_major:
        inputs = tree.map_structure(_swapped, inputs)
    length = tree.flatten(inputs)[0].shape[0]
    if not length:
        raise ValueError("a recurrence needs at least one time step, got inputs of length 0")
    step = _masked_step(step_function, list(constants or ()), unroll, zero_output_for_mask)
    masks = None if mask is None else _masks(to_tensor(mask), time_major, go_backwards)
    if in_shape_inference():
        outputs, states = _one_step(step, inputs, masks, initial_states, length if return_all_outputs else 1)
        last = tree.map_structure(lambda o: o[0], outputs)
    elif tracing() and not unroll and length > 1:
        last, outputs, states = _traced(step, inputs, masks, initial_states, length, go_backwards, return_all_outputs)
    else:
        last, collected, states = _run(step, inputs, masks, initial_states, length, go_backwards, return_all_outputs)
        outputs = tree.map_structure(lambda *o: stack(list(o)), *collected)
    return last, outputs if time_major else tree.map_structure(_swapped, outputs), states


def _swapped(x: Tensor) -> Tensor:
    return swapaxes(x, 0, 1)


def _masks(mask: Tensor, time_major: bool, go_backwards: bool) -> Tensor:
    """Return the mask as `(time, batch)`, in the order of computation."""
    mask = mask.astype("bool")
    mask = reshape(mask, mask.shape[:2])
    mask = mask if time_major else _swapped(mask)
    return flip(mask, axis=0) if go_backwards else mask


def _masked_step(step_function: Any, constants: list, unroll: bool, zero_output: bool) -> Any:
    """Return `step(x, mask or None, states, output before or None)` -> (output, states)."""

    def step(x: Any, mask: Any, states: list, before: Any) -> Any:
        output, new_states = step_function(x, [*states, *constants])
        new_states = list(new_states)
        if mask is None:
            return output, new_states
        if zero_output or (unroll and before is None):
            kept = tree.map_structure(zeros_like, output)
        elif unroll:
            kept = before
        else:
            kept = states[-1][0] if tree.is_nested(states[0]) else states[0]
        output = tree.map_structure(lambda new, old: _choose(mask, new, old), output, kept)
        return output, tree.map_structure(lambda new, old: _choose(mask, new, old), new_states, list(states))

    return step


def _choose(mask: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return where(reshape(mask, mask.shape + (1,) * (new.ndim - 1)), new, old)


def _run(step: Any, inputs: Any, masks: Any, states: Any, length: int, go_backwards: bool, keep_all: bool) -> Any:
    pieces = [unstack(x, axis=0) for x in tree.flatten(inputs)]
    mask_pieces = [None] * length if masks is None else unstack(masks, axis=0)
    output, states = None, list(states)
    collected: list[Any] = []
    for t in range(length):
        at = length - 1 - t if go_backwards else t
        x = tree.pack_sequence_as(inputs, [p[at] for p in pieces])
        output, states = step(x, mask_pieces[t], states, output)
        if not keep_all:
            collected.clear()
        collected.append(output)
    return output, collected, states


def _traced(step: Any, inputs: Any, masks: Any, states: Any, length: int, go_backwards: bool, keep_all: bool) -> Any:
    """Write down a loop in a trace."""
    if masks is not None and go_backwards:  # slices of inputs and masks are taken in one order, outputs put so as well
        masks = flip(masks, axis=0)

    def body(states: Any, slices: Any) -> Any:
        output, after = step(slices[0], slices[1] if len(slices) == 2 else None, states, None)
        return after, output

    states, outputs = traced_scan(body, tree.map_structure(to_tensor, list(states)),
                                  [inputs] if masks is None else [inputs, masks], length, go_backwards, not keep_all)
    if not keep_all:
        return outputs, tree.map_structure(lambda o: expand_dims(o, 0), outputs), states
    outputs = tree.map_structure(lambda o: flip(o, axis=0), outputs) if go_backwards else outputs
    return tree.map_structure(lambda o: o[-1], outputs), outputs, states


def _one_step(step: Any, inputs: Any, masks: Any, states: Any, length: int) -> Any:
    """Infer shapes from one step, however long the time (it may stand for an unknown length)."""
    x = tree.map_structure(lambda x: x[0], inputs)
    output, states = step(x, None if masks is None else masks[0], list(states), None)
    repeated = tree.map_structure(lambda o: broadcast_to(expand_dims(o, 0), (length, *o.shape)), output)
    return repeated, states
