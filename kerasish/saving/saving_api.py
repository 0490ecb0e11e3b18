"""Saving and loading models and weights, the format chosen by the file's name."""

import json
import os
import pathlib
import zipfile
from typing import Any

from kerasish.saving import old_config
from kerasish.saving.archive import WEIGHTS, load_archive, save_archive, weights_in
from kerasish.saving.h5_store import group_at, import_h5py
from kerasish.saving.legacy_h5 import load_h5, read_weights, save_h5
from kerasish.saving.state import load_state, save_state
from kerasish.utils import serialization
from kerasish.utils.files import atomic_write


class MissingFileError(FileNotFoundError, ValueError):
    """A file to be loaded is not there; a ValueError too, as in Keras."""

    def __init__(self, path: pathlib.Path, endings: tuple[str, ...]):
        known = "" if path.name.endswith(endings) else f"File format not supported, expected {' or '.join(endings)}. "
        super().__init__(f"{known}File not found: {str(path)!r}, looked in {os.getcwd()!r}")


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Save a whole model: architecture, weights, and how it was compiled with the optimizer's state.

    Args:
        model: the model.
        filepath: ends in `.keras` (or `.h5`, `.hdf5` for the older format).
        overwrite: whether a file that is there may be replaced.
        zipped: False writes a folder instead of one file.
        include_optimizer: (`.h5` alone) whether the optimizer's state is saved.

    Raises:
        ValueError: the name has another ending.
        FileExistsError: the file is there and must not be replaced.
    """
    path = pathlib.Path(os.fspath(filepath))
    include_optimizer = kwargs.pop("include_optimizer", True)
    if kwargs.pop("save_format", None) and path.suffix not in (".h5", ".hdf5", ".keras"):
        raise ValueError("The `save_format` argument is deprecated: the ending of the file name, .keras or .h5, tells "
                         f"the format, got {str(path)!r}")
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)}: they are not supported by save_model()")
    _check_overwrite(path, overwrite)
    if path.suffix in (".h5", ".hdf5"):
        if zipped is not None:
            raise ValueError("argument `zipped` is for the .keras format alone")
        save_h5(model, path, include_optimizer)
    elif path.suffix == ".keras" and zipped is False:
        raise ValueError(f"{str(path)!r} should not end in .keras, since zipped=False writes a folder")
    elif path.suffix == ".keras" or zipped is False:
        save_archive(model, path, zipped is not False)
    else:
        raise ValueError(f"Invalid filepath extension for saving: {str(path)!r}. A model's file name must end in "
                         ".keras or .h5")


def _check_overwrite(path: pathlib.Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise FileExistsError(f"{path} exists and overwrite=False: choose another name, or remove it first")
    if str(path.parent) and not path.parent.exists():
        path.parent.mkdir(parents=True, exist_ok=True)


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """Load a model that `save_model`, or Keras, wrote.

    Args:
        filepath: a `.keras` file or folder, or an `.h5` file.
        custom_objects: classes and functions of your own by name, if they are not registered.
        compile: whether to compile it as it was.
        safe_mode: kept for Keras's sake: code from files is never run.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: the file is no model, or its weights do not fit.
        TypeError: it names a class that is not registered.
    """
    path = pathlib.Path(os.fspath(filepath))
    if not path.exists():
        raise MissingFileError(path, (".keras", ".h5", ".hdf5"))
    if path.is_dir() or zipfile.is_zipfile(path):
        return load_archive(path, custom_objects, compile, safe_mode)
    if import_h5py().is_hdf5(path):
        return load_h5(path, custom_objects, compile)
    raise ValueError(f"File format not supported: {str(path)!r} is neither a .keras archive nor an HDF5 file")


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None,
                 **kwargs: Any) -> None:
    """Save the weights of a model, and the state of its optimizer, as a `.weights.h5` file.

    Raises:
        ValueError: the name has another ending.
        FileExistsError: the file is there and must not be replaced.
    """
    path = pathlib.Path(os.fspath(filepath))
    if max_shard_size is not None:
        raise NotImplementedError("weights are written as one file: leave `max_shard_size` out")
    if not path.name.endswith(".weights.h5"):
        raise ValueError(f"a file of weights must be named *.weights.h5, got {str(path)!r}")
    _check_overwrite(path, overwrite)
    with atomic_write(path) as temporary, import_h5py().File(temporary, "w") as file:
        save_state(model, file)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
    """Load the weights of a model from a `.weights.h5`, `.keras` or `.h5` file.

    Args:
        model: a built model.
        filepath: the file.
        skip_mismatch: whether layers whose weights do not fit are left as they are, with a warning.
        objects_to_skip: (`.keras` and `.weights.h5` alone) layers that are left as they are.
        by_name: (`.h5` alone) whether layers are matched by their names, not by their order.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: weights do not fit; nothing has been changed then.
    """
    path = pathlib.Path(os.fspath(filepath))
    skip = kwargs.pop("objects_to_skip", None) or ()
    by_name = kwargs.pop("by_name", False)
    if kwargs:
        raise ValueError(f"Unrecognized keyword arguments {sorted(kwargs)} of load_weights()")
    if not path.exists():
        raise MissingFileError(path, (".keras", ".h5", ".hdf5"))
    _build_optimizer(model)
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive, weights_in(archive, str(path)) as file:
            load_state(model, file, skip_mismatch, skip)
        return
    if path.is_dir():
        path = path / WEIGHTS
    with import_h5py().File(path, "r") as file:
        group = group_at(file, "model_weights") or file
        if "layer_names" in group.attrs or group is not file:
            if skip:
                raise ValueError("`objects_to_skip` is for .keras and .weights.h5 files, not for the older .h5 format")
            read_weights(group, model, skip_mismatch, by_name)
        elif by_name:
            raise ValueError("`by_name` is for files of the older .h5 format: others are matched by structure")
        else:
            load_state(model, file, skip_mismatch, skip)


def _build_optimizer(model: Any) -> None:
    """Make the optimizer's slots, so that its state can be loaded with the weights."""
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and model.built and not optimizer.built:
        optimizer.build(model.trainable_variables)


def to_json(model: Any, **kwargs: Any) -> str:
    """Return a model's architecture as JSON; arguments go to `json.dumps`."""
    return json.dumps(serialization.serialize_keras_object(model), **kwargs)


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """Return a model with fresh weights from what `Model.to_json` gave."""
    config = json.loads(json_string)
    older = None if "module" in config else serialization.NetworkClasses()
    return serialization.deserialize_keras_object(old_config.layer_config(config), custom_objects, module_objects=older)
