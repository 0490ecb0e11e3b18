"""Metrics: two updates, the second with sample weights where they apply; results; variables; result after reset."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from make.common import config_of, plain, to_numpy
from make.draws import draw, generator, ints, normal, onehot, probs, uniform

REAL = (normal(5, 3), normal(5, 3))
POSITIVE = (uniform(5, 3, low=0.1, high=3), uniform(5, 3, low=0.1, high=3))
BINARY = (ints(6, 2, high=2), uniform(6, 2, low=0.02, high=0.98))
COLUMN = (ints(8, 1, high=2), uniform(8, 1, low=0.02, high=0.98))
ONEHOT = (onehot(6, 4), probs(6, 4))
LOGITS = (onehot(6, 4), normal(6, 4))
SPARSE = (ints(6, high=4), probs(6, 4))
LABELS = (ints(6, high=3), ints(6, high=3))
MAPS = (ints(2, 3, 3, high=3), ints(2, 3, 3, high=3))
MULTI = (ints(6, 3, high=2), uniform(6, 3))

ROWS: list[tuple] = [
    ("Mean", "plain", {}, (normal(5),)),
    ("Mean", "matrix", {}, (normal(5, 2),)),
    ("Mean", "scalar", {}, (np.float32(2.5),), None),
    ("Sum", "plain", {}, (normal(5, 2),)),
    ("MeanSquaredError", "plain", {}, REAL),
    ("RootMeanSquaredError", "plain", {}, REAL),
    ("MeanAbsoluteError", "plain", {}, REAL),
    ("MeanAbsolutePercentageError", "plain", {}, REAL),
    ("MeanSquaredLogarithmicError", "plain", {}, POSITIVE),
    ("CosineSimilarity", "plain", {}, REAL),
    ("CosineSimilarity", "axis0", dict(axis=0), REAL, None),
    ("LogCoshError", "plain", {}, REAL),
    ("R2Score", "plain", {}, REAL),
    ("R2Score", "variance_weighted", dict(class_aggregation="variance_weighted_average"), REAL),
    ("R2Score", "per_output", dict(class_aggregation=None), REAL),
    ("R2Score", "adjusted", dict(num_regressors=2), REAL),
    ("PearsonCorrelation", "plain", {}, REAL, None),
    ("ConcordanceCorrelation", "plain", {}, REAL, None),
    ("Accuracy", "plain", {}, LABELS),
    ("BinaryAccuracy", "plain", {}, BINARY),
    ("BinaryAccuracy", "threshold", dict(threshold=0.3), BINARY),
    ("CategoricalAccuracy", "plain", {}, ONEHOT),
    ("CategoricalAccuracy", "logits", {}, LOGITS),
    ("SparseCategoricalAccuracy", "plain", {}, SPARSE),
    ("SparseCategoricalAccuracy", "column", {}, (ints(6, 1, high=4), probs(6, 4))),
    ("SparseCategoricalAccuracy", "sequence", {}, (ints(3, 2, high=4), probs(3, 2, 4)), uniform(3, 2)),
    ("TopKCategoricalAccuracy", "k2", dict(k=2), ONEHOT),
    ("SparseTopKCategoricalAccuracy", "k2", dict(k=2), SPARSE),
    ("BinaryCrossentropy", "plain", {}, BINARY),
    ("BinaryCrossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), (ints(6, 2, high=2), normal(6, 2))),
    ("CategoricalCrossentropy", "plain", {}, ONEHOT),
    ("CategoricalCrossentropy", "logits", dict(from_logits=True, label_smoothing=0.1), LOGITS),
    ("SparseCategoricalCrossentropy", "plain", {}, SPARSE),
    ("SparseCategoricalCrossentropy", "logits", dict(from_logits=True), (ints(6, high=4), normal(6, 4))),
    ("SparseCategoricalCrossentropy", "ignore_class", dict(ignore_class=0), (ints(3, 4, high=3), probs(3, 4, 3)),
     uniform(3, 4)),
    ("KLDivergence", "plain", {}, (probs(5, 3), probs(5, 3))),
    ("Poisson", "plain", {}, POSITIVE),
    ("Hinge", "plain", {}, (ints(5, 3, high=2), normal(5, 3))),
    ("SquaredHinge", "plain", {}, (ints(5, 3, high=2), normal(5, 3))),
    ("CategoricalHinge", "plain", {}, (onehot(5, 3), normal(5, 3))),
    ("TruePositives", "plain", {}, BINARY),
    ("TruePositives", "thresholds", dict(thresholds=[0.2, 0.8]), BINARY),
    ("FalsePositives", "plain", {}, BINARY),
    ("TrueNegatives", "thresholds", dict(thresholds=[0.2, 0.8]), BINARY),
    ("FalseNegatives", "plain", dict(thresholds=0.7), BINARY),
    ("Precision", "plain", {}, BINARY),
    ("Precision", "thresholds", dict(thresholds=[0.0, 0.5, 1.0]), BINARY),
    ("Precision", "class_id", dict(class_id=1), BINARY),
    ("Precision", "top_k", dict(top_k=2), MULTI),
    ("Recall", "plain", {}, BINARY),
    ("Recall", "thresholds", dict(thresholds=[0.3, 0.6]), BINARY),
    ("Recall", "top_k_class", dict(top_k=2, class_id=0), MULTI),
    ("AUC", "plain", {}, COLUMN),
    ("AUC", "few_thresholds", dict(num_thresholds=5), COLUMN),
    ("AUC", "given_thresholds", dict(thresholds=[0.2, 0.5, 0.9]), COLUMN),
    ("AUC", "pr", dict(num_thresholds=20, curve="PR"), COLUMN),
    ("AUC", "pr_minoring", dict(num_thresholds=20, curve="PR", summation_method="minoring"), COLUMN),
    ("AUC", "prgain", dict(num_thresholds=20, curve="PRGAIN"), COLUMN),
    ("AUC", "majoring", dict(num_thresholds=20, summation_method="majoring"), COLUMN),
    ("AUC", "minoring", dict(num_thresholds=20, summation_method="minoring"), COLUMN),
    ("AUC", "logits", dict(num_thresholds=20, from_logits=True), (ints(8, 1, high=2), normal(8, 1))),
    ("AUC", "multi_label", dict(num_thresholds=20, multi_label=True, num_labels=3), MULTI),
    ("AUC", "label_weights", dict(num_thresholds=20, multi_label=True, num_labels=3, label_weights=[0.2, 0.5, 0.3]),
     MULTI),
    ("SensitivityAtSpecificity", "plain", dict(specificity=0.6, num_thresholds=21), COLUMN),
    ("SpecificityAtSensitivity", "plain", dict(sensitivity=0.6, num_thresholds=21), COLUMN),
    ("PrecisionAtRecall", "plain", dict(recall=0.6, num_thresholds=21), COLUMN),
    ("RecallAtPrecision", "plain", dict(precision=0.6, num_thresholds=21), COLUMN),
    ("RecallAtPrecision", "one_threshold", dict(precision=0.6, num_thresholds=1), COLUMN),
    ("F1Score", "plain", {}, ONEHOT),
    ("F1Score", "macro", dict(average="macro"), ONEHOT),
    ("F1Score", "micro_threshold", dict(average="micro", threshold=0.4), MULTI),
    ("F1Score", "weighted", dict(average="weighted"), ONEHOT),
    ("FBetaScore", "plain", dict(beta=2.0), ONEHOT),
    ("FBetaScore", "macro_threshold", dict(beta=0.5, average="macro", threshold=0.5), MULTI),
    ("IoU", "plain", dict(num_classes=3, target_class_ids=[0, 2]), MAPS, uniform(2, 3, 3)),
    ("IoU", "ignore_class", dict(num_classes=3, target_class_ids=[1, 2], ignore_class=0), MAPS, None),
    ("IoU", "dense_prediction", dict(num_classes=3, target_class_ids=[0], sparse_y_pred=False),
     (ints(2, 4, high=3), probs(2, 4, 3)), uniform(2, 4)),
    ("BinaryIoU", "plain", {}, COLUMN, uniform(8, 1)),
    ("BinaryIoU", "threshold", dict(target_class_ids=[1], threshold=0.3), COLUMN, None),
    ("MeanIoU", "plain", dict(num_classes=3), MAPS, uniform(2, 3, 3)),
    ("MeanIoU", "absent_class", dict(num_classes=5), MAPS, None),
    ("OneHotIoU", "plain", dict(num_classes=4, target_class_ids=[0, 2]), ONEHOT),
    ("OneHotMeanIoU", "plain", dict(num_classes=4), ONEHOT),
    ("OneHotMeanIoU", "sparse_prediction", dict(num_classes=4, sparse_y_pred=True), (onehot(6, 4), ints(6, high=4))),
]
FUNCTIONS: list[tuple] = [
    ("binary_accuracy", "plain", {}, BINARY),
    ("binary_accuracy", "threshold", dict(threshold=0.7), BINARY),
    ("categorical_accuracy", "plain", {}, ONEHOT),
    ("sparse_categorical_accuracy", "plain", {}, SPARSE),
    ("sparse_categorical_accuracy", "column", {}, (ints(6, 1, high=4), probs(6, 4))),
    ("top_k_categorical_accuracy", "k2", dict(k=2), ONEHOT),
    ("sparse_top_k_categorical_accuracy", "k2", dict(k=2), SPARSE),
    ("sparse_top_k_categorical_accuracy", "sequence", dict(k=1), (ints(2, 3, high=4), probs(2, 3, 4))),
]


def run() -> list[dict]:
    """Rows of metric classes, then of metric functions."""
    return [class_row(*entry) for entry in ROWS] + [function_row(*entry) for entry in FUNCTIONS]


def class_row(cls: str, tag: str, kwargs: dict, data: tuple, weight: Any = ...) -> dict:
    name = f"{cls}-{tag}"
    rng = generator(name)
    keras.backend.clear_session()
    metric = getattr(keras.metrics, cls)(**kwargs)
    first, second = draw(data, rng), draw(data, rng)
    if weight is ...:
        weight = uniform(first[0].shape[0])
    weight = draw(weight, rng)
    row = {"name": name, "class": cls, "kwargs": plain(kwargs), "config": config_of(metric), "updates": []}
    for values, sample_weight in ((first, None), (second, weight)):
        if weight is None:
            metric.update_state(*values)
        else:
            metric.update_state(*values, sample_weight=sample_weight)
        result = to_numpy(metric.result())
        row["updates"].append({"args": list(values), "sample_weight": sample_weight, "result": result})
    row["variables"] = [{"path": v.path, "name": v.name, "value": to_numpy(v.value)} for v in metric.variables]
    metric.reset_state()
    row["after_reset"] = [to_numpy(v.value) for v in metric.variables]
    return row


def function_row(fn: str, tag: str, kwargs: dict, data: tuple) -> dict:
    name = f"{fn}-{tag}"
    args = draw(data, generator(name))
    out = to_numpy(getattr(keras.metrics, fn)(*args, **kwargs))
    return {"name": name, "function": fn, "kwargs": kwargs, "args": list(args), "out": out}
