"""A table of vectors, looked up by number."""

import warnings
from typing import Any

from kerasish import ops, regularizers
from kerasish.core.dtypes import is_int as is_int_dtype
from kerasish.core.symbolic import KerasTensor
from kerasish.layers.base.arguments import is_int, refuse_quantization
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.lora import HasLora
from kerasish.layers.base.weight_arguments import HasWeightArguments
from kerasish.ops.checks import check_range
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Embedding(HasLora, HasWeightArguments, Layer):
    """Look up a learned vector for each number: (...) gives (..., output_dim) (Keras: `layers.Embedding`).

    Args:
        input_dim: how many vectors; numbers run from 0 to `input_dim - 1`.
        output_dim: length of a vector.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether number 0 stands for padding and is masked.
        weights: values of the table, shape (input_dim, output_dim).
        lora_rank, lora_alpha: see `enable_lora`; None for no adaptation.
        quantization_config: must be None.
    """

    lora_target = "embeddings"
    embeddings_initializer: Any

    def __init__(self, input_dim: int, output_dim: int, embeddings_initializer: Any = "uniform",
                 embeddings_regularizer: Any = None, embeddings_constraint: Any = None, mask_zero: bool = False,
                 weights: Any = None, lora_rank: int | None = None, lora_alpha: float | None = None,
                 quantization_config: Any = None, **kwargs: Any):
        for name, value in (("input_dim", input_dim), ("output_dim", output_dim)):
            if not is_int(value, 1):
                raise ValueError(f"{type(self).__name__}: argument `{name}` must be a positive integer, got {value!r}")
        refuse_quantization(quantization_config)
        if kwargs.pop("input_length", None) is not None:
            warnings.warn("argument `input_length` of Embedding is deprecated: leave it out", stacklevel=2)
        super().__init__(**kwargs)
        self.input_dim, self.output_dim = int(input_dim), int(output_dim)
        self._set_weight_arguments(
            embeddings_initializer=embeddings_initializer, embeddings_regularizer=embeddings_regularizer,
            embeddings_constraint=embeddings_constraint)
        self.mask_zero = self.supports_masking = mask_zero
        self.autocast = False  # only the vectors that are looked up are cast, not the table
        self._set_lora(lora_rank, lora_alpha)
        if weights is not None:
            self.build()
            self.set_weights(weights if isinstance(weights, list) and len(weights) == 1 else [weights])

    def build(self, input_shape: Any = None) -> None:
        """Make the table."""
        if self.built:
            return
        self._embeddings = self._add_described("embeddings", (self.input_dim, self.output_dim))
        if self.lora_rank:
            self.enable_lora(self.lora_rank, self.lora_alpha)

    @property
    def embeddings(self) -> Any:
        """The table; with adaptation, the sum as a tensor."""
        return self.adapted()

    def call(self, inputs: Any) -> Any:
        """Return the vectors.

        Raises:
            ValueError: a number is negative or too large; known only where values are.
        """
        if not is_int_dtype(inputs.dtype):
            inputs = ops.cast(inputs, "int32")
        inputs = check_range(inputs, self.input_dim, f"layer {self.path!r} got the number {{value}}, but its table has "
                             f"rows 0 to {self.input_dim - 1}: argument `input_dim` must be larger than every number")
        return ops.cast(ops.take(self.embeddings, inputs, axis=0), self.compute_dtype)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return which numbers are not 0, if 0 stands for padding."""
        return ops.not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return (..., output_dim)."""
        return (*input_shape, self.output_dim)

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        return KerasTensor(self.compute_output_shape(inputs.shape), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {
            **super().get_config(),
            "input_dim": self.input_dim,
            "output_dim": self.output_dim,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self._weight_config(),
            "mask_zero": self.mask_zero,
            "quantization_config": None,
            **self.lora_config(),
        }
