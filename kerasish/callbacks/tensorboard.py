"""Metrics and weights in files for TensorBoard."""

import os
import time
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.embedding_files import write_embeddings, write_projector_config
from kerasish.callbacks.event_file import EventFile
from kerasish.callbacks.learning_rates import learning_rate_of, optimizers_of
from kerasish.callbacks.weight_pictures import grey_png, pictures_of
from kerasish.utils import config

_PICTURES = 3  # of a weight with several, as TensorFlow writes at most


class TensorBoard(Callback):
    """Write metrics, learning rates and histograms of the weights for TensorBoard; nothing else need be installed.

    Training goes to the folder "train", validation to "validation". `tensorboard --logdir logs` shows them.

    Args:
        log_dir: the folder, used by nothing else.
        histogram_freq: epochs between two histograms of each weight; 0 for none.
        write_graph: whether to write the graph of the layers, where the model has a JSON form.
        write_images: whether to write the weights as pictures too, together with the histograms.
        write_steps_per_second: whether to write the speed, by epoch and by batch.
        update_freq: "epoch", "batch", or batches between two records of the metrics.
        profile_batch: profiling; not available, must be 0.
        embeddings_freq: epochs between two writings of the `Embedding` layers for the projector; 0 for none.
        embeddings_metadata: path of a file with a label a row, below `log_dir`; or a dict of such by layer name.

    Raises:
        ValueError: something that is not available is asked for, or `update_freq` is wrong.

    Source: `keras.callbacks.TensorBoard`.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike = "logs",
        histogram_freq: int = 0,
        write_graph: bool = True,
        write_images: bool = False,
        write_steps_per_second: bool = False,
        update_freq: str | int = "epoch",
        profile_batch: int = 0,
        embeddings_freq: int = 0,
        embeddings_metadata: Any = None,
    ):
        super().__init__()
        if profile_batch:
            raise ValueError(f"TensorBoard: profile_batch={profile_batch!r} is not available; leave it out")
        self.update_freq = 1 if update_freq == "batch" else update_freq
        if self.update_freq != "epoch" and not (isinstance(self.update_freq, int) and self.update_freq > 0):
            raise ValueError(f"update_freq must be 'epoch', 'batch' or a number of batches, got {update_freq!r}")
        self.log_dir = os.fspath(log_dir)
        self.histogram_freq = histogram_freq
        self.write_graph = write_graph
        self.write_images = write_images
        self.write_steps_per_second = write_steps_per_second
        self.embeddings_freq = embeddings_freq
        self.embeddings_metadata = embeddings_metadata
        self._files: dict[str, EventFile] = {}
        self._train_batches = 0
        self._batch_start = self._epoch_start = 0.0
        self._epoch_first_batch = 0

    def _file(self, name: str) -> EventFile:
        if name not in self._files:
            self._files[name] = EventFile(os.path.join(self.log_dir, name))
        return self._files[name]

    def _flush(self) -> None:
        for file in self._files.values():
            file.flush()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._train_batches = 0
        if self.embeddings_freq:
            write_projector_config(self.log_dir, self.model, self.embeddings_metadata)
        has_graph = type(self.model).__name__ in ("Functional", "Sequential") and getattr(self.model, "built", False)
        if self.write_graph and has_graph:
            self._file("train").keras_graph("keras", self.model.to_json())

    def on_train_end(self, logs: dict | None = None) -> None:
        self._close()

    def _close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files = {}

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        self._epoch_start, self._epoch_first_batch = time.perf_counter(), self._train_batches

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        self._batch_start = time.perf_counter()

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        self._train_batches += 1
        if not isinstance(self.update_freq, int) or self._train_batches % self.update_freq:
            return
        file, step = self._file("train"), self._train_batches
        # Lazy logs are read here only, so that the other steps do not wait for the device.
        _write_scalars(file, "batch_{}", logs, step)
        if self.write_steps_per_second:
            file.scalar("batch_steps_per_second", 1.0 / (time.perf_counter() - self._batch_start), step)

    def on_test_end(self, logs: dict | None = None) -> None:
        iterations = getattr(self.model.optimizer, "iterations", None)
        if iterations is None:
            return
        in_fit = bool(self._files)
        _write_scalars(self._file("validation"), "evaluation_{}_vs_iterations", logs, int(np.asarray(iterations)))
        if not in_fit:
            self._close()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not logs:
            return
        training = {name: value for name, value in logs.items() if not name.startswith("val_")}
        validation = {name[len("val_") :]: value for name, value in logs.items() if name.startswith("val_")}
        training.update({key: learning_rate_of(optimizer) for key, optimizer in optimizers_of(self.model)})
        if self.write_steps_per_second:
            steps = self._train_batches - self._epoch_first_batch
            training["steps_per_second"] = steps / (time.perf_counter() - self._epoch_start)
        _write_scalars(self._file("train"), "epoch_{}", training, epoch)
        if validation:
            _write_scalars(self._file("validation"), "epoch_{}", validation, epoch)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_weights(epoch)
        if self.embeddings_freq and epoch % self.embeddings_freq == 0:
            write_embeddings(self.log_dir, self.model)
        self._flush()

    def _write_weights(self, epoch: int) -> None:
        for layer in self.model.layers:
            for weight in layer.weights:
                name, values = weight.path.replace(":", "_"), np.asarray(weight)
                self._file("train").histogram(f"{name}/histogram", values, epoch)
                if self.write_images:
                    self._write_pictures(f"{name}/image", values, epoch)

    def _write_pictures(self, tag: str, weight: np.ndarray, epoch: int) -> None:
        pictures = pictures_of(weight, config.image_data_format() == "channels_first")
        if pictures is not None:
            pngs = [grey_png(picture) for picture in pictures[:_PICTURES]]
            _, height, width = pictures.shape
            self._file("train").images(tag, pngs, height, width, epoch)


def _write_scalars(file: EventFile, tag: str, logs: dict | None, step: int) -> None:
    for name, value in (logs or {}).items():
        if np.ndim(value) == 0 and not isinstance(value, str):
            file.scalar(tag.format(name), float(value), step)
