"""The `.keras` file: a zip archive (or a folder) of config, metadata and weights."""

import datetime
import io
import json
import os
import pathlib
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from kerasish.saving.h5_store import import_h5py
from kerasish.saving.state import load_state, save_state
from kerasish.saving.walk import walk
from kerasish.utils import serialization
from kerasish.utils.files import atomic_write

# The version of Keras whose file format is written.
KERAS_VERSION = "3.15.1"
CONFIG, METADATA, WEIGHTS, ASSETS = "config.json", "metadata.json", "model.weights.h5", "assets"
_LARGEST_TEXT = 1 << 28
# What is larger than this may be so many times larger than its packed form.
_LARGEST_UNPACKED, _MOST_PACKED = 1 << 30, 100


def save_archive(model: Any, path: pathlib.Path, zipped: bool = True) -> None:
    """Write a model as a `.keras` archive, or as a folder; the old file stands until the new one is whole."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        _write_parts(model, work)
        if zipped:
            with atomic_write(path) as temporary:
                _zip(work, temporary)
        else:
            _replace_folder(work, path)


def to_bytes(model: Any) -> tuple[bytes, dict[str, Any]]:
    """Return the archive of a model in memory, and the classes and functions of the user's that it names."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as folder:
        custom = _write_parts(model, pathlib.Path(folder))
        _zip(pathlib.Path(folder), buffer)
    return buffer.getvalue(), custom


def from_bytes(data: bytes, custom_objects: dict[str, Any]) -> Any:
    """Return the model that `to_bytes` wrote."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return _load_zip(archive, "an archive in memory", custom_objects, True, True)


def _zip(folder: pathlib.Path, target: Any) -> None:
    with zipfile.ZipFile(target, "w") as archive:
        for part in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(part, part.relative_to(folder).as_posix())


def _write_parts(model: Any, folder: pathlib.Path) -> dict[str, Any]:
    with serialization.object_sharing() as met:
        config = serialization.serialize_keras_object(model)
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    (folder / METADATA).write_text(json.dumps({"keras_version": KERAS_VERSION, "date_saved": now}), encoding="utf-8")
    with import_h5py().File(folder / WEIGHTS, "w") as file:
        save_state(model, file)
    save_assets(model, folder / ASSETS)
    return serialization.custom_objects_in(met)


def _replace_folder(work: pathlib.Path, path: pathlib.Path) -> None:
    fresh, old = path.with_name(path.name + ".new"), path.with_name(path.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    try:
        shutil.copytree(work, fresh)
        if path.exists():
            os.replace(path, old)
        os.replace(fresh, path)
    except BaseException:
        if old.exists() and not path.exists():
            os.replace(old, path)
        shutil.rmtree(fresh, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def load_archive(path: pathlib.Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Read a model from a `.keras` archive or folder; code in it is never run.

    Raises:
        ValueError: the file is no such archive, or its weights do not fit its config.
    """
    if path.is_dir():
        return _load_folder(path, custom_objects, compile, safe_mode)
    with zipfile.ZipFile(path) as archive:
        return _load_zip(archive, str(path), custom_objects, compile, safe_mode)


def _load_zip(archive: zipfile.ZipFile, where: str, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    names = archive.namelist()
    for needed in (CONFIG, WEIGHTS):
        if needed not in names:
            raise ValueError(f"{where} is no .keras file: it holds {names[:10]}, but no {needed}")
    _refuse_bomb(archive.getinfo(CONFIG), where)
    model = make_model(_config_in(archive.read(CONFIG), where), custom_objects, compile, safe_mode)
    with weights_in(archive, where) as file:
        load_state(model, file)
    assets = [n for n in names if n.startswith(ASSETS + "/") and not n.endswith("/")]
    if assets:
        with tempfile.TemporaryDirectory() as folder:
            for name in assets:
                _extract(archive, name, pathlib.Path(folder), where)
            load_assets(model, pathlib.Path(folder) / ASSETS)
    return model


@contextmanager
def weights_in(archive: zipfile.ZipFile, where: str) -> Iterator[Any]:
    """Open the HDF5 file of an archive: on the disk, since it is read here and there."""
    with tempfile.TemporaryDirectory() as folder:
        _extract(archive, WEIGHTS, pathlib.Path(folder), where)
        with import_h5py().File(pathlib.Path(folder) / WEIGHTS, "r") as file:
            yield file


def _refuse_bomb(part: zipfile.ZipInfo, where: str) -> None:
    """Refuse to unpack what claims to be far larger than it is in the file: Keras stores parts as they are."""
    if part.file_size > _LARGEST_UNPACKED and part.file_size > _MOST_PACKED * part.compress_size:
        raise ValueError(f"{part.filename!r} in {where} would unpack from {part.compress_size} to {part.file_size} "
                         "bytes: refusing to read it")


def _extract(archive: zipfile.ZipFile, name: str, folder: pathlib.Path, where: str) -> None:
    _refuse_bomb(archive.getinfo(name), where)
    parts = pathlib.PurePosixPath(name).parts
    if ".." in parts or "\\" in name or ":" in name:
        raise ValueError(f"{where} holds an asset {name!r} that would lie outside its folder: refusing to read it")
    target = folder.joinpath(*parts)
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(name) as source, open(target, "wb") as opened:  # a link in the archive becomes a plain file
        shutil.copyfileobj(source, opened)


def _config_in(text: bytes, where: str) -> dict[str, Any]:
    if len(text) > _LARGEST_TEXT:
        raise ValueError(f"the {CONFIG} in {where} is too large to be a model's config: refusing to read it")
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"the {CONFIG} in {where} is no JSON: {error}") from error


def _load_folder(path: pathlib.Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    for needed in (CONFIG, WEIGHTS):
        if not (path / needed).is_file():
            raise ValueError(f"folder {path} holds no {needed}, so it is no saved model")
    model = make_model(_config_in((path / CONFIG).read_bytes(), str(path)), custom_objects, compile, safe_mode)
    with import_h5py().File(path / WEIGHTS, "r") as file:
        load_state(model, file)
    if (path / ASSETS).is_dir():
        load_assets(model, path / ASSETS)
    return model


def make_model(config: dict[str, Any], custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Return the model that a config describes, with fresh weights."""
    if not compile:
        config.pop("compile_config", None)
    with serialization.object_sharing():
        model = serialization.deserialize_keras_object(config, custom_objects, safe_mode=safe_mode)
    if not hasattr(model, "predict"):
        raise ValueError(f"the file describes no model, but {model!r}")
    return model


def save_assets(model: Any, folder: pathlib.Path) -> None:
    """Write what layers keep in files of their own, such as vocabularies."""
    for path, x in _with_assets(model, "save_assets"):
        place = folder / path
        place.mkdir(parents=True, exist_ok=True)
        x.save_assets(str(place))


def load_assets(model: Any, folder: pathlib.Path) -> None:
    """Read what layers keep in files of their own."""
    for path, x in _with_assets(model, "load_assets"):
        if (folder / path).is_dir():
            x.load_assets(str(folder / path))


def _with_assets(model: Any, method: str) -> list[tuple[str, Any]]:
    return [(path, x) for path, x in walk(model) if hasattr(x, method)]
