"""A layer as plain data: its constructor's arguments, and for which shapes it was built."""

import contextlib
import inspect
from typing import Any

from kerasish.core import dtype_policy, symbolic
from kerasish.utils import serialization
from kerasish.utils.constructor import constructor_arguments

# What the base class takes.
_COMMON = ("name", "trainable", "dtype", "autocast", "activity_regularizer")


class HasConfig:
    """What a layer can say of itself."""

    _build_shapes: dict[str, Any] | None
    built: bool

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments as plain data.

        A subclass whose constructor takes arguments of its own adds them; one that does not gets them from the
        call of its constructor, as far as they are plain.

        Raises:
            NotImplementedError: the constructor took something that is not plain data.
        """
        config: dict[str, Any] = {
            "name": self.name,  # type: ignore[attr-defined]
            "trainable": self._trainable,  # type: ignore[attr-defined]
            "dtype": dtype_policy.serialize(self._dtype_policy),  # type: ignore[attr-defined]
        }
        if self.activity_regularizer is not None:  # type: ignore[attr-defined]
            config["activity_regularizer"] = serialization.serialize_keras_object(
                self.activity_regularizer)  # type: ignore[attr-defined]
        if type(self).get_config is HasConfig.get_config:
            config = _accepted(type(self), {**config, **self._given_arguments()})
        return config

    def _given_arguments(self) -> dict[str, Any]:
        args, kwargs = self._init_arguments  # type: ignore[attr-defined]
        if type(self).__init__ is symbolic.Operation.__init__ or not (args or kwargs):
            return {}
        return constructor_arguments(self)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """Make a layer from what `get_config` gave."""
        config = _accepted(cls, config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = dtype_policy.deserialize(config["dtype"])
        try:
            return cls(**config)
        except (TypeError, ValueError) as error:
            raise TypeError(f"{cls.__name__} cannot be made from its config {config}: {error}. If its constructor "
                            "has arguments of its own, give it a matching get_config() and from_config().") from error

    def get_build_config(self) -> dict[str, Any] | None:
        """Return the shapes for which the layer was built."""
        shapes = self._build_shapes
        if not shapes:
            return None
        first = {"input_shape": next(iter(shapes.values()))}
        if len(shapes) == 1:
            return first
        # Keras goes by the first shape alone where a layer is built by running it.
        return {**({} if self._has_own_build() else first), "shapes_dict": dict(shapes)}  # type: ignore[attr-defined]

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build the layer for the shapes that `get_build_config` gave."""
        if not config:
            return
        shapes = {k: _tuples(v) for k, v in config.get("shapes_dict", {}).items()}
        if not self._has_own_build():  # type: ignore[attr-defined]
            # What cannot be run on these shapes alone is built by the first call.
            with contextlib.suppress(Exception):
                self._build_for(shapes or _tuples(config.get("input_shape")))  # type: ignore[attr-defined]
        elif shapes:
            self.build(**shapes)  # type: ignore[attr-defined]
        elif "input_shape" in config:
            self.build(_tuples(config["input_shape"]))  # type: ignore[attr-defined]


def _tuples(shape: Any) -> Any:
    """Shapes come back from JSON as lists."""
    if isinstance(shape, list | tuple) and all(n is None or isinstance(n, int) for n in shape):
        return tuple(shape)
    if isinstance(shape, dict):
        return {k: _tuples(v) for k, v in shape.items()}
    return [_tuples(s) for s in shape] if isinstance(shape, list | tuple) else shape


def _accepted(cls: type, config: dict[str, Any]) -> dict[str, Any]:
    """A config without what every layer has to say of itself but the constructor of this class does not take."""
    parameters = inspect.signature(cls.__init__).parameters  # type: ignore[misc]
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return dict(config)
    return {k: v for k, v in config.items() if k not in _COMMON or k in parameters}
