"""Losses, as classes and as functions: value and gradient by the prediction."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from golden_io import cotangent

from make.common import config_of, plain, to_numpy
from make.draws import draw, generator, ints, normal, onehot, probs, uniform

REDUCTIONS = ("sum_over_batch_size", "sum", "none", "mean", "mean_with_sample_weight")
REAL = (normal(4, 3), normal(4, 3))
POSITIVE = (uniform(4, 3, low=0.1, high=3), uniform(4, 3, low=0.1, high=3))
SIGNS = (np.array([[1, -1, 1], [-1, -1, 1], [0, 1, 1], [1, 0, -1]], "float32"), normal(4, 3))
BINARY = (ints(4, 3, high=2), uniform(4, 3, low=0.02, high=0.98))
BINARY_LOGITS = (ints(4, 3, high=2), normal(4, 3, std=3))
ONEHOT = (onehot(4, 3), probs(4, 3))
ONEHOT_LOGITS = (onehot(4, 3), normal(4, 3, std=2))
SPARSE = (ints(4, high=3), probs(4, 3))
SPARSE_LOGITS = (ints(4, high=3), normal(4, 3, std=2))
SPARSE_SEQUENCE = (ints(2, 5, high=3), probs(2, 5, 3))
MAPS = (onehot(2, 3, 3, 2), probs(2, 3, 3, 2))

CLASSES: list[tuple[str, str, dict, tuple]] = [
    ("MeanSquaredError", "plain", {}, REAL),
    ("MeanAbsoluteError", "plain", {}, REAL),
    ("MeanAbsolutePercentageError", "plain", {}, REAL),
    ("MeanSquaredLogarithmicError", "plain", {}, POSITIVE),
    ("CosineSimilarity", "plain", {}, REAL),
    ("CosineSimilarity", "axis0", dict(axis=0), REAL),
    ("Huber", "plain", {}, REAL),
    ("Huber", "delta", dict(delta=0.3), REAL),
    ("LogCosh", "plain", {}, REAL),
    ("Hinge", "plain", {}, SIGNS),
    ("Hinge", "zeros_as_minus_ones", {}, (ints(4, 3, high=2), normal(4, 3))),
    ("SquaredHinge", "plain", {}, SIGNS),
    ("CategoricalHinge", "plain", {}, (onehot(4, 3), normal(4, 3))),
    ("KLDivergence", "plain", {}, (probs(4, 3), probs(4, 3))),
    ("Poisson", "plain", {}, POSITIVE),
    ("BinaryCrossentropy", "plain", {}, BINARY),
    ("BinaryCrossentropy", "logits", dict(from_logits=True), BINARY_LOGITS),
    ("BinaryCrossentropy", "smooth", dict(label_smoothing=0.2), BINARY),
    ("BinaryCrossentropy", "certain", {}, (np.array([[0.0], [1.0], [1.0], [0.0]], "float32"),
                                          np.array([[0.0], [1.0], [0.0], [1.0]], "float32"))),
    ("BinaryFocalCrossentropy", "plain", {}, BINARY),
    ("BinaryFocalCrossentropy", "balanced", dict(apply_class_balancing=True, alpha=0.4, gamma=1.5), BINARY),
    ("BinaryFocalCrossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), BINARY_LOGITS),
    ("CategoricalCrossentropy", "plain", {}, ONEHOT),
    ("CategoricalCrossentropy", "unnormalised", {}, (onehot(4, 3), uniform(4, 3, low=0.1, high=2))),
    ("CategoricalCrossentropy", "logits", dict(from_logits=True), ONEHOT_LOGITS),
    ("CategoricalCrossentropy", "smooth", dict(label_smoothing=0.1), ONEHOT),
    ("CategoricalCrossentropy", "axis1", dict(axis=1), (onehot(2, 3, 4), uniform(2, 3, 4, low=0.1))),
    ("CategoricalFocalCrossentropy", "plain", {}, ONEHOT),
    ("CategoricalFocalCrossentropy", "logits_smooth", dict(from_logits=True, label_smoothing=0.1, alpha=0.5,
                                                             gamma=1.0),
     ONEHOT_LOGITS),
    ("CategoricalGeneralizedCrossEntropy", "plain", {}, SPARSE),
    ("SparseCategoricalCrossentropy", "plain", {}, SPARSE),
    ("SparseCategoricalCrossentropy", "column", {}, (ints(4, 1, high=3), probs(4, 3))),
    ("SparseCategoricalCrossentropy", "logits", dict(from_logits=True), SPARSE_LOGITS),
    ("SparseCategoricalCrossentropy", "sequence", {}, SPARSE_SEQUENCE),
    ("SparseCategoricalCrossentropy", "ignore_class", dict(ignore_class=0), SPARSE_SEQUENCE),
    ("SparseCategoricalCrossentropy", "ignore_minus_one", dict(ignore_class=-1, from_logits=True),
     (np.array([[0, -1, 2], [-1, 1, 1]], "int32"), normal(2, 3, 3))),
    ("Dice", "plain", {}, MAPS),
    ("Dice", "axis", dict(axis=[1, 2, 3]), MAPS),
    ("Tversky", "plain", {}, MAPS),
    ("Tversky", "alpha_beta", dict(alpha=0.3, beta=0.7, axis=[1, 2, 3]), MAPS),
    ("Circle", "plain", dict(gamma=4.0), (np.array([0, 1, 0, 1], "int32"), normal(4, 5, std=0.4))),
]

FUNCTIONS: list[tuple[str, str, dict, tuple]] = [
    ("mean_squared_error", "plain", {}, REAL),
    ("mean_absolute_error", "plain", {}, REAL),
    ("mean_absolute_percentage_error", "plain", {}, REAL),
    ("mean_squared_logarithmic_error", "plain", {}, POSITIVE),
    ("cosine_similarity", "plain", {}, REAL),
    ("cosine_similarity", "axis1", dict(axis=1), (normal(2, 3, 4), normal(2, 3, 4))),
    ("huber", "plain", {}, REAL),
    ("huber", "delta", dict(delta=0.5), REAL),
    ("log_cosh", "plain", {}, REAL),
    ("log_cosh", "large", {}, (normal(3, 2), normal(3, 2, std=60))),
    ("hinge", "plain", {}, SIGNS),
    ("squared_hinge", "plain", {}, SIGNS),
    ("categorical_hinge", "plain", {}, (onehot(4, 3), normal(4, 3))),
    ("kl_divergence", "plain", {}, (probs(4, 3), probs(4, 3))),
    ("poisson", "plain", {}, POSITIVE),
    ("binary_crossentropy", "plain", {}, BINARY),
    ("binary_crossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), BINARY_LOGITS),
    ("binary_crossentropy", "axis1", dict(axis=1), (ints(2, 3, 4, high=2), uniform(2, 3, 4, low=0.1, high=0.9))),
    ("binary_focal_crossentropy", "plain", {}, BINARY),
    ("binary_focal_crossentropy", "balanced", dict(apply_class_balancing=True, from_logits=True), BINARY_LOGITS),
    ("categorical_crossentropy", "plain", {}, ONEHOT),
    ("categorical_crossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), ONEHOT_LOGITS),
    ("categorical_focal_crossentropy", "plain", {}, ONEHOT),
    ("sparse_categorical_crossentropy", "plain", {}, SPARSE),
    ("sparse_categorical_crossentropy", "logits", dict(from_logits=True), SPARSE_LOGITS),
    ("sparse_categorical_crossentropy", "ignore_class", dict(ignore_class=1), SPARSE_SEQUENCE),
]


def run() -> list[dict]:
    """Rows of classes (plain; with each reduction, sample weights, masks) and of functions."""
    rows = [class_row(*entry) for entry in CLASSES]
    for cls, kwargs, data in (
        ("MeanSquaredError", {}, (normal(2, 4, 3), normal(2, 4, 3))),
        ("SparseCategoricalCrossentropy", dict(from_logits=True), (ints(2, 4, high=3), normal(2, 4, 3))),
    ):
        weight, row_weight = uniform(2, 4, low=0.2, high=2), uniform(2, 1, low=0.2, high=2)
        for reduction in (*REDUCTIONS, None):
            given = {**kwargs, "reduction": reduction}
            rows.append(class_row(cls, f"{reduction}_plain", given, data))
            rows.append(class_row(cls, f"{reduction}_weights", given, data, weight=weight))
            rows.append(class_row(cls, f"{reduction}_batch_weights", given, data, weight=row_weight))
            rows.append(class_row(cls, f"{reduction}_mask", given, data, mask=MASK))
            rows.append(class_row(cls, f"{reduction}_mask_weights", given, data, weight=weight, mask=MASK))
    rows.append(class_row("MeanSquaredError", "column_of_targets", {}, (normal(4), normal(4, 1))))
    rows.append(class_row("BinaryCrossentropy", "column_of_weights", {}, BINARY, weight=uniform(4, 1)))
    return rows + [function_row(*entry) for entry in FUNCTIONS]


MASK = np.array([[1, 1, 0, 1], [1, 0, 0, 0]], bool)


def class_row(cls: str, tag: str, kwargs: dict, data: tuple, weight: Any = None, mask: Any = None) -> dict:
    name = f"{cls}-{tag}"
    y_true, y_pred, weight = draw((*data, weight), generator(name))
    loss = getattr(keras.losses, cls)(**kwargs)

    def value(prediction: Any) -> Any:
        prediction = keras.ops.convert_to_tensor(prediction)
        if mask is not None:
            keras.src.backend.set_keras_mask(prediction, keras.ops.convert_to_tensor(mask))
        return loss(y_true, prediction, sample_weight=weight)

    return {
        "name": name, "class": cls, "kwargs": plain(kwargs), "config": config_of(loss), "y_true": y_true,
        "y_pred": y_pred, "sample_weight": weight, "mask": mask, **value_and_gradient(value, y_pred),
    }  # fmt: skip


def function_row(fn: str, tag: str, kwargs: dict, data: tuple) -> dict:
    name = f"{fn}-{tag}"
    y_true, y_pred = draw(data, generator(name))
    outcome = value_and_gradient(lambda p: getattr(keras.losses, fn)(y_true, p, **kwargs), y_pred)
    return {"name": name, "function": fn, "kwargs": plain(kwargs), "y_true": y_true, "y_pred": y_pred, **outcome}


def value_and_gradient(value: Any, x: np.ndarray) -> dict:
    """`out`, and `grad`: the gradient by x of sum(cotangent * out)."""
    outcome = {"out": to_numpy(value(keras.ops.convert_to_tensor(x)))}
    if keras.backend.backend() == "jax":
        import jax

        outcome["grad"] = to_numpy(jax.grad(lambda p: (value(p) * cotangent(outcome["out"].shape)).sum())(x))
    return outcome
