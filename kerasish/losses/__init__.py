"""What training makes small (`keras.losses`)."""

import functools
from typing import Any

from kerasish.utils.lazy import deferred
from kerasish.utils.registry import builtins_in
from kerasish.utils.serialization import deserialize_keras_object, get_object, serialize_keras_object

with deferred(globals()):
    from kerasish.losses.binary import (
        BinaryCrossentropy,
        BinaryFocalCrossentropy,
        binary_crossentropy,
        binary_focal_crossentropy,
    )
    from kerasish.losses.categorical import (
        CategoricalCrossentropy,
        CategoricalFocalCrossentropy,
        categorical_crossentropy,
        categorical_focal_crossentropy,
    )
    from kerasish.losses.circle_loss import Circle, circle
    from kerasish.losses.ctc_loss import CTC, ctc
    from kerasish.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
    from kerasish.losses.loss import Loss, LossFunctionWrapper
    from kerasish.losses.margin import CategoricalHinge, Hinge, SquaredHinge, categorical_hinge, hinge, squared_hinge
    from kerasish.losses.regression import (
        CosineSimilarity,
        Huber,
        LogCosh,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredError,
        MeanSquaredLogarithmicError,
        cosine_similarity,
        huber,
        log_cosh,
        mean_absolute_error,
        mean_absolute_percentage_error,
        mean_squared_error,
        mean_squared_logarithmic_error,
    )
    from kerasish.losses.segmentation import Dice, Tversky, dice, tversky
    from kerasish.losses.sparse_categorical import (
        CategoricalGeneralizedCrossEntropy,
        SparseCategoricalCrossentropy,
        categorical_generalized_cross_entropy,
        sparse_categorical_crossentropy,
    )

_SHORT = {"bce": "binary_crossentropy", "kld": "kl_divergence", "mae": "mean_absolute_error",
          "mse": "mean_squared_error", "mape": "mean_absolute_percentage_error",
          "msle": "mean_squared_logarithmic_error"}  # also in capitals


@functools.cache
def _by_name() -> dict[str, Any]:
    """All losses; unlike in other families, a name in snake case is the function's, not the class's."""
    found = builtins_in("keras.losses")
    short = {name: found[long] for brief, long in _SHORT.items() for name in (brief, brief.upper())}
    return {**found, **short, "logcosh": found["log_cosh"]}


def serialize(loss: Any) -> Any:
    """Return a loss or a loss function as plain data."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: Any = None) -> Any:
    """Return the loss that plain data describes.

    Args:
        name: what `serialize` returned, or a name.
        custom_objects: the caller's losses by name.
    """
    return deserialize_keras_object(name, custom_objects, module_objects=_by_name())


def get(identifier: Any) -> Any:
    """Return a loss for a name, a config, a class or a callable; None for None.

    Raises:
        ValueError: the identifier stands for no loss.
    """
    # What can be called needs no name, and the table of names would read every module of the family.
    return get_object(identifier, {} if callable(identifier) else _by_name(), "a loss")
