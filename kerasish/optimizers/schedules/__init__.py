"""Learning-rate schedules (`keras.optimizers.schedules`)."""

from typing import Any

from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasish.utils.lazy import deferred
from kerasish.utils.registry import builtins_in
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object

with deferred(globals()):
    from kerasish.optimizers.schedules.cosine import CosineDecay, CosineDecayRestarts
    from kerasish.optimizers.schedules.decays import (
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
    )


def serialize(learning_rate_schedule: LearningRateSchedule) -> dict[str, Any]:
    """Return a schedule as plain data."""
    return serialize_keras_object(learning_rate_schedule)


def deserialize(config: dict[str, Any], custom_objects: Any = None) -> LearningRateSchedule:
    """Return the schedule that plain data describes.

    Args:
        config: what `serialize` returned.
        custom_objects: the caller's schedules by name.
    """
    return deserialize_keras_object(config, custom_objects, module_objects=builtins_in("keras.optimizers.schedules"))
