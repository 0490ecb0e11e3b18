"""The `.h5` file of older Kerases: config in attributes, weights by layer, optimizer state."""

import json
import pathlib
import warnings
from typing import Any

import numpy as np

from kerasish.saving import old_config
from kerasish.saving.archive import KERAS_VERSION
from kerasish.saving.h5_store import group_at, import_h5py, read_dataset
from kerasish.utils import serialization
from kerasish.utils.files import atomic_write
from kerasish.utils.registry import CustomObjectScope

# An HDF5 attribute may not be larger.
_ATTRIBUTE_LIMIT = 64512
_MODELS = ("Sequential", "Functional", "Model")


def save_h5(model: Any, path: pathlib.Path, include_optimizer: bool = True) -> None:
    """Write a whole model as one HDF5 file."""
    with atomic_write(path) as temporary, import_h5py().File(temporary, "w") as file:
        file.attrs["keras_version"], file.attrs["backend"] = KERAS_VERSION, "kerasish"
        file.attrs["model_config"] = json.dumps(
            {"class_name": _class_name(model), "config": _legacy_layers(model.get_config())}).encode()
        if include_optimizer and (training := _training_config(model)):
            file.attrs["training_config"] = json.dumps(training).encode()
        write_weights(model, file.create_group("model_weights"))
        if include_optimizer and model.compiled and model.optimizer is not None and model.optimizer.built:
            _write_named(file.create_group("optimizer_weights"), model.optimizer.variables)


def _class_name(x: Any) -> str:
    config = serialization.serialize_keras_object(x)
    return config["registered_name"] or config["class_name"]


def _legacy_layers(config: Any) -> Any:
    """A model's config with its layers in the older form, which has no modules or build shapes."""
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        return config
    return {**config, "layers": [_legacy_layer(c) for c in config["layers"]]}


def _legacy_layer(config: dict[str, Any]) -> dict[str, Any]:
    module = str(config.get("module"))
    kept: dict[str, Any] = {k: config[k] for k in ("name", "inbound_nodes") if k in config}
    if module.startswith("keras.src.ops"):  # the older form has no ops: they keep their module
        return config
    inner = _legacy_layers(config["config"]) if config["class_name"] in _MODELS else config["config"]
    name = config.get("registered_name") or config["class_name"]
    return {"class_name": name, "config": inner, **kept}


def _training_config(model: Any) -> dict[str, Any] | None:
    config = model.get_compile_config() or {}
    optimizer = config.pop("optimizer", None)
    if not isinstance(optimizer, dict):  # the model compiles itself in a way of its own
        return None
    return {**config, "optimizer_config": {"class_name": optimizer["registered_name"] or optimizer["class_name"],
                                           "config": optimizer["config"]}}


def _write_attribute(group: Any, name: str, values: list[str]) -> None:
    """A list of strings as an attribute, in pieces where it is too long for one."""
    data = np.asarray([v.encode() for v in values]) if values else np.asarray([])
    pieces = 1
    while max((p.nbytes for p in np.array_split(data, pieces)), default=0) > _ATTRIBUTE_LIMIT:
        pieces += 1
    if pieces == 1:
        group.attrs[name] = data
    else:
        for i, piece in enumerate(np.array_split(data, pieces)):
            group.attrs[f"{name}{i}"] = piece


def _read_attribute(group: Any, name: str) -> list[str]:
    if name in group.attrs:
        values = list(group.attrs[name])
    else:
        values, i = [], 0
        while f"{name}{i}" in group.attrs:
            values += list(group.attrs[f"{name}{i}"])
            i += 1
    return [v.decode() if isinstance(v, bytes) else str(v) for v in values]


def _in_order(x: Any) -> list[Any]:
    """The weights of a layer as these files order them: trainable ones first."""
    return [*x.trainable_weights, *x.non_trainable_weights]


def write_weights(model: Any, group: Any) -> None:
    """Write the weights of a model, layer by layer."""
    _write_attribute(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"], group.attrs["keras_version"] = b"kerasish", KERAS_VERSION.encode()
    for layer in sorted(model.layers, key=lambda x: x.name):
        _write_named(group.create_group(layer.name), _in_order(layer))
    _write_named(group.create_group("top_level_model_weights"), model._own())


def _write_named(group: Any, variables: list[Any]) -> None:
    names: list[str] = []
    for v in variables:
        name, n = v.path, 0
        while name in names:
            n += 1
            name = f"{v.path}_{n}"
        names.append(name)
    _write_attribute(group, "weight_names", names)
    for name, v in zip(names, variables, strict=True):
        value = np.asarray(v)
        dataset = group.create_dataset(name, data=value)
        if value.dtype.name == "bfloat16":
            dataset.attrs["dtype"] = "bfloat16"


def _read_named(group: Any) -> list[np.ndarray]:
    return [_read_path(group, name) for name in _read_attribute(group, "weight_names")]


def _read_path(group: Any, name: str) -> np.ndarray:
    *parents, key = name.split("/")
    place = group_at(group, "/".join(parents)) if parents else group
    if place is None:
        raise ValueError(f"the file names a weight {name!r} at {group.name} that it does not hold")
    return read_dataset(place, key)


def read_weights(group: Any, model: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Set the weights of a model from a group, layer by layer; all or, if they do not fit, none.

    Layers are matched by name where the file names the same ones, else by order. With `by_name`, a layer gets those
    saved under its name, if there are any.

    Raises:
        ValueError: layers or shapes differ; says which.
    """
    layers = [layer for layer in model.layers if _in_order(layer)]
    saved = [(n, g) for n in _read_attribute(group, "layer_names")
             if (g := group_at(group, n)) is not None and _read_attribute(g, "weight_names")]
    groups = dict(saved)
    if by_name or {layer.name for layer in layers} == groups.keys():  # older Kerases order layers otherwise
        matches = [(layer, (layer.name, groups[layer.name])) for layer in layers if layer.name in groups]
    elif len(layers) == len(saved):
        matches = list(zip(layers, saved, strict=True))
    else:
        raise ValueError(f"the file has weights of {len(saved)} layers {[n for n, _ in saved]}, but model "
                         f"{model.name!r} has {len(layers)} layers with weights {[layer.name for layer in layers]}")
    pairs: list[tuple[Any, np.ndarray]] = []
    for layer, (name, g) in matches:
        pairs += _matched(_in_order(layer), _read_named(g), f"layer {layer.name!r} ({name!r} in the file)",
                          skip_mismatch)
    top = group_at(group, "top_level_model_weights")
    if top is not None:
        pairs += _matched(model._own(), _read_named(top), f"model {model.name!r} itself", skip_mismatch)
    for variable, value in pairs:
        variable.assign(value)


def _matched(variables: list[Any], values: list[np.ndarray], where: str, skip: bool) -> list[tuple[Any, np.ndarray]]:
    shapes = [tuple(v.shape) for v in variables], [tuple(v.shape) for v in values]
    if shapes[0] == shapes[1]:
        return list(zip(variables, values, strict=True))
    message = f"{where} has weights of shapes {shapes[0]}, but the file has {shapes[1]}"
    if not skip:
        raise ValueError(message + ". Nothing was loaded; use skip_mismatch=True to load what fits.")
    warnings.warn(f"skipped: {message}", stacklevel=4)
    return []


def load_h5(path: pathlib.Path, custom_objects: Any, compile: bool) -> Any:
    """Read a whole model from an HDF5 file.

    Args:
        path: the file.
        custom_objects: the caller's classes by name.
        compile: whether to compile the model as it was.

    Raises:
        ValueError: the file holds no model, or its weights do not fit.
    """
    with import_h5py().File(path, "r") as file, CustomObjectScope(custom_objects or {}):
        if "model_config" not in file.attrs:
            raise ValueError(f"{path} holds no model, only weights: build the model and call load_weights() on it")
        config = old_config.layer_config(_json_attribute(file, "model_config"))
        model = serialization.deserialize_keras_object(
            {"registered_name": config["class_name"], **config}, module_objects=serialization.NetworkClasses())
        weights = group_at(file, "model_weights")
        if weights is not None:
            read_weights(weights, model)
        if compile and "training_config" in file.attrs:
            model.compile_from_config(old_config.compile_config(_json_attribute(file, "training_config")))
            slots = group_at(file, "optimizer_weights")
            if slots is not None and model.optimizer is not None:
                _set_slots(model.optimizer, _read_named(slots))
    return model


def _json_attribute(file: Any, name: str) -> Any:
    text = file.attrs[name]
    return json.loads(text.decode() if isinstance(text, bytes) else text)


def _set_slots(optimizer: Any, values: list[np.ndarray]) -> None:
    variables = optimizer.variables
    if [tuple(v.shape) for v in variables] != [tuple(v.shape) for v in values]:
        warnings.warn(f"the file's state of optimizer {optimizer.name!r} does not fit it: it starts afresh",
                      stacklevel=4)
        return
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
