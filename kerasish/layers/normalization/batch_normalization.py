"""Normalization by the moments of each channel over the batch."""

from typing import Any

from kerasish import ops
from kerasish.core.dtypes import result_type
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.normalization.base_normalization import ScaleAndOffset, follow
from kerasish.layers.normalization.batch_renormalization import HasRenorm
from kerasish.utils import config
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class BatchNormalization(HasRenorm, ScaleAndOffset):
    """Normalize each channel: `(x - mean) / sqrt(variance + epsilon) * gamma + beta`.

    In training the moments are those of the batch, and the moving ones follow them:
    `moving = moving * momentum + of_batch * (1 - momentum)`. In inference, and where the layer is frozen
    (`trainable=False`), they are the moving ones.

    Source: Ioffe & Szegedy, 2015; Keras: `layers.BatchNormalization`.

    Args:
        axis: the axis of the channels.
        momentum: how much of the moving moments stays.
        epsilon: added to the variance.
        center, scale: whether there is a beta, and a gamma.
        beta_initializer, gamma_initializer, moving_mean_initializer, moving_variance_initializer: first values.
        beta_regularizer, gamma_regularizer: losses of the weights.
        beta_constraint, gamma_constraint: applied to the weights after each update.
        renorm: whether training, too, uses moving moments, up to a correction (Ioffe, 2017).
        renorm_clipping: bounds of the correction: "rmin" and "rmax" of its factor, "dmax" of its offset.
        renorm_momentum: how much of the moments of `renorm` stays.
        synchronized: must be False.
    """

    def __init__(self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3, center: bool = True,
                 scale: bool = True, beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
                 moving_mean_initializer: Any = "zeros", moving_variance_initializer: Any = "ones",
                 beta_regularizer: Any = None, gamma_regularizer: Any = None, beta_constraint: Any = None,
                 gamma_constraint: Any = None, renorm: bool = False, renorm_clipping: dict[str, Any] | None = None,
                 renorm_momentum: float = 0.99, synchronized: bool = False, **kwargs: Any):
        if synchronized:
            raise ValueError("BatchNormalization over several processes is not supported: leave `synchronized` False")
        super().__init__(float(epsilon), center, scale, dict(
            beta_initializer=beta_initializer, gamma_initializer=gamma_initializer,
            moving_mean_initializer=moving_mean_initializer, moving_variance_initializer=moving_variance_initializer,
            beta_regularizer=beta_regularizer, gamma_regularizer=gamma_regularizer, beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint), **kwargs)
        self.axis = int(axis)
        self.momentum = float(momentum)
        self.synchronized = False
        self._set_renorm(renorm, renorm_clipping, renorm_momentum)

    def build(self, input_shape: Any) -> None:
        """Make gamma, beta and the moving moments, (channels,) each."""
        shape = self._lengths(input_shape)
        self._add_scale_and_offset(shape)
        self.moving_mean = self._add_described("moving_mean", shape, trainable=False, autocast=False)
        self.moving_variance = self._add_described("moving_variance", shape, trainable=False, autocast=False)
        if self.renorm:
            self._add_renorm_moments(shape)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: shape[0]})

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """Return the inputs normalized; `mask` says what counts in the moments of the batch."""
        x = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        gamma, beta = self.gamma, self.beta
        if training and self.trainable:
            mean, variance = self._moments_of(x, mask)
            if self.renorm:
                gamma, beta = self._renormalized(mean, variance, gamma, beta)
            else:
                follow(self.moving_mean, mean, self.momentum)
                follow(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = self.moving_mean, self.moving_variance
        own = [None if v is None else ops.cast(v, x.dtype) for v in (mean, variance, beta, gamma)]
        out = ops.batch_normalization(x, own[0], own[1], self.axis, offset=own[2], scale=own[3], epsilon=self.epsilon)
        return ops.cast(out, self.compute_dtype)

    def _moments_of(self, x: Any, mask: Any) -> tuple[Any, Any]:
        axes = [i for i in range(x.ndim) if i != self.axis % x.ndim]
        if mask is None:
            return ops.moments(x, axes)
        if len(mask.shape) != x.ndim - 1:
            raise ValueError(f"layer {self.path!r} needs a mask of one axis less than its inputs, got shapes "
                             f"{tuple(mask.shape)} and {tuple(x.shape)}")
        counted = ops.broadcast_to(ops.expand_dims(ops.cast(mask, "bool"), -1), x.shape)
        count = ops.sum(ops.cast(counted, x.dtype), axes, keepdims=True) + config.epsilon()
        mean = ops.sum(ops.where(counted, x, 0), axes, keepdims=True) / count
        variance = ops.sum(ops.square(ops.where(counted, x - mean, 0)), axes, keepdims=True) / count
        return ops.reshape(mean, (-1,)), ops.reshape(variance, (-1,))

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "axis": self.axis, "momentum": self.momentum,
                "synchronized": self.synchronized, **self._renorm_config()}
