"""Attention with one head and without projections."""

from typing import Any

from kerasish import activations, ops
from kerasish.core.random_state import SeedGenerator
from kerasish.core.symbolic import KerasTensor
from kerasish.layers.attention import masks
from kerasish.layers.base.arguments import fraction
from kerasish.layers.base.layer import Layer
from kerasish.ops import random
from kerasish.utils.registry import builtin


@builtin("keras.layers")
class Attention(Layer):
    """Attention of a query on values: `softmax(scores) value`, with the scores `query key^T` (Luong et al., 2015).

    It is called on a list: [query, value], or [query, value, key].

    Source: Keras `layers.Attention`.

    Args:
        use_scale: whether the scores are multiplied by a learned number.
        score_mode: "dot", or "concat": the scores are a learned number times the sum of `tanh(query + key)`.
        dropout: fraction of the scores that are dropped in training.
        seed: of dropout.
    """

    def __init__(self, use_scale: bool = False, score_mode: str = "dot", dropout: float = 0.0,
                 seed: int | None = None, **kwargs: Any):
        if score_mode not in ("dot", "concat"):
            raise ValueError(f"argument `score_mode` must be 'dot' or 'concat', got {score_mode!r}")
        super().__init__(**kwargs)
        self.use_scale, self.score_mode, self.seed = use_scale, score_mode, seed
        self.dropout = fraction(dropout, "dropout")
        self.scale: Any = None
        self.concat_score_weight: Any = None
        if self.dropout > 0:
            self.seed_generator = SeedGenerator(seed)

    def _check_list(self, inputs: Any, what: str = "inputs") -> None:
        if not isinstance(inputs, list | tuple) or not 2 <= len(inputs) <= 3:
            raise ValueError(f"attention {self.path!r}: the layer {what} must be a list, by query, value and maybe "
                             f"key, so of length 2 or 3, got {inputs!r}")

    def _check_shapes(self, shapes: Any) -> None:
        if not isinstance(shapes, list | tuple) or not shapes or not isinstance(shapes[0], list | tuple):
            raise ValueError(f"layer {self.path!r} must be called on a list: give [query, value], and maybe a key, not "
                             f"one tensor of shape {shapes}")
        self._check_list(shapes)
        key = shapes[-1]
        if shapes[0][-1] != key[-1]:
            raise ValueError(f"layer {self.path!r} compares query and key along their last axis, but their shapes are "
                             f"{tuple(shapes[0])} and {tuple(key)}")

    def build(self, input_shape: Any) -> None:
        """Make the learned numbers."""
        self._check_shapes(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")

    def call(self, inputs: Any, mask: Any = None, training: Any = False, return_attention_scores: bool = False,
             use_causal_mask: bool = False) -> Any:
        """Return (batch, targets, features), and the scores if they are asked for.

        Args:
            inputs: [query (batch, targets, features), value (batch, sources, features)], and perhaps the key.
            mask: [query mask (batch, targets), value mask (batch, sources)]; either may be None.
            training: whether dropout is applied.
            return_attention_scores: whether to return (output, scores (batch, targets, sources)).
            use_causal_mask: whether no target sees a source after it.
        """
        self._check_list(inputs)
        query, value = inputs[:2]
        if mask is not None:
            self._check_list(mask, "mask")
        query_mask, value_mask = (None, None) if mask is None else mask[:2]
        scores = self._calculate_scores(query, inputs[-1])
        allowed = self._calculate_score_mask(scores, value_mask, use_causal_mask)
        if allowed is not None:
            scores = ops.where(allowed, scores, scores - (65504.0 if scores.dtype == "float16" else 1e9))
        weights = activations.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        out = ops.matmul(weights, value)
        if query_mask is not None:
            out = ops.where(masks.over_targets(ops.cast(query_mask, "bool")), out, 0)
        return (out, weights) if return_attention_scores else out

    def _calculate_scores(self, query: Any, key: Any) -> Any:
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        both = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        return self.concat_score_weight * ops.sum(
            ops.tanh(both if self.scale is None else self.scale * both), axis=-1)

    def _calculate_score_mask(self, scores: Any, v_mask: Any, use_causal_mask: bool) -> Any:
        causal = masks.causal(*scores.shape[-2:]) if use_causal_mask else None
        return masks.joined([causal, masks.over_sources(v_mask)])

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        """Return the mask of the query."""
        if mask is None:
            return None
        self._check_list(mask, "mask")
        return None if mask[0] is None else ops.convert_to_tensor(mask[0])

    def compute_output_shape(self, input_shape: Any) -> tuple:
        """Return the query's shape, with the features of the value."""
        self._check_shapes(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])

    def compute_output_spec(self, inputs: Any, mask: Any = None, return_attention_scores: bool = False,
                            training: Any = None, use_causal_mask: bool = False) -> Any:
        """Return the symbolic output, and the scores if they are asked for."""
        out = KerasTensor(self.compute_output_shape([x.shape for x in inputs]), self.compute_dtype)
        if not return_attention_scores:
            return out
        return out, KerasTensor((*inputs[0].shape[:-1], inputs[-1].shape[-2]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "use_scale": self.use_scale, "score_mode": self.score_mode,
                "dropout": self.dropout, "seed": self.seed}
