"""Fully connected layer."""

from typing import Any

from kerasish import activations, ops
from kerasish.layers.base.arguments import is_int, refuse_quantization
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.lora import HasLora
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.ops.elementwise import add_to_own
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Dense(HasLora, HasWeightArguments, Layer):
    """Fully connected layer: `activation(x @ kernel + bias)`, along the last axis (Keras: `layers.Dense`).

    Args:
        units: length of the output's last axis.
        activation: a name or a function; None for none.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: first values of the weights.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of weights and output.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        lora_rank, lora_alpha: see `enable_lora`; None for no adaptation.
        quantization_config: must be None.
    """

    def __init__(self, units: int, activation: Any = None, use_bias: bool = True,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, lora_rank: int | None = None,
                 lora_alpha: float | None = None, quantization_config: Any = None, **kwargs: Any):
        if not is_int(units, 1):
            raise ValueError(f"argument `units` of Dense must be a positive integer, got {units!r}")
        refuse_quantization(quantization_config)
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = int(units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self._set_weight_arguments(
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        self._set_lora(lora_rank, lora_alpha)
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Make kernel (inputs, units) and bias (units,)."""
        features = input_shape[-1]
        if features is None:
            raise ValueError(f"layer {self.path!r} needs to know the length of its input's last axis, got shape "
                             f"{tuple(input_shape)}")
        self._kernel = self._add_described("kernel", (features, self.units))
        self.bias = self._add_described("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: features})
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @property
    def kernel(self) -> Any:
        """The kernel; with adaptation, the sum as a tensor."""
        return self.adapted()

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return (..., units) for inputs (..., features)."""
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = add_to_own(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (..., units)."""
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            **self._weight_config(),
            "quantization_config": None,
            **self.lora_config(),
        }
