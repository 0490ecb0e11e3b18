"""Connectionist temporal classification: labels without their places in time (Graves et al., 2006)."""

from typing import Any

import numpy as np

from kerasish.core.abstract import in_shape_inference
from kerasish.core.dispatch import to_tensor
from kerasish.core.dtypes import result_type
from kerasish.core.op import Card, public
from kerasish.core.spec import Spec
from kerasish.core.tensor import Tensor
from kerasish.ops import reduction
from kerasish.ops.comparison import equal, less, logical_and, logical_not, where
from kerasish.ops.control import scan
from kerasish.ops.elementwise import logaddexp, maximum
from kerasish.ops.indexing import take_along_axis
from kerasish.ops.joining import concatenate, stack
from kerasish.ops.shape import broadcast_to, expand_dims, pad, reshape, swapaxes
from kerasish.ops.softmax import log_softmax
from kerasish.ops.sorting import argsort

__all__ = ["ctc_decode", "ctc_loss"]

# Stands for log(0); finite, so that its gradient is zero and not NaN.
_NEVER = -1e5


@public
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Tensor:
    """-log of the probability that the labels come out, summed over all their alignments with time.

    An alignment names one class a step; labels may be repeated, and blanks put between them (they must be between
    equal ones).

    Args:
        target: integer labels `(batch, labels)`.
        output: logits `(batch, time, classes)`.
        target_length: how many labels count, `(batch,)`.
        output_length: how many steps count, `(batch,)`.
        mask_index: the class that stands for a blank.

    Returns:
        Tensor `(batch,)`, at least float32.
    """
    target, output = to_tensor(target).astype("int32"), to_tensor(output)
    output = output.astype(result_type(output.dtype, "float32"))
    if target.ndim != 2 or output.ndim != 3 or target.shape[0] != output.shape[0]:
        raise ValueError("ctc_loss needs target (batch, labels) and output (batch, time, classes), "
                         f"got shapes {target.shape} and {output.shape}")
    if in_shape_inference():  # the length of time may stand for an unknown one: no loop over it
        return reduction.sum(output, axis=(1, 2))
    states = _blanks_between(target, mask_index)
    log_p = take_along_axis(log_softmax(output), expand_dims(states, 1), axis=-1)
    alpha = _forward(log_p, _may_skip(states), to_tensor(output_length).astype("int32"))
    last = 2 * expand_dims(to_tensor(target_length).astype("int32"), -1)
    in_blank = take_along_axis(alpha, last, axis=-1)
    in_label = take_along_axis(alpha, maximum(last - 1, 0), axis=-1)
    in_label = where(equal(last, 0), _NEVER, in_label)
    return -reshape(logaddexp(in_blank, in_label), (-1,))


def _blanks_between(target: Tensor, blank: int) -> Tensor:
    """Return blank, label, blank, label, ..., blank: the states of the alignment, `(batch, 2 labels + 1)`."""
    batch, labels = target.shape
    pairs = stack([target * 0 + blank, target], axis=-1)
    return pad(reshape(pairs, (batch, 2 * labels)), ((0, 0), (0, 1)), constant_values=blank)


def _may_skip(states: Tensor) -> Tensor:
    """Tell which states may follow the one before the last: labels unequal to it."""
    before = pad(states[:, :-2], ((0, 0), (2, 0)), constant_values=-1)
    is_label = np.arange(states.shape[1]) % 2 == 1  # by its place: the label of some position may be the blank class
    return logical_and(is_label, logical_not(equal(states, before)))


def _forward(log_p: Tensor, may_skip: Tensor, lengths: Tensor) -> Tensor:
    """Return the log-probability of being in each state at the end, `(batch, states)`."""
    count = log_p.shape[-1]
    start = np.where(np.arange(count) == 0, 0.0, _NEVER).astype(log_p.dtype)
    alpha = broadcast_to(start, (log_p.shape[0], count))

    def step(alpha: Tensor, now: Any) -> tuple[Tensor, None]:
        t, log_p = now
        come = logaddexp(alpha, _shifted(alpha, 1))
        come = logaddexp(come, where(may_skip, _shifted(alpha, 2), _NEVER))
        return where(expand_dims(less(t, lengths), -1), come + log_p, alpha), None

    time = np.arange(log_p.shape[1], dtype="int32")
    return scan(step, alpha, (time, swapaxes(log_p, 0, 1)))[0]


def _shifted(alpha: Tensor, by: int) -> Tensor:
    return pad(alpha[:, :-by], ((0, 0), (by, 0)), constant_values=_NEVER)


_beam_search = Card(
    "ctc_beam_search", ("log_p", "lengths"),
    spec=lambda log_p, lengths, *, top_paths, **_: (
        Spec((top_paths, *log_p.shape[:2]), "int32"), Spec((log_p.shape[0], top_paths), log_p.dtype)),
)


@public
def ctc_decode(inputs: Any, sequence_lengths: Any, strategy: str = "greedy", beam_width: int = 100, top_paths: int = 1,
               merge_repeated: bool = True, mask_index: int = 0) -> tuple[Tensor, Tensor]:
    """Find the most probable labels.

    Args:
        inputs: logits `(batch, time, classes)`.
        sequence_lengths: how many steps count, `(batch,)`.
        strategy: "greedy" (the most probable class of each step) or "beam_search" (over label sequences).
        beam_width: how many label sequences the beam search keeps.
        top_paths: how many label sequences it returns.
        merge_repeated: whether the greedy strategy merges equal classes of steps side by side.
        mask_index: the class that stands for a blank; None for the last.

    Returns:
        Labels `(paths, batch, time)`, -1 after their ends; and scores `(batch, paths)`: minus the sum of the chosen
        logits ("greedy"), or log-probabilities ("beam_search").

    Raises:
        ValueError: the strategy is unknown.
    """
    x = to_tensor(inputs)
    x, lengths = x.astype(result_type(x.dtype, "float32")), to_tensor(sequence_lengths).astype("int32")
    blank = x.shape[-1] - 1 if mask_index is None else int(mask_index)
    if strategy == "greedy":
        return _greedy(x, lengths, merge_repeated, blank)
    if strategy != "beam_search":
        raise ValueError(f"Invalid strategy {strategy!r}: it must be 'greedy' or 'beam_search'")
    return _beam_search(log_softmax(x), lengths, beam_width=int(beam_width), top_paths=int(top_paths), mask_index=blank)


def _greedy(x: Tensor, lengths: Tensor, merge_repeated: bool, blank: int) -> tuple[Tensor, Tensor]:
    time = x.shape[1]
    counts = less(np.arange(time, dtype="int32"), expand_dims(lengths, -1))
    best = where(counts, reduction.argmax(x, axis=-1), blank)
    score = -reduction.sum(where(counts, reduction.max(x, axis=-1), 0), axis=1, keepdims=True)
    gone = equal(best, blank)
    if merge_repeated:
        before = concatenate([best[:, :1] * 0 - 1, best[:, :-1]], axis=1)
        gone = where(gone, True, equal(best, before))
    order = argsort(where(gone, time, np.arange(time, dtype="int32")), axis=-1)
    labels = take_along_axis(where(gone, -1, best), order, axis=-1)
    return expand_dims(labels, 0), score
