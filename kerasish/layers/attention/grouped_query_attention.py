"""Attention in which several heads of the query share a head of key and value."""

from typing import Any

from kerasish.layers.attention.base_attention import HeadsAttention
from kerasish.layers.base.arguments import positive_int
from kerasish.utils.registry import builtin


@builtin("keras.layers", name="GroupQueryAttention")
class GroupedQueryAttention(HeadsAttention):
    """Attention in which several heads of the query share a head of key and value.

    Source: Ainslie et al., 2023; Keras: `layers.GroupQueryAttention`.

    Args:
        head_dim: length of a head.
        num_query_heads: number of heads of the query, a multiple of `num_key_value_heads`.
        num_key_value_heads: number of heads of key and value.
        dropout: fraction of the scores that are dropped in training.
        use_bias: whether the projections have biases.
        sliding_window: how many steps (less one) a source may be away from a target; None for any.
        flash_attention: taken for Keras's sake; with it there are no dropout and no scores.
        kernel_initializer, bias_initializer: first values of the projections.
        kernel_regularizer, bias_regularizer, activity_regularizer: losses of the projections and their outputs.
        kernel_constraint, bias_constraint: applied to the projections after each update.
        use_gate: whether the output of each head is multiplied by a sigmoid of a projection of the query.
        seed: of dropout.
    """

    def __init__(self, head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0,
                 use_bias: bool = True, sliding_window: int | None = None, flash_attention: bool | None = None,
                 kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
                 kernel_regularizer: Any = None, bias_regularizer: Any = None, activity_regularizer: Any = None,
                 kernel_constraint: Any = None, bias_constraint: Any = None, use_gate: bool = False,
                 seed: int | None = None, **kwargs: Any):
        head_dim = positive_int(head_dim, "head_dim")
        heads = positive_int(num_query_heads, "num_query_heads")
        groups = positive_int(num_key_value_heads, "num_key_value_heads")
        if heads % groups:
            raise ValueError(f"argument `num_query_heads` must be a multiple of `num_key_value_heads`, got {heads} and "
                             f"{groups}")
        super().__init__(
            heads, groups, head_dim, head_dim, None, dropout, use_bias, use_gate, sliding_window, flash_attention,
            seed, activity_regularizer, dict(
                kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
                kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
                kernel_constraint=kernel_constraint, bias_constraint=bias_constraint), **kwargs)
        self.activity_regularizer = self._activity_regularizer  # of its own output, too

    head_dim = property(lambda self: self._depth, doc="Length of a head.")
    num_query_heads = property(lambda self: self._heads, doc="Number of heads of the query.")
    num_key_value_heads = property(lambda self: self._groups, doc="Number of heads of key and value.")
    dropout = property(lambda self: self._dropout, doc="Fraction of the scores that are dropped in training.")
    use_bias = property(lambda self: self._use_bias, doc="Whether the projections have biases.")
    use_gate = property(lambda self: self._use_gate, doc="Whether the output of each head is gated.")
    sliding_window = property(lambda self: self._sliding_window, doc="How far a source may be away from a target.")

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple:
        """Return the shape of the query."""
        if {len(query_shape), len(value_shape)} != {3}:
            raise ValueError(f"layer {self.path!r} needs query and value of three axes, (batch, time, features), got "
                             f"shapes {tuple(query_shape)} and {tuple(value_shape)}")
        return super().compute_output_shape(query_shape, value_shape, key_shape)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "head_dim": self.head_dim, "num_query_heads": self.num_query_heads,
                "num_key_value_heads": self.num_key_value_heads}
