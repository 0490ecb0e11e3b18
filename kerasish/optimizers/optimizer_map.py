"""Which optimizer is whose: a map from paths of variables."""

import re
from collections.abc import Iterator, MutableMapping
from typing import Any

from kerasish.core.variable import Variable
from kerasish.optimizers.loss_scale_optimizer import LossScaleOptimizer
from kerasish.optimizers.optimizer import Optimizer
from kerasish.utils import serialization
from kerasish.utils.registry import builtin


@builtin("keras.optimizers")
class OptimizerMap(MutableMapping):
    """Optimizers by the paths of variables, or by regular expressions for them (Keras: `optimizers.OptimizerMap`).

    Args:
        default_optimizer: for variables that no key fits.
        optimizer_map: dict from paths or expressions to optimizers.

    Raises:
        TypeError: an argument is of another kind.
    """

    def __init__(self, default_optimizer: Optimizer, optimizer_map: dict[str, Optimizer] | None = None):
        if not isinstance(default_optimizer, Optimizer):
            raise TypeError(f"argument `default_optimizer` must be an optimizer, got {default_optimizer!r}")
        if optimizer_map is not None and not isinstance(optimizer_map, dict):
            raise TypeError(f"argument `optimizer_map` must be a dict, got {optimizer_map!r}")
        self._default, self._optimizers = default_optimizer, dict(optimizer_map or {})

    @property
    def default_optimizer(self) -> Optimizer:
        """The optimizer of variables that no key fits."""
        return self._default

    def __getitem__(self, key: str) -> Optimizer:
        """Return the optimizer for a path: that of the key itself, else of the expression that fits all of it."""
        if key in self._optimizers:
            return self._optimizers[key]
        fitting = [pattern for pattern in self._optimizers if re.fullmatch(pattern, key)]
        if len(fitting) > 1:
            raise ValueError(f"several keys of the optimizer map fit {key!r}: {fitting}")
        return self._optimizers[fitting[0]] if fitting else self._default

    def __setitem__(self, key: str, optimizer: Optimizer) -> None:
        if not isinstance(key, str):
            raise ValueError(f"a key of an optimizer map must be a string, got {key!r}")
        if key in self._optimizers:
            raise ValueError(f"the optimizer map has an entry for {key!r} already: {self._optimizers[key]!r}")
        check_inner_optimizer(optimizer, key)
        self._optimizers[key] = optimizer

    def __delitem__(self, key: str) -> None:
        del self._optimizers[key]

    def __len__(self) -> int:
        return len(self._optimizers)

    def __iter__(self) -> Iterator[str]:
        return iter(self._optimizers)

    def __call__(self, variable: Variable) -> Optimizer:
        """Return the optimizer for a variable."""
        return self[variable.path]

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data."""
        return {"default_optimizer": serialization.serialize_keras_object(self._default),
                "optimizer_map": serialization.serialize_keras_object(self._optimizers)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: Any = None) -> "OptimizerMap":
        """Make a map from what `get_config` gave."""
        return cls(*(serialization.deserialize_keras_object(config[k], custom_objects=custom_objects)
                     for k in ("default_optimizer", "optimizer_map")))


def check_inner_optimizer(optimizer: Any, what: Any) -> None:
    """Raise ValueError if one optimizer among several is not one that updates by itself."""
    if not isinstance(optimizer, Optimizer) or isinstance(optimizer, LossScaleOptimizer) or hasattr(
            optimizer, "optimizers"):
        raise ValueError(f"the optimizer for {what!r} must be one that updates by itself: an inner optimizer cannot be "
                         f"LossScaleOptimizer or MultiOptimizer, got {optimizer!r}")
