"""Text files in folders as a data set."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kerasish.data.directory import dataset_from_directory


def text_dataset_from_directory(
    directory: str | os.PathLike, labels: Any = "inferred", label_mode: str | None = "int",
    class_names: Sequence[str] | None = None, batch_size: int | None = 32, max_length: int | None = None,
    shuffle: bool = True, seed: int | None = None, validation_split: float | None = None, subset: str | None = None,
    follow_links: bool = False, format: str = "tf", verbose: bool = True,
) -> Any:
    """Return a data set of the `.txt` files (UTF-8) below a folder: arrays of strings, and labels.

    Args:
        max_length: characters after which a text is cut.
        directory, labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset,
            follow_links, format, verbose: see `image_dataset_from_directory`.

    Returns:
        A `Dataset` of `(texts, labels)`, or of texts alone, of shape (batch,) and dtype object; a list of two for
        `subset="both"`. It has the attributes `class_names` and `file_paths`.

    Source: `keras.utils.text_dataset_from_directory`.
    """

    def load(path: str) -> str:
        return Path(path).read_text(encoding="utf-8")[:max_length]

    return dataset_from_directory(
        directory, load, (".txt",), "text files", labels=labels, label_mode=label_mode, class_names=class_names,
        batch_size=batch_size, shuffle=shuffle, seed=seed, validation_split=validation_split, subset=subset,
        follow_links=follow_links, format=format, verbose=verbose,
    )
