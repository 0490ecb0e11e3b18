"""An optimizer as plain data, and its variables in files."""

import warnings
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

    def save_own_variables(self, store: Any) -> None:
        """Write the optimizer's variables into a dict-like store, by position."""
        for i, v in enumerate(self.variables):  # type: ignore[attr-defined]
            store[str(i)] = v

    def load_own_variables(self, store: Any) -> None:
        """Read the optimizer's variables from a dict-like store, by position.

        A file without them, or with those of another kind of optimizer, leaves it as it is, with a warning.
        """
        own = self.variables  # type: ignore[attr-defined]
        if len(store.keys()) != len(own):
            if len(store.keys()):
                warnings.warn(f"optimizer {self.name!r} has {len(own)} variables, but the file "  # type: ignore
                              f"{len(store.keys())}: its state was not loaded", stacklevel=2)
            return
        for i, v in enumerate(own):
            v.assign(store[str(i)])
