"""Normalization by the moments of groups of channels."""

from typing import Any

from kerasish import ops
from kerasish.core.dtypes import result_type
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.normalization.base_normalization import ScaleAndOffset
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class GroupNormalization(ScaleAndOffset):
    """Normalize groups of channels of each sample: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    The moments are taken over the channels of a group and all axes but the batch.

    Source: Wu & He, 2018; Keras: `layers.GroupNormalization`.

    Args:
        groups: number of groups, a divisor of the number of channels; -1 for one a channel.
        axis: the axis of the channels.
        epsilon: added to the variance.
        center, scale: whether there is a beta, and a gamma, with one value a channel.
        beta_initializer, gamma_initializer: first values of the weights.
        beta_regularizer, gamma_regularizer: losses of the weights.
        beta_constraint, gamma_constraint: applied to the weights after each update.
    """

    def __init__(self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, **kwargs: Any):
        if not isinstance(groups, int) or (groups <= 0 and groups != -1):
            raise ValueError(f"argument `groups` must be a positive integer, or -1 for one a channel, got {groups!r}")
        super().__init__(epsilon, center, scale, dict(
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer, beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint, gamma_constraint=gamma_constraint),
            **kwargs)
        self.groups, self.axis = groups, axis
        self.autocast = False  # half-precision inputs are normalized in float32

    def build(self, input_shape: Any) -> None:
        """Make gamma and beta, (channels,) each."""
        shape = self._lengths(input_shape)
        if self.groups == -1:
            self.groups = shape[0]
        if self.groups > shape[0]:
            raise ValueError(f"layer {self.path!r} cannot divide {shape[0]} channels into {self.groups} groups, which "
                             "are more")
        if shape[0] % self.groups:
            raise ValueError(f"layer {self.path!r} divides channels into {self.groups} groups, but inputs of shape "
                             f"{tuple(input_shape)} have {shape[0]}: give a divisor of it as `groups`")
        self._add_scale_and_offset(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Any) -> Any:
        """Return the inputs normalized."""
        axis = self.axis % inputs.ndim
        lengths = list(inputs.shape)
        lengths[axis : axis + 1] = [self.groups, lengths[axis] // self.groups]
        x = ops.cast(ops.reshape(inputs, lengths), result_type(inputs.dtype, "float32"))
        mean, variance = ops.moments(x, [i for i in range(1, x.ndim) if i != axis], keepdims=True)
        of_channels = [n if i in (axis, axis + 1) else 1 for i, n in enumerate(lengths)]
        factor = ops.rsqrt(variance + self.epsilon)
        if self.gamma is not None:
            factor = factor * ops.cast(ops.reshape(self.gamma, of_channels), x.dtype)
        shift = -mean * factor
        if self.beta is not None:
            shift = shift + ops.cast(ops.reshape(self.beta, of_channels), x.dtype)
        return ops.cast(ops.reshape(x * factor + shift, inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}
