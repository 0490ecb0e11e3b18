"""How good predictions are, kept over batches (`keras.metrics`)."""

import functools
import inspect
from typing import Any

from kerasish.utils.lazy import deferred
from kerasish.utils.naming import to_snake_case
from kerasish.utils.registry import builtins_in
from kerasish.utils.serialization import deserialize_keras_object, get_object, serialize_keras_object

with deferred(globals()):
    from kerasish.losses import (
        binary_crossentropy,
        binary_focal_crossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
        categorical_hinge,
        hinge,
        huber,
        kl_divergence,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
        poisson,
        sparse_categorical_crossentropy,
        squared_hinge,
    )
    from kerasish.metrics.accuracy import (
        Accuracy,
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        binary_accuracy,
        categorical_accuracy,
        sparse_categorical_accuracy,
    )
    from kerasish.metrics.at_threshold import (
        PrecisionAtRecall,
        RecallAtPrecision,
        SensitivityAtSpecificity,
        SpecificityAtSensitivity,
    )
    from kerasish.metrics.auc import AUC
    from kerasish.metrics.confusion import FalseNegatives, FalsePositives, TrueNegatives, TruePositives
    from kerasish.metrics.correlation import (
        ConcordanceCorrelation,
        PearsonCorrelation,
        concordance_correlation,
        pearson_correlation,
    )
    from kerasish.metrics.f_score import F1Score, FBetaScore
    from kerasish.metrics.iou import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU
    from kerasish.metrics.margin import CategoricalHinge, Hinge, SquaredHinge
    from kerasish.metrics.mean import Mean, MeanMetricWrapper, Sum
    from kerasish.metrics.metric import Metric
    from kerasish.metrics.precision_recall import Precision, Recall
    from kerasish.metrics.probabilistic import (
        BinaryCrossentropy,
        CategoricalCrossentropy,
        KLDivergence,
        Poisson,
        SparseCategoricalCrossentropy,
    )
    from kerasish.metrics.r2_score import R2Score
    from kerasish.metrics.regression import (
        CosineSimilarity,
        LogCoshError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        RootMeanSquaredError,
    )
    from kerasish.metrics.top_k import (
        SparseTopKCategoricalAccuracy,
        TopKCategoricalAccuracy,
        sparse_top_k_categorical_accuracy,
        top_k_categorical_accuracy,
    )

_SHORT = {"bce": "BinaryCrossentropy", "mse": "MeanSquaredError", "mae": "MeanAbsoluteError",
          "mape": "MeanAbsolutePercentageError", "msle": "MeanSquaredLogarithmicError", "rmse": "RootMeanSquaredError",
          "kld": "KLDivergence"}  # also in capitals


@functools.cache
def _by_name() -> dict[str, Any]:
    """All metrics; a name in snake case is the class's where there is one, else the function's."""
    found = builtins_in("keras.metrics")
    snake = {to_snake_case(name): obj for name, obj in found.items() if inspect.isclass(obj)}
    short = {name: found[long] for brief, long in _SHORT.items() for name in (brief, brief.upper())}
    return {**found, **snake, **short}


def serialize(metric: Any) -> Any:
    """Return a metric or a metric function as plain data."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: Any = None) -> Any:
    """Return the metric that plain data describes.

    Args:
        config: what `serialize` returned, or a name.
        custom_objects: the caller's metrics by name.
    """
    return deserialize_keras_object(config, custom_objects, module_objects=_by_name())


def get(identifier: Any) -> Any:
    """Return a metric for a name, a config, a class or a callable; None for None.

    Raises:
        ValueError: the identifier stands for no metric.
    """
    # What can be called needs no name, and the table of names would read every module of the family.
    return get_object(identifier, {} if callable(identifier) else _by_name(), "a metric")
