"""The progress bar of `fit`, `evaluate` and `predict`."""

import time

from kerasish.callbacks.callback import Callback
from kerasish.utils.interactive import print_msg
from kerasish.utils.progress import Progbar


class ProgbarLogger(Callback):
    """Show progress and metrics as training, evaluation or prediction goes on.

    Inside `fit` the validation shows no bar of its own.

    Source: `keras.callbacks.ProgbarLogger`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self.progbar: Progbar | None = None
        self._called_in_fit = False
        self._last_read = 0.0

    def set_params(self, params: dict) -> None:
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs") or 1
        self.target = params.get("steps")

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._called_in_fit = True

    def on_train_end(self, logs: dict | None = None) -> None:
        self._called_in_fit = False

    def on_test_begin(self, logs: dict | None = None) -> None:
        if not self._called_in_fit:
            self._start()

    def on_predict_begin(self, logs: dict | None = None) -> None:
        self._start()

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        if self.verbose and self.epochs > 1:
            print_msg(f"Epoch {epoch + 1}/{self.epochs}")
        self._start()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._update(batch, logs)

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if not self._called_in_fit:
            self._update(batch, logs)

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._update(batch, None)  # the logs hold the outputs

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._finish(logs)

    def on_test_end(self, logs: dict | None = None) -> None:
        if not self._called_in_fit:
            self._finish(logs)

    def on_predict_end(self, logs: dict | None = None) -> None:
        self._finish(None)

    def _start(self) -> None:
        self.seen = 0
        self._last_read = 0.0
        self.progbar = Progbar(self.target, verbose=self.verbose, stateless_metrics=(), unit_name="step")

    def _update(self, batch: int, logs: dict | None) -> None:
        self.seen = batch + 1 if self.target is None else min(batch + 1, self.target)
        if self.verbose != 1 or self.progbar is None:
            return
        now = time.monotonic()
        values = None
        # Reading logs waits for the device, so they are read only as often as the bar is drawn.
        if logs is not None and now - self._last_read >= self.progbar.interval:
            self._last_read = now
            values = list(logs.items())
        self.progbar.update(self.seen, values, finalize=False)

    def _finish(self, logs: dict | None) -> None:
        if self.progbar is None:
            return
        if self.target is None:
            self.target = self.progbar.target = self.seen
        # An epoch that was broken off shows how far it came.
        self.progbar.update(self.seen or self.target, list((logs or {}).items()), finalize=True)
