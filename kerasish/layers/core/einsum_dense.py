"""Fully connected layer along any axes."""

import copy
from typing import Any

from kerasish import activations, initializers, ops, regularizers
from kerasish.layers.base.arguments import refuse_quantization
from kerasish.layers.base.input_spec import InputSpec
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.lora import HasLora
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.layers.core.einsum_shapes import EinsumShapes, analyze
from kerasish.ops.elementwise import add_to_own
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class EinsumDense(HasLora, HasWeightArguments, Layer):
    """Fully connected layer along any axes: `activation(einsum(equation, x, kernel) + bias)`.

    Source: Keras `layers.EinsumDense`.

    Args:
        equation: such as "abc,cd->abd"; "..." may stand for axes at one end of inputs and outputs.
        output_shape: lengths of the output's axes behind the batch, "..." left out; None for one that the inputs have.
        activation: a name or a function; None for none.
        bias_axes: letters of the output along which the bias has values of its own; None for no bias.
        kernel_initializer, bias_initializer: first values of the weights.
        kernel_regularizer, bias_regularizer: losses of the weights.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        lora_rank, lora_alpha: see `enable_lora`; None for no adaptation.
        gptq_unpacked_column_size, quantization_config: must be None.
    """

    kernel_initializer: Any

    def __init__(self, equation: str, output_shape: Any, activation: Any = None, bias_axes: str | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, kernel_constraint: Any = None,
                 bias_constraint: Any = None, lora_rank: int | None = None, lora_alpha: float | None = None,
                 gptq_unpacked_column_size: Any = None, quantization_config: Any = None, **kwargs: Any):
        refuse_quantization(quantization_config)
        refuse_quantization(gptq_unpacked_column_size)
        super().__init__(**kwargs)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.activation = activations.get(activation)
        self.bias_axes = bias_axes
        self._set_weight_arguments(
            kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint)
        self._set_lora(lora_rank, lora_alpha)

    def _shapes(self, input_shape: Any) -> EinsumShapes:
        try:
            return analyze(self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape)
        except ValueError as error:
            raise ValueError(f"layer {self.path!r}: {error}") from None

    def build(self, input_shape: Any) -> None:
        """Make kernel and bias, whose shapes follow from the equation."""
        shapes = self._shapes(input_shape)
        self._kernel = self._add_described("kernel", shapes.kernel, initializer=self._initializer_for(shapes))
        self.bias = None if shapes.bias is None else self._add_described("bias", shapes.bias)
        self.input_spec = InputSpec(ndim=len(input_shape))
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    def _initializer_for(self, shapes: EinsumShapes) -> Any:
        """The kernel's initializer, told which axes are inputs and outputs: the shape alone does not say."""
        given = self.kernel_initializer
        if not isinstance(given, initializers.VarianceScaling) or None not in (given.input_axes, given.output_axes):
            return given
        told = copy.copy(given)
        told.input_axes, told.output_axes = shapes.input_axes, shapes.output_axes
        return told

    @property
    def kernel(self) -> Any:
        """The kernel; with adaptation, the sum as a tensor."""
        return self.adapted()

    def call(self, inputs: Any, training: Any = None) -> Any:
        """Return the outputs."""
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = add_to_own(x, self.bias)
        return x if self.activation is None else self.activation(x)

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the shape of the output, with the batch."""
        return self._shapes(input_shape).output

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self._weight_config(),
            "quantization_config": None,
            **self.lora_config(),
        }
