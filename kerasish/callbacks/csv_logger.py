"""The metrics of every epoch as a row of a CSV file."""

import csv
import os
from collections.abc import Iterable, Sequence
from typing import IO, Any

import numpy as np

from kerasish.callbacks.callback import Callback


def _cell(value: Any) -> Any:
    if isinstance(value, str) or not isinstance(value, (Sequence, np.ndarray)) or np.ndim(value) == 0:
        return value
    return f'"[{", ".join(map(str, value))}]"'


class CSVLogger(Callback):
    """Write the epoch and its metrics to a CSV file, a row an epoch.

    The columns are settled by the first epoch; a metric that is missing later is written as "NA".

    Args:
        filename: path of the file.
        separator: character between the columns.
        append: whether to add to a file that exists (with no second header) instead of replacing it.

    Source: `keras.callbacks.CSVLogger`.
    """

    def __init__(self, filename: str | os.PathLike, separator: str = ",", append: bool = False):
        super().__init__()
        self.filename = os.fspath(filename)
        self.sep = separator
        self.append = append
        self.append_header = True
        self.keys: list[str] | None = None
        self.writer: csv.DictWriter | None = None
        self.csv_file: IO[str] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._close()
        self.keys = None
        has_rows = os.path.exists(self.filename) and os.path.getsize(self.filename) > 0
        self.append_header = not (self.append and has_rows)
        mode = "a" if self.append else "w"
        self.csv_file = open(self.filename, mode, newline="", encoding="utf-8")  # noqa: SIM115 (closed at the end)

    def _start(self, file: IO[str], names: Iterable[str]) -> csv.DictWriter:
        self.keys = sorted(names)
        if not any(name.startswith("val_") for name in self.keys):
            # Validation may be run only every few epochs: its columns must be there from the start.
            self.keys += [f"val_{name}" for name in self.keys]
        writer = csv.DictWriter(file, ["epoch", *self.keys], delimiter=self.sep)
        if self.append_header:
            writer.writeheader()
        return writer

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        if self.csv_file is None:
            raise RuntimeError("CSVLogger has no open file: on_train_begin was not called")
        if self.writer is None:
            self.writer = self._start(self.csv_file, logs)
        cells = {name: _cell(logs.get(name, "NA")) for name in self.keys or ()}
        self.writer.writerow({"epoch": epoch, **cells})
        self.csv_file.flush()

    def on_train_end(self, logs: dict | None = None) -> None:
        self._close()

    def _close(self) -> None:
        if self.csv_file is not None:
            self.csv_file.close()
        self.csv_file = self.writer = None
