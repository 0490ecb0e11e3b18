"""The record of a training."""

from kerasish.callbacks.callback import Callback


class History(Callback):
    """Record of the metrics of every epoch; `fit` returns one.

    Attributes:
        history: name of a metric -> its value after each epoch.
        epoch: the numbers of the epochs, from 0.

    Source: `keras.callbacks.History`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        # Another `fit` inside a callback may have put its own record here.
        self.model.history = self
