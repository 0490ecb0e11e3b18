"""A learning rate by epoch."""

import inspect
from collections.abc import Callable
from typing import Any

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.learning_rates import in_words, learning_rate_of, log_learning_rates, optimizers_of
from kerasish.utils.interactive import print_msg


def _takes_rate(schedule: Callable) -> bool:
    try:
        inspect.signature(schedule).bind(0, 0.0)
    except TypeError:
        return False
    except ValueError:  # a built-in function without a signature
        return True
    return True


class LearningRateScheduler(Callback):
    """Set the learning rate before every epoch.

    Args:
        schedule: function of (epoch from 0, current rate), or of the epoch alone, that returns the new rate.
        verbose: 1 prints every new rate.

    Raises:
        ValueError: the schedule did not return a number.

    Source: `keras.callbacks.LearningRateScheduler`.
    """

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0):
        super().__init__()
        self.schedule = schedule
        self.verbose = verbose
        self._takes_rate = _takes_rate(schedule)

    def _new_rate(self, epoch: int, old: float) -> float:
        rate = self.schedule(epoch, old) if self._takes_rate else self.schedule(epoch)
        try:
            if isinstance(rate, str):
                raise TypeError
            return float(rate)
        except TypeError:
            raise ValueError(f"the schedule must return a number, got {rate!r} for epoch {epoch}") from None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        for key, optimizer in optimizers_of(self.model):
            optimizer.learning_rate = rate = self._new_rate(epoch, learning_rate_of(optimizer))
            if self.verbose:
                print_msg(f"\nEpoch {epoch + 1}: LearningRateScheduler setting {in_words(key)} to {rate}")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if logs is not None:
            log_learning_rates(self.model, logs)
