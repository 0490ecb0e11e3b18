"""A layer as plain data: its constructor's arguments, and for which shapes it was built."""

import contextlib
import inspect
from typing import Any

from kerasish.core import dtype_policy, symbolic
from kerasish.utils import serialization

# What the base class takes.
_COMMON = ("name", "trainable", "dtype", "autocast", "activity_regularizer")
_PLAIN = (str, int, float, bool, type(None))


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
            config = _accepted(type(self), {**config, **_constructor_arguments(self)})
        return config

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


def _constructor_arguments(layer: Any) -> dict[str, Any]:
    args, kwargs = layer._init_arguments
    parameters = inspect.signature(type(layer).__init__).parameters
    if type(layer).__init__ is symbolic.Operation.__init__ or not (args or kwargs):
        return {}
    bound = inspect.signature(type(layer).__init__).bind(layer, *args, **kwargs)
    out: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        if parameters[name].kind is inspect.Parameter.VAR_KEYWORD:
            out.update(value)
        else:
            out[name] = value
    odd = [name for name, value in out.items() if not _is_plain(value) and name != "dtype"]
    if odd:
        raise NotImplementedError(
            f"{type(layer).__name__} {layer.name!r} was made with {odd}, which are no plain data: give the class a "
            "get_config() that describes them, and a from_config() where the constructor needs more than that")
    out.pop("dtype", None)
    return out


def _is_plain(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_is_plain(v) for v in value)
    if isinstance(value, dict):
        return all(isinstance(k, str) and _is_plain(v) for k, v in value.items())
    return isinstance(value, _PLAIN)
