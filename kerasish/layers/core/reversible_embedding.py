"""A table of vectors that also turns vectors back into scores of numbers."""

from typing import Any

from kerasish import ops
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.layers.core.embedding import Embedding
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class ReversibleEmbedding(Embedding):
    """Embedding that, called with `reverse=True`, projects vectors onto the table: `x @ embeddings.T`.

    Source: Keras `layers.ReversibleEmbedding`.

    Args:
        input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint, mask_zero: as in
            `Embedding`.
        tie_weights: whether the projection uses the table itself; else it has a matrix of its own.
        reverse_dtype: dtype of the projection; by default that of its operands.
        logit_soft_cap: c, if scores are to be `c * tanh(score / c)`.
    """

    def __init__(self, input_dim: int, output_dim: int, tie_weights: bool = True,
                 embeddings_initializer: Any = "uniform", embeddings_regularizer: Any = None,
                 embeddings_constraint: Any = None, mask_zero: bool = False, reverse_dtype: Any = None,
                 logit_soft_cap: float | None = None, **kwargs: Any):
        super().__init__(input_dim, output_dim, embeddings_initializer, embeddings_regularizer, embeddings_constraint,
                         mask_zero, **kwargs)
        self.tie_weights, self.reverse_dtype, self.logit_soft_cap = tie_weights, reverse_dtype, logit_soft_cap

    def build(self, input_shape: Any = None) -> None:
        """Make the table, and the matrix of the projection unless it is tied."""
        super().build(input_shape)
        if not self.tie_weights:
            self.reverse_embeddings = self.add_weight(shape=(self.output_dim, self.input_dim),
                                                      initializer=self.embeddings_initializer,
                                                      name="reverse_embeddings")

    def call(self, inputs: Any, reverse: bool = False) -> Any:
        """Return vectors (..., output_dim) for numbers (...), or scores (..., input_dim) for vectors."""
        if not reverse:
            return self._masked(super().call(inputs), inputs)
        kernel = ops.transpose(self.embeddings) if self.tie_weights else self.reverse_embeddings
        if self.reverse_dtype is not None:
            inputs, kernel = ops.cast(inputs, self.reverse_dtype), ops.cast(kernel, self.reverse_dtype)
        logits = ops.matmul(inputs, kernel)
        cap = self.logit_soft_cap
        return logits if cap is None else ops.tanh(logits / cap) * cap

    def _masked(self, out: Any, inputs: Any) -> Any:
        if self.mask_zero:
            out._keras_mask = ops.not_equal(inputs, 0)
        return out

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        """Return None: the call itself sets the mask, for it knows which way it goes."""
        return None

    def compute_output_shape(self, input_shape: Any, reverse: bool = False) -> tuple:
        """Return (..., output_dim), or (..., input_dim) the other way."""
        return (*input_shape[:-1], self.input_dim) if reverse else super().compute_output_shape(input_shape)

    def compute_output_spec(self, inputs: Any, reverse: bool = False) -> KerasTensor:
        """Return the symbolic output for a symbolic input."""
        if reverse:
            return compute_output_spec(self.call, inputs, reverse=True)
        return self._masked(super().compute_output_spec(inputs), inputs)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "tie_weights": self.tie_weights, "reverse_dtype": self.reverse_dtype,
                "logit_soft_cap": self.logit_soft_cap}
