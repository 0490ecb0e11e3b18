"""Evaluate with the moving averages of the weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Put the optimizer's moving averages in place of the weights while the model is evaluated.

    The optimizer must have `use_ema=True` (Polyak averaging). The weights are set aside meanwhile; other
    callbacks should not write to them.

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
        self._set_aside: list[np.ndarray] | None = None  # the weights, while the averages are in the model

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        optimizer = getattr(self.model.optimizer, "inner_optimizer", self.model.optimizer)
        found = False
        for each in getattr(optimizer, "optimizers", [optimizer]):
            if getattr(each, "use_ema", False):
                found = True
                # Before the first step there are no averages, and the weights are the best there is.
                pairs = zip(each._trainable_variables, each._model_variables_moving_average if each.built else ())
                yield from ((weight, average) for weight, average in pairs if average is not None)
        if not found:
            raise ValueError("SwapEMAWeights found no averages to swap: make the optimizer with `use_ema=True`")

    def _put_averages(self) -> None:
        if self._set_aside is None:
            pairs = list(self._pairs())
            self._set_aside = [np.array(weight) for weight, _ in pairs]
            for weight, average in pairs:
                weight.assign(np.array(average))  # copies, so that the two never share memory

    def _put_back(self) -> None:
        for (weight, _), kept in zip(self._pairs(), self._set_aside or ()):
            weight.assign(kept)
        self._set_aside = None

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put_back()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self.swap_on_epoch:
            self._put_averages()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._set_aside = None  # the averages are the result of training

    def on_test_begin(self, logs: dict | None = None) -> None:
        self._put_averages()

    def on_test_end(self, logs: dict | None = None) -> None:
        self._put_back()

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._put_averages()

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._put_back()
