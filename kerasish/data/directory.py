"""Files in folders, one folder a class, as lists of paths and labels."""

import os
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.data.dataset import Dataset
from kerasish.utils.interactive import print_msg

LABEL_MODES = ("int", "categorical", "binary", None)


class Files(NamedTuple):
    """Paths with their labels (None without labels)."""

    paths: list[str]
    labels: np.ndarray | None


def check_labels(labels: Any, label_mode: str | None, class_names: Sequence[str] | None, format: str) -> None:
    """Raise a ValueError where the arguments about labels are wrong or do not go together."""
    if labels not in ("inferred", None) and not isinstance(labels, (list, tuple)):
        raise ValueError(f"`labels` argument should be 'inferred', None or a list of one integer a file, got "
                         f"{labels!r}")
    if labels != "inferred" and class_names:
        raise ValueError(f'`class_names` names folders: only pass `class_names` if `labels="inferred"`, got '
                         f"labels={labels!r}")
    if label_mode not in LABEL_MODES:
        raise ValueError(f"`label_mode` argument must be 'int', 'categorical', 'binary' or None, got {label_mode!r}")
    if format not in ("tf", "grain"):
        raise ValueError(f"`format` should be 'tf' or 'grain', got {format!r}")


def check_split(validation_split: float | None, subset: str | None, shuffle: bool, seed: int | None) -> None:
    """Raise a ValueError where the arguments about splitting are wrong or do not go together."""
    if validation_split and not 0 < validation_split < 1:
        raise ValueError(f"`validation_split` is a share above 0 and below 1, got {validation_split}")
    if subset not in ("training", "validation", "both", None):
        raise ValueError(f"`subset` is one of 'training', 'validation' and 'both', got {subset!r}")
    if validation_split and not subset:
        raise ValueError("`subset` must be set where there is a `validation_split`")
    if subset and not validation_split:
        raise ValueError("`validation_split` must be set where there is a `subset`")
    if validation_split and shuffle and seed is None:
        raise ValueError("you must provide a `seed` for a shuffled split: both parts are to be cut from one order")


def _files_in(folder: str, endings: tuple[str, ...], follow_links: bool) -> list[str]:
    walk = sorted(os.walk(folder, followlinks=follow_links))
    return [
        os.path.join(root, name) for root, _, names in walk for name in sorted(names) if name.lower().endswith(endings)
    ]


def _class_folders(directory: str, class_names: Sequence[str] | None) -> list[str]:
    found = sorted(
        name for name in os.listdir(directory) if os.path.isdir(os.path.join(directory, name)) and name[0] != "."
    )
    if class_names is None:
        return found
    if not set(class_names) <= set(found):
        raise ValueError(
            f"`class_names` {list(class_names)} names folders that {directory} does not have: it has {found}"
        )
    return list(class_names)


def index_directory(
    directory: str,
    labels: Any,
    endings: tuple[str, ...],
    class_names: Sequence[str] | None,
    shuffle: bool,
    seed: int,
    follow_links: bool,
    verbose: bool,
) -> tuple[Files, list[str] | None]:
    """Return the files below a folder with their labels, and the names of the classes.

    The order is alphabetic by folder, then by file; shuffled, it is the one that Keras gives for the seed.

    Raises:
        ValueError: there are not as many labels as files, or `class_names` are no folders.
    """
    if labels == "inferred":
        class_names = _class_folders(directory, class_names)
        by_class = [_files_in(os.path.join(directory, name), endings, follow_links) for name in class_names]
        paths = [path for files in by_class for path in files]
        found = np.repeat(np.arange(len(by_class), dtype="int32"), [len(files) for files in by_class])
    else:
        paths = _files_in(directory, endings, follow_links)
        found, class_names = None, None
        if labels is not None:
            if len(labels) != len(paths):
                raise ValueError(
                    f"`labels` must hold one label for each file in {directory}, got {len(labels)} labels for "
                    f"{len(paths)} files"
                )
            found = np.asarray(labels)
            class_names = [str(label) for label in sorted(set(labels))]
    if verbose:
        classes = "" if class_names is None else f" belonging to {len(class_names)} classes"
        print_msg(f"Found {len(paths)} files{classes}.")
    if shuffle:
        np.random.RandomState(seed).shuffle(paths)
        if found is not None:
            np.random.RandomState(seed).shuffle(found)
    return Files(paths, found), class_names


def split_files(files: Files, validation_split: float | None, part: str | None, verbose: bool) -> Files:
    """Return the files of the training part, or of the validation part, which is the last one."""
    if not validation_split:
        return files
    held_out = int(validation_split * len(files.paths))
    first = len(files.paths) - held_out
    if verbose:
        print_msg(f"Using {held_out if part == 'validation' else first} files for {part}.")
    rows = slice(first, None) if part == "validation" else slice(0, first)
    return Files(files.paths[rows], None if files.labels is None else files.labels[rows])


def _label(label: Any, label_mode: str, num_classes: int) -> Any:
    if label_mode == "binary":
        return np.array([label], "float32")
    if label_mode == "categorical":
        return (np.arange(num_classes) == label).astype("float32")
    return np.int32(label)


def dataset_from_directory(
    directory: str | os.PathLike, load: Callable[[str], Any], endings: tuple[str, ...], what: str, *, labels: Any,
    label_mode: str | None, class_names: Sequence[str] | None, batch_size: int | None, shuffle: bool, seed: int | None,
    validation_split: float | None, subset: str | None, follow_links: bool, format: str, verbose: bool,
    pad: bool = False,
) -> Any:
    """Return the data set of the files below a folder, or a list of two for `subset="both"`.

    Args:
        directory: the folder.
        load: function from a path to an array or a string; called in several threads.
        endings: of the files to take.
        what: what the files are called in messages.
        labels, label_mode, class_names, batch_size, shuffle, seed, validation_split, subset, follow_links,
            format, verbose: see `image_dataset_from_directory`.
        pad: whether arrays of different lengths are filled up with zeros to make a batch.

    Raises:
        ValueError: an argument is wrong, or there are no files.
    """
    check_labels(labels, label_mode, class_names, format)
    check_split(validation_split, subset, shuffle, seed)
    if labels is None or label_mode is None:
        labels = label_mode = None
    seed = int(np.random.randint(1_000_000)) if seed is None else seed
    directory = os.fspath(directory)
    files, names = index_directory(directory, labels, endings, class_names, shuffle, seed, follow_links, verbose)
    if label_mode == "binary" and len(names or ()) != 2:
        raise ValueError(f"label_mode='binary' tells two classes apart, got {names}")

    def build(part: str | None) -> Dataset:
        chosen = split_files(files, validation_split, part, verbose)
        if not chosen.paths:
            raise ValueError(f"No {what} found in directory {directory}{' for ' + part if part else ''}; "
                             f"their names must end in {', '.join(endings)}")
        reshuffle = shuffle and not (subset == "both" and part == "validation")
        buffer_size = 1024 if batch_size is None else batch_size * 8
        out = Dataset.range(len(chosen.paths))
        out = out.shuffle(buffer_size, seed=seed, reshuffle_each_iteration=format == "tf") if reshuffle else out
        out = out.map(_element(chosen, load, label_mode, len(names or ())), num_parallel_calls=Dataset.AUTOTUNE)
        if batch_size is not None:
            out = out.padded_batch(batch_size) if pad else out.batch(batch_size)
        out = out.prefetch()
        out.class_names, out.file_paths = names, chosen.paths
        return out

    return [build("training"), build("validation")] if subset == "both" else build(subset)


def _element(files: Files, load: Callable[[str], Any], label_mode: str | None, num_classes: int) -> Callable:
    """Return the function that loads a file by its number, with its label."""
    paths, labels = files

    def element(i: int) -> Any:
        x = load(paths[i])
        return x if labels is None or label_mode is None else (x, _label(labels[i], label_mode, num_classes))

    return element
