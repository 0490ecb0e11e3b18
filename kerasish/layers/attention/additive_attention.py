"""Attention by a sum instead of a product."""

from typing import Any

from kerasish import ops
from kerasish.layers.attention.attention import Attention
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class AdditiveAttention(Attention):
    """Attention with the scores `sum(scale * tanh(query + key))` over the features (Bahdanau et al., 2015).

    It is called on a list: [query, value], or [query, value, key].

    Source: Keras `layers.AdditiveAttention`.

    Args:
        use_scale: whether `scale` is learned, one number a feature; else it is 1.
        dropout: fraction of the scores that are dropped in training.
    """

    def __init__(self, use_scale: bool = True, dropout: float = 0.0, **kwargs: Any):
        super().__init__(use_scale=use_scale, dropout=dropout, **kwargs)

    def build(self, input_shape: Any) -> None:
        """Make the scale (features,)."""
        self._check_shapes(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(input_shape[0][-1],), initializer="glorot_uniform")

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        both = ops.tanh(ops.expand_dims(query, -2) + ops.expand_dims(key, -3))
        return ops.sum(both if self.scale is None else self.scale * both, axis=-1)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        config = super().get_config()
        del config["score_mode"]
        return config
