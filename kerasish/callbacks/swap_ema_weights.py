"""Evaluate with the moving averages of the weights."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback


def _swap(weight: Any, average: Any) -> None:
    old = np.array(weight)  # a copy, because assigning may write into the memory of the old value
    weight.assign(average)
    average.assign(old)


def _keep(weight: Any, average: Any) -> None:
    average.assign(np.array(weight))  # a copy, so that the two never share memory


class SwapEMAWeights(Callback):
    """Put the optimizer's moving averages in place of the weights while the model is evaluated.

    The optimizer must have `use_ema=True` (Polyak averaging). The weights and their averages change places,
    so nothing is copied for long; other callbacks should not write to either.

    Args:
        swap_on_epoch: whether to swap at the end of every epoch too, so that callbacks after this one
            (a `ModelCheckpoint`) see the averages, and to leave them in the model when training ends.

    Raises:
        ValueError: the optimizer keeps no averages.

    Source: `keras.callbacks.SwapEMAWeights`.
    """

    def __init__(self, swap_on_epoch: bool = False):
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._ema_weights_in_model = False

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        found = False
        for each in getattr(optimizer, "optimizers", [optimizer]):
            if getattr(each, "use_ema", False):
                found = True
                # Before the first step there are no averages, and the weights are the best there is.
                pairs = zip(each._trainable_variables, each._averages if each.built else ())
                yield from ((weight, average) for weight, average in pairs if average is not None)
        if not found:
            raise ValueError("SwapEMAWeights needs an optimizer with use_ema=True")

    def _for_pairs(self, action: Callable[[Any, Any], None]) -> None:
        for weight, average in self._pairs():
            action(weight, average)

    def _put(self, averages_in_model: bool) -> None:
        if self._ema_weights_in_model != averages_in_model:
            self._for_pairs(_swap)
            self._ema_weights_in_model = averages_in_model

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put(False)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put(True)

    def on_train_end(self, logs: dict | None = None) -> None:
        # However training ended: from here on weights and averages are the same.
        if self.swap_on_epoch and self._ema_weights_in_model:
            self._for_pairs(_keep)
            self._ema_weights_in_model = False

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._put(True)

    def on_test_end(self, logs: dict | None = None) -> None:
        self._put(False)

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._put(True)

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._put(False)
