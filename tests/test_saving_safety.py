"""Files are written whole or not at all, and a hostile file neither runs code nor reaches beyond itself."""

import json
import os
import pickle
import zipfile

import h5py
import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from tests.small_models import assert_same, fill, mlp, normal

# ---- writing -----------------------------------------------------------------------------------------


class Failing(layers.Layer):
    """Cannot be saved."""

    error: type[BaseException] = RuntimeError

    def call(self, x):
        return x

    def save_own_variables(self, store):
        raise self.error("in the middle")


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("name", ["m.keras", "m.weights.h5", "folder"])
def test_what_fails_midway_leaves_the_old_file(name, error, tmp_path, monkeypatch):
    monkeypatch.setattr(Failing, "error", error)
    path = tmp_path / name

    def save(model):
        model.save_weights(path) if name == "m.weights.h5" else model.save(path, zipped=name != "folder")

    save(mlp())
    bad = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.Dense(2), Failing()])
    with pytest.raises(error):
        save(bad)
    assert os.listdir(tmp_path) == [name]
    model = fill(mlp(), 5)
    model.load_weights(path)
    assert_same(mlp(), model, normal(2, 4))


def test_a_disk_that_fills_up_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.h5"
    mlp().save(path)
    before = path.read_bytes()

    def full(*args, **kwargs):
        raise OSError("no space left on device")

    monkeypatch.setattr(h5py.Group, "create_dataset", full)
    with pytest.raises(OSError, match="no space"):
        fill(mlp(), 3).save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["m.h5"]


def test_a_folder_that_cannot_be_moved_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "m"
    mlp().save(path, zipped=False)
    real = os.replace

    def replace(source, target):
        if str(source).endswith(".new"):
            raise OSError("cannot move")
        real(source, target)

    monkeypatch.setattr(os, "replace", replace)
    with pytest.raises(OSError, match="cannot move"):
        fill(mlp(), 3).save(path, zipped=False)
    assert_same(mlp(), keras.models.load_model(path), normal(2, 4))


# ---- configs that ask for code -----------------------------------------------------------------------


def config_of(class_name, module="keras.layers", dtype="float32", **config):
    """A Sequential model with one odd layer."""
    source = {"batch_shape": [None, 3], "name": "i", "dtype": dtype}
    return {"module": "keras", "class_name": "Sequential", "registered_name": None, "config": {"name": "s", "layers": [
        {"module": "keras.layers", "class_name": "InputLayer", "config": source, "registered_name": None},
        {"module": module, "class_name": class_name, "config": config, "registered_name": None}]}}  # fmt: skip


def function_of(module, name):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


HOSTILE = {
    "class of a module": config_of("Popen", "subprocess", args="touch pwned"),
    "class of ours that is no layer": config_of("CSVLogger", "keras.callbacks", filename="pwned"),
    "code": config_of("Lambda", name="q", function={"class_name": "__lambda__", "config": {"value": ["4wAA", 0, 0]}}),
    "older code": config_of("Lambda", name="q", function=["4wAA", None, None], function_type="lambda"),
    "function of a module": config_of("Lambda", name="q", function=function_of("os", "system")),
    "name of a builtin": config_of("Lambda", name="q", function="eval"),
    "function of ours that fetches": config_of("Lambda", name="q", function=function_of("keras.utils", "get_file")),
    "function of ours that opens": config_of("Activation", activation=function_of("keras.saving", "load_model")),
    "code in an argument": config_of("Dense", units={"class_name": "__lambda__", "config": {"value": "x"}}, name="q"),
    "path as name": config_of("Dense", units=3, name="../../q"),
    "file to be read": config_of("StringLookup", name="q", vocabulary="/etc/passwd", dtype="string"),
    "file to be read as text": config_of("TextVectorization", name="q", vocabulary="/etc/passwd", dtype="string"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", ["keras", "h5", "json"])
@pytest.mark.parametrize("safe_mode", [True, False])
def test_a_config_runs_nothing(name, kind, safe_mode, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mlp().save(f"m.{kind}" if kind != "json" else "m.keras")
    if kind == "keras":
        with zipfile.ZipFile("m.keras") as archive:
            parts = {n: archive.read(n) for n in archive.namelist()}
        with zipfile.ZipFile("m.keras", "w") as archive:
            for part, data in {**parts, "config.json": json.dumps(HOSTILE[name])}.items():
                archive.writestr(part, data)
    elif kind == "h5":
        with h5py.File("m.h5", "r+") as file:
            file.attrs["model_config"] = json.dumps(HOSTILE[name])
    with pytest.raises((ValueError, TypeError)):
        if kind == "json":
            keras.models.model_from_json(json.dumps(HOSTILE[name]))
        else:
            keras.models.load_model(f"m.{kind}", safe_mode=safe_mode)
    assert set(os.listdir(tmp_path)) <= {"m.keras", "m.h5"}


# ---- archives and HDF5 files that reach outside ------------------------------------------------------


class Reading(layers.Layer):
    """Reads all that lies in its folder."""

    def call(self, x):
        return x

    def save_assets(self, dir_path):
        pass

    def load_assets(self, dir_path):
        self.found = sorted(os.listdir(dir_path))


def rewritten(path, **parts):
    """A `.keras` file with other parts put in."""
    with zipfile.ZipFile(path) as archive:
        old = {n: archive.read(n) for n in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in {**old, **parts}.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["assets/../../escaped.txt", "assets/layers/reading/../../../../escaped.txt",
                                  "assets/a\\..\\b"])
def test_an_asset_stays_in_its_folder(name, tmp_path):
    path = tmp_path / "deep" / "m.keras"
    keras.Sequential([keras.Input((2,)), Reading()]).save(path)
    rewritten(path, **{name: b"x"})
    with pytest.raises(ValueError, match="outside its folder"):
        keras.models.load_model(path, custom_objects={"Reading": Reading})
    assert os.listdir(tmp_path) == ["deep"]


def test_a_link_among_the_assets_is_a_plain_file(tmp_path):
    path = tmp_path / "m.keras"
    keras.Sequential([keras.Input((2,)), Reading()]).save(path)
    link = zipfile.ZipInfo("assets/layers/reading/link")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    model = keras.models.load_model(path, custom_objects={"Reading": Reading})
    assert model.layers[0].found == ["link"]


def test_parts_that_claim_to_be_huge_are_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasish.saving.archive._LARGEST_UNPACKED", 1000)
    mlp().save(tmp_path / "m.keras")
    rewritten(tmp_path / "m.keras", **{"config.json": b" " * 1_000_000})
    with pytest.raises(ValueError, match="refusing"):
        keras.models.load_model(tmp_path / "m.keras")


def test_an_archive_without_a_part_says_so(tmp_path):
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", "{")
    with pytest.raises(ValueError, match=r"no model.weights.h5"):
        keras.models.load_model(tmp_path / "m.keras")
    mlp().save(tmp_path / "n.keras")
    with pytest.raises(ValueError, match="no JSON"):
        keras.models.load_model(rewritten(tmp_path / "n.keras", **{"config.json": b"{"}))


def _external_link(file, place):
    del file[place]["0"]
    file[place]["0"] = h5py.ExternalLink("other.h5", "/secret")


def _soft_link(file, place):
    file["secret"] = np.ones((4, 3), "float32")
    del file[place]["0"]
    file[place]["0"] = h5py.SoftLink("/secret")


def _external_storage(file, place):
    del file[place]["0"]
    file[place].create_dataset("0", (4, 3), "float32", external=[("secret.bin", 0, 48)])


def _virtual(file, place):
    del file[place]["0"]
    layout = h5py.VirtualLayout((4, 3), "float32")
    layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(4, 3))
    file[place].create_virtual_dataset("0", layout)


def _linked_group(file, place):
    parent, name = place.rsplit("/", 1)
    del file[parent][name]
    file[parent][name] = h5py.ExternalLink("other.h5", "/")


@pytest.mark.parametrize("attack", [_external_link, _soft_link, _external_storage, _virtual, _linked_group])
@pytest.mark.parametrize("name", ["w.weights.h5", "m.h5"])
def test_values_lie_inside_the_file(attack, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with h5py.File("other.h5", "w") as other:
        other["secret"] = np.ones((4, 3), "float32")
    np.ones((4, 3), "float32").tofile("secret.bin")
    model = fill(mlp(), 3)
    before = model.get_weights()
    (mlp().save_weights if name == "w.weights.h5" else mlp().save)(name)
    with h5py.File(name, "r+") as file:
        if name == "m.h5":  # the weights under the names that the attacks know
            group = file["model_weights/a"]
            group["vars/0"], group["vars/1"] = (group[n.decode()] for n in group.attrs["weight_names"])
            group.attrs["weight_names"] = [b"vars/0", b"vars/1"]
        attack(file, "layers/dense/vars" if name == "w.weights.h5" else "model_weights/a/vars")
    with pytest.raises(ValueError, match="refusing"):
        model.load_weights(name)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_values_that_are_not_in_the_file_are_not_made_up(tmp_path):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        group = file.create_group("a")
        file.attrs["layer_names"], group.attrs["weight_names"] = [b"a"], [b"huge"]
        group.create_dataset("huge", (1 << 20, 1 << 20), "float32", chunks=(1024, 1024))
    with pytest.raises(ValueError, match="refusing"):
        keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a")]).load_weights(tmp_path / "m.h5")


def test_a_pickle_is_no_model(tmp_path):
    for name in ("m.keras", "m.h5", "m.weights.h5"):
        (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
        with pytest.raises((ValueError, OSError)):
            keras.models.load_model(tmp_path / name)
        with pytest.raises((ValueError, OSError)):
            mlp().load_weights(tmp_path / name)
