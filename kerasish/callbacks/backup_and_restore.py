"""Go on with a training that was interrupted."""

import json
import os
import shutil
from pathlib import Path

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.save_timing import SaveTiming
from kerasish.utils.files import atomic_write

_WEIGHTS = "latest.weights.h5"
_PROGRESS = "training_metadata.json"


class BackupAndRestore(Callback):
    """Back up weights, optimizer and epoch while training; after an interruption, `fit` goes on from there.

    What is saved within an epoch lets the weights go on from that batch, but the epoch is run again from its
    start. `fit` must read `model._initial_epoch` after `on_train_begin`.

    Args:
        backup_dir: folder for the backup, used by nothing else.
        save_freq: "epoch", or the number of batches between two backups.
        double_checkpoint: whether to keep the backup before the last one too, for when the last cannot be read.
        delete_checkpoint: whether to delete the folder when training has ended.

    Raises:
        ValueError: no folder is given, `save_freq` is wrong, or the model has no weights yet.

    Source: `keras.callbacks.BackupAndRestore`.
    """

    def __init__(
        self,
        backup_dir: str | os.PathLike,
        save_freq: str | int = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ):
        super().__init__()
        if not backup_dir:
            raise ValueError("Empty `backup_dir` argument passed to BackupAndRestore; give the path of a folder")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self._timing = SaveTiming("BackupAndRestore", save_freq)
        self._folder = Path(self.backup_dir)
        self._current_epoch = 0

    def on_train_begin(self, logs: dict | None = None) -> None:
        if not self.model.built:
            raise ValueError("BackupAndRestore needs a model with weights: build it, or call it on a batch, before fit")
        try:
            self._load()
        except (OSError, json.JSONDecodeError):
            if not (self._folder / f"{_WEIGHTS}.bkp").exists():
                raise
            self._bring_back_previous()
            self._load()

    def _load(self) -> None:
        weights, progress = self._folder / _WEIGHTS, self._folder / _PROGRESS
        if weights.exists():
            optimizer = self.model.optimizer
            if optimizer is not None and not optimizer.built:
                optimizer.build(self.model.trainable_variables)
            self.model.load_weights(str(weights))
        if progress.exists():
            self._current_epoch = json.loads(progress.read_text())["epoch"]
            self.model._initial_epoch = self._current_epoch

    def _bring_back_previous(self) -> None:
        for name in (_WEIGHTS, _PROGRESS):
            previous = self._folder / f"{name}.bkp"
            if previous.exists():
                shutil.copyfile(previous, self._folder / name)
            else:
                (self._folder / name).unlink(missing_ok=True)

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._current_epoch = epoch
        self._timing.start_epoch()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        if self._timing.is_due_after(batch):
            self._save(batch)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._current_epoch = epoch + 1
        if self._timing.by_epoch:
            self._save(0)

    def _save(self, batch: int) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint:
            for name in (_WEIGHTS, _PROGRESS):
                if (self._folder / name).exists():
                    shutil.copyfile(self._folder / name, self._folder / f"{name}.bkp")
        # Both files are complete before either takes its place, so that they belong together.
        new_weights = self._folder / "next.weights.h5"
        self.model.save_weights(str(new_weights), overwrite=True)
        with atomic_write(self._folder / _PROGRESS) as temporary:
            temporary.write_text(json.dumps({"epoch": self._current_epoch, "batch": batch}))
            os.replace(new_weights, self._folder / _WEIGHTS)

    def on_train_end(self, logs: dict | None = None) -> None:
        # A later fit of the same model begins where it is told to.
        self.model._initial_epoch = None
        if self.delete_checkpoint:
            shutil.rmtree(self._folder, ignore_errors=True)
