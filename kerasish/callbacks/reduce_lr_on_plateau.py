"""Lower the learning rate when a metric no longer improves."""

from typing import Any

import numpy as np

from kerasish.callbacks.learning_rates import in_words, learning_rate_of, log_learning_rates, optimizers_of
from kerasish.callbacks.monitor_callback import MonitorCallback
from kerasish.utils.interactive import print_msg


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by a factor when a metric has not improved for some epochs.

    Args:
        monitor: name of the metric.
        factor: `new rate = rate * factor`, below 1.
        patience: epochs without improvement after which the rate is lowered.
        verbose: 1 prints what is done.
        mode: "min", "max" or "auto" (by the metric).
        min_delta: least change that counts as an improvement.
        cooldown: epochs after a reduction that are not counted.
        min_lr: lower bound of the rate.
        kwargs: none are known; any raises.

    Raises:
        ValueError: the factor is not below 1.

    Source: `keras.callbacks.ReduceLROnPlateau`.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ):
        super().__init__(monitor, mode, min_delta=min_delta)
        if kwargs:
            raise TypeError(f"ReduceLROnPlateau got unknown arguments: {', '.join(kwargs)}")
        if factor >= 1.0:
            raise ValueError(f"ReduceLROnPlateau needs a factor below 1, got factor={factor}")
        self.factor = factor
        self.min_lr = min_lr
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self._reset()

    def _reset(self) -> None:
        self.best = None
        self.cooldown_counter = 0
        self.wait = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._reset()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = {} if logs is None else logs
        log_learning_rates(self.model, logs)
        current = logs.get(self.monitor)
        if current is None:
            self._warn_missing(logs)
            self._direction()  # raises where it cannot be told
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(current, self.best):
            self.best = current
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience and self._reduce(epoch):
                self.cooldown_counter = self.cooldown
                self.wait = 0

    def _reduce(self, epoch: int) -> bool:
        reduced = False
        for key, optimizer in optimizers_of(self.model):
            old = learning_rate_of(optimizer)
            # The optimizer holds its rate as float32, so the bound must be compared as that.
            if old > np.float32(self.min_lr):
                optimizer.learning_rate = new = max(old * self.factor, self.min_lr)
                reduced = True
                if self.verbose:
                    print_msg(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing {in_words(key)} to {new}")
        return reduced

    def in_cooldown(self) -> bool:
        """Tell whether a reduction is so recent that epochs are not counted."""
        return self.cooldown_counter > 0
