"""The `.keras` file: a zip archive (or a folder) of config, metadata and weights."""

import datetime
import io
import json
import os
import pathlib
import shutil
import tempfile
import zipfile
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


def save_archive(model: Any, path: pathlib.Path, zipped: bool = True) -> None:
    """Write a model as a `.keras` archive, or as a folder; the old file stands until the new one is whole."""
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        _write_parts(model, work)
        if zipped:
            with atomic_write(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
                for part in sorted(p for p in work.rglob("*") if p.is_file()):
                    archive.write(part, part.relative_to(work).as_posix())
        else:
            _replace_folder(work, path)


def _write_parts(model: Any, folder: pathlib.Path) -> None:
    with serialization.object_sharing():
        config = serialization.serialize_keras_object(model)
    (folder / CONFIG).write_text(json.dumps(config), encoding="utf-8")
    now = datetime.datetime.now().strftime("%Y-%m-%d@%H:%M:%S")
    (folder / METADATA).write_text(json.dumps({"keras_version": KERAS_VERSION, "date_saved": now}), encoding="utf-8")
    with import_h5py().File(folder / WEIGHTS, "w") as file:
        save_state(model, file)
    save_assets(model, folder / ASSETS)


def _replace_folder(work: pathlib.Path, path: pathlib.Path) -> None:
    fresh, old = path.with_name(path.name + ".new"), path.with_name(path.name + ".old")
    for leftover in (fresh, old):
        shutil.rmtree(leftover, ignore_errors=True)
    shutil.copytree(work, fresh)
    if path.exists():
        os.replace(path, old)
    os.replace(fresh, path)
    shutil.rmtree(old, ignore_errors=True)


def load_archive(path: pathlib.Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    """Read a model from a `.keras` archive or folder; code in it is never run.

    Raises:
        ValueError: the file is no such archive, or its weights do not fit its config.
    """
    if path.is_dir():
        return _load_folder(path, custom_objects, compile, safe_mode)
    with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(path) as archive:
        config = _config_of(archive, path)
        model = make_model(config, custom_objects, compile, safe_mode)
        if WEIGHTS in archive.namelist():
            with import_h5py().File(io.BytesIO(archive.read(WEIGHTS)), "r") as file:
                load_state(model, file)
        assets = [n for n in archive.namelist() if n.startswith(ASSETS + "/") and ".." not in pathlib.Path(n).parts]
        for name in assets:
            archive.extract(name, folder)
        if assets:
            load_assets(model, pathlib.Path(folder) / ASSETS)
    return model


def _config_of(archive: zipfile.ZipFile, path: pathlib.Path) -> Any:
    if CONFIG not in archive.namelist():
        raise ValueError(f"{path} is no .keras file: it holds {archive.namelist()[:10]}, but no {CONFIG}")
    if archive.getinfo(CONFIG).file_size > _LARGEST_TEXT:
        raise ValueError(f"the {CONFIG} in {path} is too large to be a model's config: refusing to read it")
    return json.loads(archive.read(CONFIG))


def _load_folder(path: pathlib.Path, custom_objects: Any, compile: bool, safe_mode: bool) -> Any:
    if not (path / CONFIG).is_file():
        raise ValueError(f"folder {path} holds no {CONFIG}, so it is no saved model")
    config = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    model = make_model(config, custom_objects, compile, safe_mode)
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
