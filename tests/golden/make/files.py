"""Models saved by Keras in its three formats, with their outputs on fixed inputs, JSON and summaries."""

from __future__ import annotations

import json
from typing import Any

import keras
from golden_io import DATA

from make import models
from make.common import to_numpy
from make.draws import draw, generator, ints, normal, onehot, uniform

FOLDER = DATA / "files"
ALL = (".keras", ".h5", ".weights.h5")
NO_H5 = ("two_ways", "transformer")  # Keras cannot read back a .h5 file of a model with operators
MODELS: dict[str, tuple] = {
    "mlp": (models.mlp, normal(3, 6)),
    "convnet": (models.convnet, normal(2, 6, 6, 1)),
    "tokens": (models.tokens, ints(3, 5, high=5)),
    "recurrent": (models.recurrent, normal(2, 4, 3)),
    "two_ways": (models.two_ways, [normal(3, 4), normal(3, 3)]),
    "nested": (models.nested, normal(3, 4)),
    "shared": (models.shared, [normal(3, 5), normal(3, 5)]),
    "transformer": (models.transformer, normal(2, 4, 6)),
}


def run() -> list[dict]:
    """One row a model; the files go to `data/files`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [saved(name, *entry) for name, entry in MODELS.items()]
    return [*rows, compiled(), subclassed()]


def saved(name: str, make: Any, inputs: Any) -> dict:
    rng = generator(name)
    keras.backend.clear_session()
    model = models.fill(make(keras), rng)
    inputs = draw(inputs, rng)
    formats = write(model, name, (".keras", ".weights.h5") if name in NO_H5 else ALL)
    return {**describe(model, name, inputs), "formats": formats, **loaded_paths(name)}


def describe(model: keras.Model, name: str, inputs: Any) -> dict:
    lines: list[str] = []
    model.summary(line_length=80, print_fn=lines.append)
    return {
        "name": name, "inputs": inputs, "outputs": to_numpy(model(inputs, training=False)),
        "weights": [{"path": w.path, "value": to_numpy(w.value)} for w in model.weights],
        "to_json": json.loads(model.to_json()), "config": json.loads(json.dumps(model.get_config())),
        "summary": "\n".join(lines),
    }  # fmt: skip


def write(model: keras.Model, name: str, formats: tuple[str, ...] = ALL) -> list[str]:
    for suffix in formats:
        save = model.save_weights if suffix == ".weights.h5" else model.save
        save(FOLDER / f"{name}{suffix}")
    return list(formats)


def loaded_paths(name: str) -> dict:
    """What the variables are called once the file is open."""
    keras.backend.clear_session()
    model = keras.saving.load_model(FOLDER / f"{name}.keras")
    paths = {"loaded_paths": [w.path for w in model.weights]}
    if model.compiled:
        paths["loaded_optimizer_paths"] = [v.path for v in model.optimizer.variables]
    return paths


def compiled() -> dict:
    """Saved in mid-training, optimizer state and all; `continued`: what four further steps made of it."""
    rng = generator("compiled")
    keras.backend.clear_session()
    model = models.fill(models.classifier(keras), rng)
    schedule = keras.optimizers.schedules.ExponentialDecay(0.05, 4, 0.8)
    metrics = ["accuracy", keras.metrics.AUC(name="auc")]
    model.compile(keras.optimizers.Adam(schedule), "categorical_crossentropy", metrics=metrics)
    x, y = draw((normal(12, 6), onehot(12, 3)), rng)
    fit = dict(epochs=2, batch_size=6, shuffle=False, verbose=0)
    model.fit(x, y, **fit)
    formats = write(model, "compiled")
    row = {**describe(model, "compiled", x[:3]), "formats": formats, **loaded_paths("compiled")}
    row["optimizer_variables"] = [{"path": v.path, "value": to_numpy(v.value)} for v in model.optimizer.variables]
    history = model.fit(x, y, **fit).history
    row["continued"] = {"x": x, "y": y, "fit": fit, "history": history, "weights": to_numpy(model.get_weights())}
    return row


def subclassed() -> dict:
    """Weights only: the class lives in the test."""
    rng = generator("blocks")
    keras.backend.clear_session()
    model = models.blocks(keras)
    x = draw(uniform(3, 5, low=-1), rng)
    model(x)
    models.fill(model, rng)
    formats = write(model, "blocks", (".weights.h5",))
    return {
        "name": "blocks", "formats": formats, "inputs": x, "outputs": to_numpy(model(x, training=False)),
        "weights": [{"path": w.path, "value": to_numpy(w.value)} for w in model.weights],
    }  # fmt: skip


