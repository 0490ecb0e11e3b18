"""Layers without weights that leave the shape of their input as it is."""

from typing import Any

from kerasish.layers.base.layer import Layer


class SameShapeLayer(Layer):
    """A layer that changes values, not shapes: nothing to build, and masks pass."""

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self.built = type(self).build is Layer.build  # a subclass may make weights

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the input."""
        return input_shape
