"""The base of all callbacks: hooks that do nothing."""

from typing import Any


class Callback:
    """Base class of the objects that `fit`, `evaluate` and `predict` tell what happens.

    A subclass overrides the hooks that it wants; the others cost nothing. `batch` counts from 0 in
    the epoch, `epoch` from 0 in the training; `logs` holds the metrics so far by name.

    Attributes:
        model: the model that is being run.
        params: facts of the run: `verbose`, `epochs` and `steps`.

    Source: `keras.callbacks.Callback`.
    """

    def __init__(self) -> None:
        self.params: dict | None = None
        self._model: Any = None

    @property
    def model(self) -> Any:
        return self._model

    def set_params(self, params: dict) -> None:
        """Take the facts of the run."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model that is being run."""
        self._model = model

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Called after an epoch of training, with its metrics and those of the validation."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a step of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a step of training, with the metrics of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a step of evaluation, in `fit`'s validation too."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a step of evaluation, in `fit`'s validation too."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before a step of prediction."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after a step of prediction, with `logs["outputs"]`."""

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Called when training begins."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Called when training ends, with the logs of the last epoch."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Called when an evaluation begins."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """Called when an evaluation ends."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Called when a prediction begins."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Called when a prediction ends."""
