"""Save the model while it trains."""

import os
import warnings
from typing import Any

import numpy as np

from kerasish.callbacks.monitor_callback import MonitorCallback
from kerasish.callbacks.save_timing import SaveTiming
from kerasish.utils.interactive import print_msg


class ModelCheckpoint(MonitorCallback):
    """Save the model, or its weights, after every epoch or every so many batches.

    Args:
        filepath: path of the file, with places such as `{epoch:02d}` and `{val_loss:.2f}` (`{batch}` too,
            where saving goes by batches); ".keras" or ".h5" for models, ".weights.h5" for weights alone.
        monitor: name of the metric that says which model is best.
        verbose: 1 prints what is done.
        save_best_only: whether to save only when the metric has improved.
        save_weights_only: whether to save the weights alone.
        mode: "min", "max" or "auto" (by the metric).
        save_freq: "epoch", or the number of batches between two savings.
        initial_value_threshold: value of the metric that must be beaten at first.

    Raises:
        ValueError: the path has another ending, or `save_freq` is wrong.
        KeyError: while training, the path has a place for which there is no metric.

    Source: `keras.callbacks.ModelCheckpoint`.
    """

    def __init__(
        self,
        filepath: str | os.PathLike,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: str | int = "epoch",
        initial_value_threshold: float | None = None,
    ):
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._timing = SaveTiming("ModelCheckpoint", save_freq)
        self._current_epoch = 0
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"ModelCheckpoint with save_weights_only={save_weights_only}: filepath must end in "
                f"{' or '.join(endings)}, got {self.filepath!r}"
            )

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._current_epoch = epoch
        self._timing.start_epoch()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._timing.is_due_after(batch):
            self._save(self._current_epoch, logs or {}, {"batch": batch + 1})

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if self._timing.by_epoch:
            self._save(epoch, logs or {}, {})

    def _save(self, epoch: int, logs: dict, places: dict) -> None:
        path = self._path(epoch, {**places, **logs})
        if not self._should_save(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise IsADirectoryError(f"ModelCheckpoint: {path!r} is a directory; give the path of a file")
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        self._say(epoch, f"saved the model to {path}")

    def _path(self, epoch: int, places: dict) -> str:
        try:
            return self.filepath.format(epoch=epoch + 1, **places)
        except KeyError as error:
            known = ", ".join(["epoch", *places])
            raise KeyError(
                f"ModelCheckpoint: filepath {self.filepath!r} asks for {error}; there is only: {known}"
            ) from None

    def _should_save(self, epoch: int, logs: dict, path: str) -> bool:
        if not self.save_best_only:
            return True
        current = logs.get(self.monitor)
        if current is None:
            self._warn_missing(logs)
            return True
        if np.ndim(current) > 0:
            warnings.warn(
                f"ModelCheckpoint needs a single number as {self.monitor!r} to tell the best model, got {current!r}; "
                "it saves this one",
                stacklevel=2,
            )
            return True
        return self._is_best(epoch, current)

    def _is_best(self, epoch: int, current: Any) -> bool:
        best = "None" if self.best is None else f"{self.best:.5f}"
        if not self._is_improvement(current, self.best):
            self._say(epoch, f"{self.monitor} is no better than {best}")
            return False
        self._say(epoch, f"{self.monitor} improved from {best} to {current:.5f}")
        self.best = current
        return True

    def _say(self, epoch: int, message: str) -> None:
        if self.verbose:
            print_msg(f"\nEpoch {epoch + 1}: {message}")
