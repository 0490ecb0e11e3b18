"""Short trainings from given weights, unshuffled and without randomness: histories, final weights, evaluations."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import optimizers

from make import models
from make.common import plain, to_numpy
from make.draws import draw, generator, ints, normal, onehot, uniform

VALIDATION = (normal(5, 6), ints(5, high=3))
SCHEDULE = optimizers.schedules.CosineDecay(0.05, 6)


def sparse(from_logits: bool = False) -> keras.Loss:
    return keras.losses.SparseCategoricalCrossentropy(from_logits=from_logits)


CLASSES, REAL = (normal(11, 6), ints(11, high=3)), (normal(10, 4), normal(10, 1))
TWO = ([normal(9, 4), normal(9, 3)], {"label": onehot(9, 2), "size": normal(9, 1)})
ROWS: dict[str, tuple] = {
    # name: model, compile arguments, x, y, fit arguments
    "adam_metrics_validation": (models.classifier, lambda: dict(
        optimizer=optimizers.Adam(0.02), loss="sparse_categorical_crossentropy",
        metrics=["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(k=2)]), *CLASSES,
        dict(validation_data=VALIDATION)),
    "class_weight": (models.classifier, lambda: dict(
        optimizer="rmsprop", loss="sparse_categorical_crossentropy", metrics=["accuracy"],
        weighted_metrics=["sparse_categorical_crossentropy"]), *CLASSES,
        dict(class_weight={"0": 0.5, "1": 2.0, "2": 1.0})),
    "one_hot_auc": (models.classifier, lambda: dict(
        optimizer=optimizers.Nadam(0.02), loss="categorical_crossentropy",
        metrics=["acc", "auc", keras.metrics.F1Score(average="macro")]), normal(11, 6), onehot(11, 3), {}),
    "sample_weight": (models.regression, lambda: dict(optimizer=optimizers.SGD(0.05, momentum=0.9), loss="mse",
                                                      metrics=["mae"], weighted_metrics=["mse"]),
                      *REAL, dict(sample_weight=uniform(10))),
    "regularized": (models.regularized, lambda: dict(optimizer=optimizers.SGD(0.05), loss="huber", metrics=["mse"]),
                    *REAL, dict(validation_split=0.3)),
    "clip_ema_schedule": (models.regression, lambda: dict(optimizer=optimizers.Adam(
        SCHEDULE, global_clipnorm=0.5, weight_decay=0.01, use_ema=True, ema_momentum=0.8), loss="mae"), *REAL, {}),
    "accumulation": (models.regression, lambda: dict(optimizer=optimizers.Adam(0.02, gradient_accumulation_steps=2),
                                                     loss="mse"), *REAL, dict(epochs=4)),
    "frozen": (models.frozen, lambda: dict(optimizer=optimizers.AdamW(0.02), loss=sparse()), *CLASSES, {}),
    "convnet": (models.convnet, lambda: dict(optimizer=optimizers.Adam(0.02), loss=sparse(True), metrics=["accuracy"]),
                normal(10, 6, 6, 1), ints(10, high=2), dict(validation_data=(normal(4, 6, 6, 1), ints(4, high=2)))),
    "lstm_mask": (models.tokens, lambda: dict(optimizer=optimizers.Adam(0.02), loss="binary_crossentropy",
                                              metrics=["accuracy"]), ints(10, 5, high=4), ints(10, 1, high=2), {}),
    # No metrics: on JAX, Keras loses the mask between the loss and the metrics.
    "mask_reaches_loss": (models.sequence_tagger, lambda: dict(optimizer=optimizers.Adam(0.02), loss=sparse(True)),
                          ints(8, 5, high=3), ints(8, 5, high=3), {}),
    "two_outputs": (models.two_ways, lambda: dict(
        optimizer=optimizers.Adam(0.02), loss={"label": "categorical_crossentropy", "size": "mse"},
        loss_weights={"label": 1.0, "size": 0.3}, metrics={"label": ["accuracy"], "size": ["mae", "mse"]}), *TWO, {}),
    "two_outputs_weighted": (models.two_ways, lambda: dict(
        optimizer=optimizers.SGD(0.05), loss={"label": "categorical_crossentropy", "size": "mse"}), *TWO,
        dict(sample_weight={"label": uniform(9), "size": uniform(9)})),
    "transformer": (models.transformer, lambda: dict(optimizer=optimizers.SGD(0.1, momentum=0.9, nesterov=True),
                                                     loss="mse"),
                    normal(6, 4, 6), normal(6, 6), {}),
    "nested": (models.nested, lambda: dict(optimizer=optimizers.Lion(0.01), loss="mse"), normal(9, 4),
               normal(9, 2), {}),
    "shared": (models.shared, lambda: dict(optimizer=optimizers.Adagrad(0.1), loss="binary_crossentropy",
                                           metrics=["binary_accuracy"]), [normal(9, 5), normal(9, 5)],
               ints(9, 1, high=2), {}),
}  # fmt: skip


def run() -> list[dict]:
    """One row a training."""
    return [train(name, *entry) for name, entry in ROWS.items()]


def train(name: str, make: Any, compile_arguments: Any, x: Any, y: Any, fit: dict) -> dict:
    rng = generator(name)
    keras.backend.clear_session()
    model = models.fill(make(keras), rng)
    x, y, fit = draw((x, y, fit), rng)
    arguments = compile_arguments()
    row = {"name": name, "model": make.__name__, "compile": plain(arguments), "x": x, "y": y,
           "start": to_numpy(model.get_weights())}  # fmt: skip
    fit = {"epochs": 3, "batch_size": 4, "shuffle": False, "verbose": 0, **fit}
    row["fit"] = fit
    model.compile(**arguments)
    history = model.fit(x, y, **with_integer_classes(fit)).history
    row["history"] = {key: np.array(values, "float32") for key, values in history.items()}
    row["weights"] = to_numpy(model.get_weights())
    evaluated = model.evaluate(x, y, batch_size=4, verbose=0, return_dict=True)
    row["evaluate"] = {key: np.asarray(value, "float32") for key, value in evaluated.items()}
    row["predict"] = to_numpy(model.predict(x, batch_size=4, verbose=0))
    return row


def with_integer_classes(fit: dict) -> dict:
    """JSON has no integer keys, so class weights are on file under their digits."""
    if "class_weight" in fit:
        fit = {**fit, "class_weight": {int(key): value for key, value in fit["class_weight"].items()}}
    return fit
