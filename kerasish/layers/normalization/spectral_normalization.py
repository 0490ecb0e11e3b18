"""A layer whose kernel is kept at spectral norm 1."""

from typing import Any

from kerasish import initializers, ops
from kerasish.core.dispatch import scope
from kerasish.layers.base.arguments import positive_int
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.core.wrapper import Wrapper
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class SpectralNormalization(Wrapper):
    """Divide a layer's kernel by its largest singular value at each call in training.

    The value is found by power iteration on the kernel as a matrix (all axes but the last, last axis), from the
    vector at which the call before it arrived.

    Source: Miyato et al., 2018; Keras: `layers.SpectralNormalization`.

    Args:
        layer: has a `kernel` or `embeddings`.
        power_iterations: how many steps each call takes.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any):
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ValueError(f"argument `power_iterations` should be greater than zero, got {power_iterations!r}")
        self.power_iterations = positive_int(power_iterations, "power_iterations")

    def build(self, input_shape: Any = None) -> None:
        """Build the layer inside, and make the vector (1, last axis of the kernel)."""
        super().build(input_shape)
        kernel = getattr(self.layer, "kernel", getattr(self.layer, "embeddings", None))
        if kernel is None:
            raise ValueError(f"layer {self.path!r} cannot normalize {type(self.layer).__name__} {self.layer.name!r}: "
                             "it has neither a `kernel` nor `embeddings`")
        self.input_spec = self.layer.input_spec or InputSpec(min_ndim=1, axes={-1: input_shape[-1]})
        self.kernel = kernel
        self.vector_u = self.add_weight(
            name="vector_u", shape=(1, kernel.shape[-1]), initializer=initializers.TruncatedNormal(stddev=0.02),
            trainable=False, dtype=kernel.dtype)

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Return the output of the layer inside."""
        if training:
            # The kernel is replaced, not computed with: its gradient is that of the value it has from here on.
            with scope(tapes=()):
                vector_u, kernel = self.normalized_weights()
                zero = ops.all(ops.equal(self.kernel, 0))  # nothing to divide by
                self.vector_u.assign(ops.where(zero, self.vector_u, vector_u))
                self.kernel.assign(ops.where(zero, self.kernel, kernel))
        return ops.cast(self.layer(inputs), self.compute_dtype)

    def normalized_weights(self) -> tuple[Any, Any]:
        """Return the next vector, and the kernel divided by its largest singular value."""
        weights = ops.reshape(self.kernel, (-1, self.kernel.shape[-1]))
        u = ops.convert_to_tensor(self.vector_u)
        for _ in range(self.power_iterations):
            v = ops.normalize(ops.matmul(u, ops.transpose(weights)), axis=None)
            u = ops.normalize(ops.matmul(v, weights), axis=None)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        return u, ops.reshape(weights / sigma, self.kernel.shape)

    def compute_output_shape(self, input_shape: Any) -> Any:
        """Return the shape of the output of the layer inside."""
        return self.layer.compute_output_shape(input_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "power_iterations": self.power_iterations}
