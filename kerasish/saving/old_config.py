"""What `tf.keras` 2 wrote in its `.h5` files and JSON, in the words of Keras 3.

Only what the older format says otherwise is touched: a config that Keras 3 wrote comes out as it went in.
"""

from typing import Any

from kerasish.utils.registry import find_builtin

_ANY = object()
# Arguments that are gone, with the value at which leaving them out changes nothing.
_GONE: dict[str, dict[str, Any]] = {
    "": {"time_major": False, "implementation": _ANY, "input_length": _ANY, "ragged": False, "sparse": False},
    "BatchNormalization": {"renorm": False, "fused": _ANY, "virtual_batch_size": None},
    "SeparableConv": {"groups": 1, "kernel_initializer": _ANY, "kernel_regularizer": _ANY, "kernel_constraint": _ANY},
    "DepthwiseConv": {"groups": 1, "filters": None},
    "Transpose": {"groups": 1},
    "MultiHeadAttention": {"query_shape": _ANY, "key_shape": _ANY, "value_shape": _ANY},
}

# Arguments that are layers.
_WRAPPED = ("layer", "backward_layer", "cell", "cells")


def layer_config(config: Any) -> Any:
    """Return the config of a layer or model, and of all layers inside it, without what is gone."""
    if isinstance(config, list):
        return [layer_config(c) for c in config]
    if not isinstance(config, dict):
        return config
    if "module" in config or not isinstance(config.get("config"), dict | list) or "class_name" not in config:
        return {k: layer_config(v) for k, v in config.items()}
    name, inner = config["class_name"], config["config"]
    if isinstance(inner, list):  # a Sequential model of the first Kerases
        inner = {"name": "sequential", "layers": inner}
    if name != "InputLayer" and "trainable" in inner:
        inner = _without(inner, name)
    if name == "BatchNormalization" and isinstance(inner.get("axis"), list) and len(inner["axis"]) == 1:
        inner = {**inner, "axis": inner["axis"][0]}
    if isinstance(inner.get("dtype"), dict) and inner["dtype"].get("class_name") == "Policy":
        inner = {**inner, "dtype": inner["dtype"]["config"]["name"]}
    return {**config, "config": {k: _placed(layer_config(v)) if k in _WRAPPED else layer_config(v)
                                 for k, v in inner.items()}}


def _placed(config: Any) -> Any:
    """The config of a layer inside another, with the module in which the wrapper's own reader looks for it."""
    if isinstance(config, list):
        return [_placed(c) for c in config]
    ours = isinstance(config, dict) and find_builtin("keras.layers", config.get("class_name", "")) is not None
    return {"module": "keras.layers", "registered_name": None, **config} if ours else config


def _without(config: dict[str, Any], name: str) -> dict[str, Any]:
    gone = {k: v for part, table in _GONE.items() if part in name for k, v in table.items()}
    return {k: v for k, v in config.items() if k not in gone or (gone[k] is not _ANY and v != gone[k])}


def compile_config(config: dict[str, Any]) -> dict[str, Any]:
    """Return the `training_config` of a file as what `compile_from_config` takes."""
    config = {k: v for k, v in config.items() if k != "sample_weight_mode"}
    optimizer = config.pop("optimizer_config", None)
    if optimizer is not None:
        config["optimizer"] = _optimizer(optimizer)
    if config.get("loss") is not None:
        config["loss"] = _mapped(_loss, config["loss"])
    for key in ("metrics", "weighted_metrics"):
        if config.get(key) is not None:
            config[key] = _mapped(_metric, config[key])
    return config


def _mapped(function: Any, x: Any) -> Any:
    if isinstance(x, list):
        return [_mapped(function, v) for v in x]
    if isinstance(x, dict) and "class_name" not in x:
        return {k: _mapped(function, v) for k, v in x.items()}
    return function(x)


def _optimizer(config: dict[str, Any]) -> dict[str, Any]:
    name = config["class_name"].removeprefix("Custom>")
    inner = {k: v for k, v in config["config"].items() if k not in ("is_legacy_optimizer", "jit_compile", "decay")}
    if "lr" in inner:
        inner["learning_rate"] = inner.pop("lr")
    decay = config["config"].get("decay")
    if decay:  # the rate fell with every step
        inner["learning_rate"] = {
            "module": "keras.optimizers.schedules", "class_name": "InverseTimeDecay", "registered_name": None,
            "config": {"initial_learning_rate": inner["learning_rate"], "decay_steps": 1, "decay_rate": decay}}
    return {"module": "keras.optimizers", "registered_name": name, **config, "class_name": name, "config": inner}


def _loss(config: Any) -> Any:
    if isinstance(config, dict) and config.get("config", {}).get("reduction") == "auto":
        return {**config, "config": {k: v for k, v in config["config"].items() if k != "reduction"}}
    return config


def _metric(config: Any) -> Any:
    """A mean of a function by the function's name, which is what it was made of."""
    if isinstance(config, dict) and config["class_name"] == "MeanMetricWrapper" and "module" not in config:
        return config["config"]["fn"]
    return config
