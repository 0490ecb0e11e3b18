"""An optimizer as plain data."""

from typing import Any

from kerasish.core.variable import Variable
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasish.utils import serialization


class HasConfig:
    """What an optimizer can say of itself."""

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        rate = self._learning_rate  # type: ignore[attr-defined]
        if isinstance(rate, Variable):
            rate = float(rate.numpy())
        elif isinstance(rate, LearningRateSchedule) or callable(rate):
            rate = serialization.serialize_keras_object(rate)
        names = ("name", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue", "use_ema", "ema_momentum",
                 "ema_overwrite_frequency", "loss_scale_factor", "gradient_accumulation_steps")
        config = {"learning_rate": rate, **{n: getattr(self, n) for n in names}}
        return {"name": config.pop("name"), **config}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> Any:
        """Make an optimizer from what `get_config` gave."""
        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = serialization.deserialize_keras_object(
                config["learning_rate"], custom_objects=custom_objects)
        return cls(**config)
