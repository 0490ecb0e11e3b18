"""Attention layers."""

import numpy as np

from make.draws import bools, normal, prefix
from make.layers import row

Q, K, V = normal(2, 3, 4), normal(2, 5, 4), normal(2, 5, 4)
SCORES = {"return_attention_scores": True}
SOME = np.array([[[1, 0, 1, 1, 0], [1, 1, 0, 0, 1], [0, 1, 1, 0, 0]]] * 2, bool)
ROWS = [
    row("MultiHeadAttention", "self", dict(num_heads=2, key_dim=3), Q, Q),
    row("MultiHeadAttention", "cross", dict(num_heads=2, key_dim=3), Q, V),
    row("MultiHeadAttention", "key_and_scores", dict(num_heads=2, key_dim=2), Q, V, key=K, **SCORES),
    row("MultiHeadAttention", "value_dim", dict(num_heads=2, key_dim=2, value_dim=3), Q, V, **SCORES),
    row("MultiHeadAttention", "output_shape", dict(num_heads=2, key_dim=2, output_shape=5), Q, V),
    row("MultiHeadAttention", "causal", dict(num_heads=2, key_dim=2), Q, Q, use_causal_mask=True),
    row("MultiHeadAttention", "causal_scores", dict(num_heads=1, key_dim=2), Q, Q, use_causal_mask=True, **SCORES),
    row("MultiHeadAttention", "attention_mask", dict(num_heads=2, key_dim=2), Q, V, attention_mask=SOME),
    row("MultiHeadAttention", "mask_and_causal", dict(num_heads=2, key_dim=2), K, V,
        attention_mask=np.tri(5, dtype=bool)[None, ::-1].repeat(2, 0), use_causal_mask=True),
    row("MultiHeadAttention", "padding_masks", dict(num_heads=2, key_dim=2), Q, V, query_mask=prefix(2, 3),
        value_mask=prefix(2, 5)),
    row("MultiHeadAttention", "no_bias", dict(num_heads=2, key_dim=2, use_bias=False), Q, V),
    row("MultiHeadAttention", "axes_last", dict(num_heads=2, key_dim=2, attention_axes=[2]), normal(2, 2, 3, 4),
        normal(2, 2, 5, 4)),
    row("MultiHeadAttention", "axes_both", dict(num_heads=1, key_dim=2, attention_axes=[1, 2]), normal(2, 2, 3, 4),
        normal(2, 2, 2, 4)),
    row("MultiHeadAttention", "sliding_window", dict(num_heads=1, key_dim=2, sliding_window=2), K, K),
    row("MultiHeadAttention", "gate", dict(num_heads=2, key_dim=2, use_gate=True), Q, V),
    row("MultiHeadAttention", "dropout_inference", dict(num_heads=2, key_dim=2, dropout=0.3), Q, V, training=False),
    row("GroupQueryAttention", "plain", dict(head_dim=3, num_query_heads=4, num_key_value_heads=2), Q, V),
    row("GroupQueryAttention", "scores", dict(head_dim=2, num_query_heads=2, num_key_value_heads=1), Q, V, key=K,
        **SCORES),
    row("GroupQueryAttention", "causal", dict(head_dim=2, num_query_heads=4, num_key_value_heads=2), Q, Q,
        use_causal_mask=True),
    row("GroupQueryAttention", "attention_mask", dict(head_dim=2, num_query_heads=2, num_key_value_heads=2,
                                                      use_bias=False), Q, V, attention_mask=SOME),
    row("Attention", "plain", dict(), [Q, V]),
    row("Attention", "key_scores", dict(), [Q, V, K], **SCORES),
    row("Attention", "scale", dict(use_scale=True), [Q, V, K]),
    row("Attention", "concat", dict(score_mode="concat"), [Q, V, K]),
    row("Attention", "concat_scale", dict(score_mode="concat", use_scale=True), [Q, V]),
    row("Attention", "masks", dict(), [Q, V], mask=[prefix(2, 3), prefix(2, 5)]),
    row("Attention", "causal", dict(), [K, V], use_causal_mask=True),
    row("Attention", "causal_mask_scores", dict(), [K, V], use_causal_mask=True, mask=[None, bools(2, 5, rate=0.8)],
        **SCORES),
    row("AdditiveAttention", "plain", dict(), [Q, V]),
    row("AdditiveAttention", "key_scores", dict(use_scale=False), [Q, V, K], **SCORES),
    row("AdditiveAttention", "masks", dict(), [Q, V, K], mask=[prefix(2, 3), prefix(2, 5)]),
    row("AdditiveAttention", "causal", dict(), [K, V], use_causal_mask=True),
]
