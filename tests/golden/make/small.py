"""Activations, regularizers, constraints and the initializers that draw nothing; configurations of all initializers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from make.common import config_of, plain, to_numpy
from make.draws import generator, normal
from make.losses import value_and_gradient

ACTIVATIONS: dict[str, list[dict]] = {
    name: [{}]
    for name in (
        "relu6", "tanh", "sigmoid", "softplus", "softsign", "silu", "selu", "exponential", "hard_sigmoid", "hard_silu",
        "linear", "mish", "log_sigmoid", "hard_tanh", "tanh_shrink", "squareplus", "sparse_plus", "sparse_sigmoid",
        "sparsemax", "softmax", "log_softmax", "elu", "leaky_relu", "gelu", "relu", "celu", "glu", "hard_shrink",
        "soft_shrink", "threshold",
    )
}  # fmt: skip
ACTIVATIONS["elu"].append(dict(alpha=0.5))
ACTIVATIONS["celu"].append(dict(alpha=0.5))
ACTIVATIONS["leaky_relu"].append(dict(negative_slope=0.05))
ACTIVATIONS["gelu"].append(dict(approximate=True))
ACTIVATIONS["softmax"].append(dict(axis=1))
ACTIVATIONS["log_softmax"].append(dict(axis=1))
ACTIVATIONS["relu"] += [dict(negative_slope=0.1), dict(max_value=1.0)]
ACTIVATIONS["relu"] += [dict(negative_slope=0.1, max_value=1.5, threshold=0.5)]
ACTIVATIONS["threshold"] = [dict(threshold=0.3, default_value=-0.5)]

REGULARIZERS: list[tuple[str, dict]] = [
    ("L1", {}), ("L1", dict(l1=0.1)), ("L2", {}), ("L2", dict(l2=0.1)), ("L1L2", dict(l1=0.1, l2=0.05)),
    ("OrthogonalRegularizer", {}), ("OrthogonalRegularizer", dict(factor=0.1, mode="columns")),
]  # fmt: skip
CONSTRAINTS: list[tuple[str, dict]] = [
    ("MaxNorm", {}), ("MaxNorm", dict(max_value=0.8, axis=1)), ("NonNeg", {}), ("UnitNorm", {}),
    ("UnitNorm", dict(axis=[0, 1])), ("MinMaxNorm", {}), ("MinMaxNorm", dict(min_value=0.5, max_value=0.7, rate=0.6)),
]  # fmt: skip
FIXED_INITIALIZERS: list[tuple[str, dict, tuple]] = [
    ("Zeros", {}, (2, 3)), ("Ones", {}, (2, 3)), ("Constant", dict(value=0.3), (3,)), ("Identity", {}, (3, 3)),
    ("Identity", dict(gain=2.0), (2, 3)), ("STFT", dict(side="real", window="hann"), (8, 1, 5)),
    ("STFT", dict(side="imag", window=None, scaling="density"), (8, 1, 5)),
]  # fmt: skip
RANDOM_INITIALIZERS = (
    "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "GlorotNormal",
    "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
)  # fmt: skip


def run() -> list[dict]:
    """Rows with a `kind`: activation, regularizer, constraint or initializer."""
    return [*activations(), *regularizers(), *constraints(), *initializers()]


def entry(kind: str, name: str, kwargs: dict, config: Any, number: int, **values: Any) -> dict:
    return {"name": f"{kind}-{name}-{number}", "kind": kind, "object": name, "kwargs": plain(kwargs), "config": config,
            **values}  # fmt: skip


def activations() -> list[dict]:
    x = normal(2, 3, 4, std=2).sample(generator("activations"))
    rows = []
    for name, variations in ACTIVATIONS.items():
        for i, kwargs in enumerate(variations):
            fn = getattr(keras.activations, name)
            outcome = value_and_gradient(lambda v, fn=fn, kwargs=kwargs: fn(v, **kwargs), x)
            rows.append(entry("activation", name, kwargs, keras.activations.serialize(fn), i, x=x, **outcome))
    return rows


def regularizers() -> list[dict]:
    x = normal(3, 4).sample(generator("regularizers"))
    rows = []
    for i, (name, kwargs) in enumerate(REGULARIZERS):
        r = getattr(keras.regularizers, name)(**kwargs)
        rows.append(entry("regularizer", name, kwargs, config_of(r), i, x=x, **value_and_gradient(r, x)))
    return rows


def constraints() -> list[dict]:
    x = normal(3, 4).sample(generator("constraints"))
    rows = []
    for i, (name, kwargs) in enumerate(CONSTRAINTS):
        c = getattr(keras.constraints, name)(**kwargs)
        out = to_numpy(c(keras.ops.convert_to_tensor(x)))
        rows.append(entry("constraint", name, kwargs, config_of(c), i, x=x, out=out))
    return rows


def initializers() -> list[dict]:
    rows = []
    for i, (name, kwargs, shape) in enumerate(FIXED_INITIALIZERS):
        init = getattr(keras.initializers, name)(**kwargs)
        out = np.asarray(to_numpy(init(shape, dtype="float32")))
        rows.append(entry("initializer", name, kwargs, config_of(init), i, shape=list(shape), out=out))
    for i, name in enumerate(RANDOM_INITIALIZERS):
        init = getattr(keras.initializers, name)(seed=3)
        rows.append(entry("initializer", name, {"seed": 3}, config_of(init), 100 + i))
    return rows
