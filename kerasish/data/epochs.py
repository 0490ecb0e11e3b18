"""Epochs cut from a source of batches."""

import itertools
import warnings
from collections.abc import Iterator

from kerasish.data.source import Batch, BatchSource
from kerasish.utils import config


class EpochIterator:
    """Steps of one epoch after another.

    With `steps_per_epoch`, an epoch goes on where the last one stopped, and the source begins anew when it
    has ended; without, every epoch is one pass.

    Args:
        source: the batches.
        steps_per_epoch: batches of an epoch; None for a whole pass.
        steps_per_execution: batches handed over at once.

    Attributes:
        exhausted: whether a source that can be read only once has ended: there will be no further epoch.

    Raises:
        ValueError: a number is not positive, or a source without end has no `steps_per_epoch`.
    """

    def __init__(self, source: BatchSource, steps_per_epoch: int | None = None, steps_per_execution: int = 1):
        for name, value in (("steps_per_epoch", steps_per_epoch), ("steps_per_execution", steps_per_execution)):
            if value is not None and value < 1:
                raise ValueError(f"{name} must be a positive integer, got {value!r}")
        self.source = source
        self.steps_per_epoch = _capped(steps_per_epoch, source.num_batches)
        self.steps_per_execution = steps_per_execution
        self.exhausted = False
        self._iterator: Iterator[Batch] | None = None
        self._taken = 0  # batches taken from the iterator
        if self.steps_per_epoch is None and source.infinite:
            raise ValueError("the data set has no end: say how many steps an epoch has (steps or steps_per_epoch)")

    @property
    def num_batches(self) -> int | None:
        """Steps of the next epoch as far as that is known."""
        return self.steps_per_epoch or self.source.num_batches

    def peek(self) -> Batch:
        """Return a batch to learn shapes and dtypes from; it is not lost."""
        return self.source.peek()

    def reset(self) -> None:
        """Let the next epoch begin a new pass."""
        self._iterator = None

    def __iter__(self) -> Iterator[tuple[int, int, list[Batch]]]:
        return self.enumerate_epoch()

    def enumerate_epoch(self) -> Iterator[tuple[int, int, list[Batch]]]:
        """Yield (first step, last step, batches) until the epoch is over; the last group may hold fewer batches."""
        self.source.on_epoch_begin()
        try:
            if self.steps_per_epoch is None:
                self.reset()
            done, steps, full = 0, self.num_batches, self.steps_per_execution
            while steps is None or done < steps:
                size = full if steps is None or done + full <= steps else steps - done
                batches = self._next(size, may_restart=done == 0)
                if batches:
                    yield done, done + full - 1, batches  # Keras counts the last group as full
                done += len(batches)
                if len(batches) < size:
                    self._end(done, steps)
                    return
            if self.steps_per_epoch is None or self._taken == self.source.num_batches:
                self.reset()
        finally:
            self.source.on_epoch_end()

    def _next(self, size: int, may_restart: bool) -> list[Batch]:
        fresh = self._iterator is None
        if self._iterator is None:
            self._iterator, self._taken = iter(self.source), 0
        batches = list(itertools.islice(self._iterator, size))
        self._taken += len(batches)
        if not batches and may_restart and not fresh and self.source.restartable:
            # The last epoch took the last batch without meeting the end.
            self.reset()
            return self._next(size, may_restart=False)
        return batches

    def _end(self, done: int, steps: int | None) -> None:
        self.reset()
        self.exhausted = not self.source.restartable
        if done == 0 or steps is not None:
            expected = "any step" if steps is None else f"{steps} steps"
            cure = "give a generator that goes on" if self.exhausted else "repeat the data set"
            warnings.warn(
                f"Your input ran out of data after {done} steps, and was to have {expected}; {cure}, "
                "or ask for fewer steps",
                stacklevel=3,
            )


def _capped(steps: int | None, available: int | None) -> int | None:
    """Return the steps of an epoch under the cap of `keras.config.set_max_steps_per_epoch`."""
    cap, wanted = config.max_steps_per_epoch(), steps or available
    if cap is None or (wanted is not None and wanted <= cap):
        return steps
    warnings.warn(f"epochs are cut to {cap} steps by max_steps_per_epoch", stacklevel=3)
    return cap
