"""Any function as a layer."""

import inspect
import warnings
from collections.abc import Callable
from typing import Any

from kerasish.core.symbolic import compute_output_spec
from kerasish.layers.base.layer import Layer
from kerasish.utils import tree
from kerasish.utils.registry import builtin
from kerasish.utils.serialization import deserialize_keras_object, serialize_keras_object


@builtin("keras.layers")
class Lambda(Layer):
    """Apply a function of tensors (Keras: `layers.Lambda`).

    Files hold the function's name, never its code: to be loaded again it must be defined with `def` and registered
    with `register_keras_serializable`.

    Args:
        function: takes the inputs, the keywords of `arguments`, and `mask` and `training` if it has such arguments.
        output_shape: lengths behind the batch, or a function of the inputs' shape; inferred by default.
        mask: the mask of the output, or a function of (inputs, mask) that gives it; None: masks end here.
        arguments: keyword arguments for the function.
    """

    def __init__(self, function: Callable[..., Any], output_shape: Any = None, mask: Any = None,
                 arguments: dict[str, Any] | None = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"argument `function` of Lambda must be callable, got {function!r}")
        self.function = function
        self.arguments = arguments or {}
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        self._wanted = _parameter_names(function) & {"mask", "training"}

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Return what the function returns."""
        told = {"mask": mask, "training": training}
        return self.function(inputs, **self.arguments, **{name: told[name] for name in self._wanted})

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output: what the constructor was told, or what the function gives."""
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        batch = tree.flatten(input_shape)[0]
        return tree.map_shape_structure(lambda shape: (batch, *shape), self._output_shape)

    def compute_output_spec(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        """Return symbolic outputs for symbolic inputs."""
        if self._output_shape is not None:
            return super().compute_output_spec(inputs)
        try:
            return compute_output_spec(self.call, inputs, mask, training)
        except (TypeError, ValueError, NotImplementedError, AttributeError) as error:
            raise type(error)(f"the output shape of layer {self.path!r} cannot be inferred ({error}): use kerasish.ops "
                              "in the function, or give `output_shape`") from error

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the output."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments; a lambda's place stays empty, and a warning says so."""
        config = {**super().get_config(), "function": self._described(self.function),
                  "arguments": serialize_keras_object(dict(self.arguments))}
        for name, value in (("output_shape", self._output_shape), ("mask", self.mask)):
            if value is not None:
                config[name] = self._described(value)
        return config

    def _described(self, value: Any) -> Any:
        if getattr(value, "__name__", None) != "<lambda>":
            return serialize_keras_object(value)
        warnings.warn(f"layer {self.name!r} wraps a lambda, which is not written to configs and files: they cannot be "
                      "loaded again. Use a function registered with @keras.saving.register_keras_serializable().",
                      stacklevel=4)
        return {"class_name": "__lambda__", "config": {}}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None,
                    safe_mode: bool | None = None) -> "Lambda":
        """Make a layer from what `get_config` gave.

        Raises:
            TypeError: the function is not registered.
            ValueError: the function was a lambda; code is never loaded.
        """
        read = {name: deserialize_keras_object(config[name], custom_objects=custom_objects)
                for name in ("function", "output_shape", "mask", "arguments") if name in config}
        shape = read.get("output_shape")
        if isinstance(shape, list) and all(n is None or isinstance(n, int) for n in shape):
            read["output_shape"] = tuple(shape)
        return cls(**(config | read))


def _parameter_names(function: Callable[..., Any]) -> set[str]:
    try:
        return set(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # a function written in C
        return set()
