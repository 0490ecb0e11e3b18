"""Normalization by the moments of each sample."""

import warnings
from typing import Any

from kerasish import ops
from kerasish.layers.normalization.base_normalization import ScaleAndOffset, axis_argument
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class LayerNormalization(ScaleAndOffset):
    """Normalize along axes: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`, the moments over these axes.

    Source: Ba et al., 2016; Keras: `layers.LayerNormalization`.

    Args:
        axis: one axis or several, along which gamma and beta have values of their own, too.
        epsilon: added to the variance.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer: first values of the weights.
        beta_regularizer, gamma_regularizer: losses of the weights.
        beta_constraint, gamma_constraint: applied to the weights after each update.
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True, scale: bool = True,
                 beta_initializer: Any = "zeros", gamma_initializer: Any = "ones", beta_regularizer: Any = None,
                 gamma_regularizer: Any = None, beta_constraint: Any = None, gamma_constraint: Any = None,
                 **kwargs: Any):
        rms_scaling = kwargs.pop("rms_scaling", False)
        if rms_scaling:
            warnings.warn("`rms_scaling=True` divides by the deviation without taking off the mean, which is no root "
                          "mean square: use RMSNormalization", stacklevel=2)
        axis = axis_argument(axis)
        super().__init__(epsilon, center, scale, dict(
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint),
            **kwargs)
        self.axis, self.rms_scaling = axis, rms_scaling
        self.autocast = False  # half-precision inputs are normalized in float32

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta, shaped like the input along the axes."""
        self.axis = sorted(self.axis) if isinstance(self.axis, list) else [self.axis]
        self._add_scale_and_offset(self._lengths(input_shape))

    def _add_scale_and_offset(self, shape: tuple) -> None:
        if not self.rms_scaling:
            super()._add_scale_and_offset(shape)
        else:
            self.gamma = self._add_described("gamma", shape, autocast=False)

    def call(self, inputs: Any) -> Any:
        """Return the inputs normalized."""
        out = ops.layer_normalization(inputs, self.gamma, self.beta, self.axis, self.epsilon,
                                      rms_scaling=self.rms_scaling)
        return ops.cast(out, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}
