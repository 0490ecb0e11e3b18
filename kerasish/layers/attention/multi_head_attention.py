"""Attention with several heads."""

from typing import Any

from kerasish.layers.attention.base_attention import HeadsAttention
from kerasish.layers.base.arguments import positive_int
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class MultiHeadAttention(HeadsAttention):
    """Attention with several heads: for each, `softmax(Q K^T / sqrt(key_dim)) V` of projections of the inputs.

    Source: Vaswani et al., 2017; Keras: `layers.MultiHeadAttention`.

    Args:
        num_heads: number of heads.
        key_dim: length of a head of query and key.
        value_dim: length of a head of the value; `key_dim` by default.
        dropout: fraction of the scores that are dropped in training.
        use_bias: whether the projections have biases.
        output_shape: lengths of the output's axes for the features; by default the query's last.
        attention_axes: axes that are attended over; by default all between batch and features.
        sliding_window: how many steps (less one) a source may be away from a target; None for any.
        flash_attention: taken for Keras's sake; with it there are no dropout and no scores.
        kernel_initializer, bias_initializer: first values of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of the projections and their outputs.
        kernel_constraint, bias_constraint: applied to the projections after each update.
        use_gate: whether the output of each head is multiplied by a sigmoid of a projection of the query.
        seed: of dropout.
    """

    def __init__(self, num_heads: int, key_dim: int, value_dim: int | None = None, dropout: float = 0.0,
                 use_bias: bool = True, output_shape: Any = None, attention_axes: Any = None,
                 sliding_window: int | None = None, flash_attention: bool | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False,
                 seed: int | None = None, **kwargs: Any):
        num_heads, key_dim = positive_int(num_heads, "num_heads", ValueError), positive_int(
            key_dim, "key_dim", ValueError)
        value_dim = key_dim if value_dim is None else positive_int(value_dim, "value_dim", ValueError)
        if output_shape is not None and not isinstance(output_shape, int | list | tuple):
            raise ValueError(f"Invalid `output_shape`: expected an integer or a list of them, got {output_shape!r}")
        if attention_axes is not None and not isinstance(attention_axes, int | list | tuple):
            raise ValueError(f"argument `attention_axes` takes axes, one integer or several, got {attention_axes!r}")
        super().__init__(
            num_heads, num_heads, key_dim, value_dim, attention_axes, dropout, use_bias, use_gate, sliding_window,
            flash_attention, seed, activity_regularizer, dict(
                kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else (
            tuple(output_shape) if output_shape else None)

    num_heads = property(lambda self: self._heads, doc="Number of heads.")
    key_dim = property(lambda self: self._depth, doc="Length of a head of query and key.")
    value_dim = property(lambda self: self._value_depth, doc="Length of a head of the value.")
    dropout = property(lambda self: self._dropout, doc="Fraction of the scores that are dropped in training.")
    use_bias = property(lambda self: self._use_bias, doc="Whether the projections have biases.")
    attention_axes = property(lambda self: self._attention_axes, doc="Axes that are attended over.")
    query_dense = property(lambda self: self._query_dense, doc="The projection of the query.")
    key_dense = property(lambda self: self._key_dense, doc="The projection of the key.")
    value_dense = property(lambda self: self._value_dense, doc="The projection of the value.")
    output_dense = property(lambda self: self._output_dense, doc="The projection of the heads to the output.")

    def _query_mask(self, query: Any, query_mask: Any) -> Any:
        # As in Keras: the mask that the query carries counts, not one that is given.
        return getattr(query, "_keras_mask", None)

    def _out_lengths(self, query_shape: Any) -> tuple:
        return self._output_shape or super()._out_lengths(query_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "num_heads": self.num_heads, "key_dim": self.key_dim,
                "value_dim": self.value_dim, "output_shape": self._output_shape, "attention_axes": self.attention_axes}
