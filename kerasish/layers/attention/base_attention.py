"""What attention with several heads shares: projections, masks, scores."""

import math
import string
from typing import Any

from kerasish import ops, regularizers
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.layers.activations.softmax import Softmax
from kerasish.layers.attention import masks
from kerasish.layers.base.arguments import fraction, positive_int
from kerasish.layers.base.layer import Layer
from kerasish.layers.base.weight_arguments import HasWeightArguments, clone_initializer
from kerasish.layers.core.einsum_dense import EinsumDense
from kerasish.layers.regularization.dropout import Dropout
from kerasish.utils import config


class HeadsAttention(HasWeightArguments, Layer):
    """Attention of `heads` queries on `groups` keys and values; a subclass says how long they are.

    Args:
        heads: number of heads of the query, a multiple of `groups`.
        groups: number of heads of key and value.
        depth: length of a head of query and key.
        value_depth: length of a head of the value.
        attention_axes: axes that are attended over; None for all between batch and features.
        dropout: fraction of the scores that are dropped in training.
        use_bias: whether the projections have biases.
        use_gate: whether the output of each head is multiplied by a sigmoid of a projection of the query.
        sliding_window: how many steps (less one) a source may be away from a target; None for any.
        flash_attention: taken for Keras's sake.
        seed: of dropout.
        activity_regularizer: loss of the outputs of the projections.
        weight_arguments: initializers, regularizers and constraints by name.
    """

    def __init__(self, heads: int, groups: int, depth: int, value_depth: int, attention_axes: Any, dropout: float,
                 use_bias: bool, use_gate: bool, sliding_window: int | None, flash_attention: bool | None,
                 seed: int | None, activity_regularizer: Any, weight_arguments: dict[str, Any], **kwargs: Any):
        super().__init__(**kwargs)
        self.supports_masking = True
        self._heads, self._groups, self._depth, self._value_depth = heads, groups, depth, value_depth
        self._attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self._dropout = fraction(dropout, "dropout")
        self._use_bias, self._use_gate = use_bias, use_gate
        self._sliding_window = None if sliding_window is None else positive_int(
            sliding_window, "sliding_window", ValueError)
        self._flash_attention = flash_attention or config.is_flash_attention_enabled()
        if self._flash_attention and self._dropout > 0:
            raise ValueError(f"flash attention has no dropout: leave out `flash_attention`, or dropout={dropout}")
        self.seed = seed
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self._set_weight_arguments(**weight_arguments)
        self._scale = 1.0 / math.sqrt(depth)

    # ---- building ------------------------------------------------------------------------------

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:  # type: ignore
        """Make the projections."""
        key_shape = value_shape if key_shape is None else key_shape
        self.compute_output_shape(query_shape, value_shape, key_shape)  # raises where the shapes do not fit
        self._query_dense = self._projection("query", query_shape, self._heads, self._depth)
        self._key_dense = self._projection("key", key_shape, self._groups, self._depth)
        if self._use_gate:
            self._gate_dense = self._projection("gate", query_shape, self._heads, self._value_depth, "sigmoid")
        self._value_dense = self._projection("value", value_shape, self._groups, self._value_depth)
        self._build_attention(len(value_shape) + 1)
        out = self._out_lengths(query_shape)
        letters = string.ascii_lowercase[8 : 8 + len(out)]
        self._output_dense = self._dense("attention_output", f"...hd,hd{letters}->...{letters}", out, letters)
        self._output_dense.build((*query_shape[:-1], self._heads, self._value_depth))

    def _projection(self, name: str, shape: Any, heads: int, depth: int, activation: Any = None) -> EinsumDense:
        dense = self._dense(name, "...f,fhd->...hd", (heads, depth), "hd", activation)
        dense.build(shape)
        return dense

    def _dense(self, name: str, equation: str, lengths: tuple, bias_axes: str, activation: Any = None) -> EinsumDense:
        arguments = {n: getattr(self, n) for n in self._weight_arguments}
        for n in ("kernel_initializer", "bias_initializer"):
            arguments[n] = clone_initializer(arguments[n])
        return EinsumDense(equation, lengths, activation=activation, bias_axes=bias_axes if self._use_bias else None,
                           activity_regularizer=self._activity_regularizer, dtype=self.dtype_policy, name=name,
                           **arguments)

    def _build_attention(self, rank: int) -> None:
        """Prepare the attention of tensors (batch, ..., heads, depth) of so many axes."""
        axes = tuple(range(1, rank - 2)) if self._attention_axes is None else tuple(
            a if a >= 0 else rank - 1 + a for a in self._attention_axes)
        self._attention_axes = axes
        target = string.ascii_lowercase[:rank]
        source = "".join(c.upper() if i in axes else c for i, c in enumerate(target))
        scores = "".join([c for i, c in enumerate(target[:-1]) if i not in axes]
                         + [target[a] for a in axes] + [source[a] for a in axes])
        self._dot_product_equation = f"{source},{target}->{scores}"
        self._combine_equation = f"{scores},{source}->{target}"
        self._softmax = Softmax(axis=tuple(range(len(scores) - len(axes), len(scores))), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._dropout, dtype=self.dtype_policy, seed=self.seed)

    def _out_lengths(self, query_shape: Any) -> tuple:
        """Lengths of the axes of the output that stand for the features."""
        return (query_shape[-1],)

    # ---- calling -------------------------------------------------------------------------------

    def call(self, query: Any, value: Any, key: Any = None, query_mask: Any = None, value_mask: Any = None,
             key_mask: Any = None, attention_mask: Any = None, return_attention_scores: bool = False,
             training: Any = None, use_causal_mask: bool = False) -> Any:
        """Return what each target takes from the sources, and the scores if they are asked for.

        Args:
            query: (batch, targets, features).
            value: (batch, sources, features).
            key: (batch, sources, features); by default the value.
            query_mask, value_mask, key_mask: boolean (batch, targets or sources): what counts.
            attention_mask: boolean (batch, targets, sources): True where a target may see a source.
            return_attention_scores: whether to return (output, scores (batch, heads, targets, sources)).
            training: whether dropout is applied.
            use_causal_mask: whether no target sees a source after it.
        """
        key = value if key is None else key
        mask = masks.joined([
            masks.over_targets(self._query_mask(query, query_mask)), masks.over_sources(value_mask),
            masks.over_sources(key_mask),
            None if self._sliding_window is None else masks.near(
                query.shape[1], value.shape[1], self._sliding_window), attention_mask])
        if use_causal_mask and type(self)._compute_attention is not HeadsAttention._compute_attention:
            mask, use_causal_mask = masks.joined([masks.causal(query.shape[1], value.shape[1]), mask]), False
        with masks.hidden(query, key, value):
            gate = self._gate_dense(query) if self._use_gate else None
            projected = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        # Only what differs from the defaults: a subclass may have its own way of attention, without these arguments.
        wishes = {name: True for name, wish in (("return_attention_scores", return_attention_scores),
                                                ("use_causal_mask", use_causal_mask)) if wish}
        out, scores = self._compute_attention(*projected, mask, training, **wishes)
        out = self._output_dense(out if gate is None else ops.multiply(out, gate))
        return (out, scores) if return_attention_scores else out

    def _query_mask(self, query: Any, query_mask: Any) -> Any:
        return query_mask

    def _compute_attention(self, query: Any, key: Any, value: Any, attention_mask: Any = None, training: Any = None,
                           return_attention_scores: bool = False, use_causal_mask: bool = False) -> tuple[Any, Any]:
        """Return (output, scores or None) for projected query, key and value; a subclass may do it its own way."""
        if self._flash_attention and return_attention_scores:
            raise ValueError(f"layer {self.path!r} has flash attention, which has no scores to return")
        # One op, without scores, unless they are dropped; if they might be, it must fill in what a mask forbids alike.
        whole = self._dropout == 0 or (not training and attention_mask is None)
        fused = whole and not return_attention_scores and query.ndim == 4
        if use_causal_mask and not fused:
            attention_mask = masks.joined([masks.causal(query.shape[1], value.shape[1]), attention_mask])
        if fused:
            if attention_mask is not None:
                attention_mask = self._with_axes(ops.cast(attention_mask, "bool"), 4)
            return ops.dot_product_attention(query, key, value, mask=attention_mask, scale=self._scale,
                                             is_causal=use_causal_mask, flash_attention=self._flash_attention), None
        if self._groups != self._heads:
            key, value = (ops.repeat(x, self._heads // self._groups, axis=-2) for x in (key, value))
        scores = ops.einsum(self._dot_product_equation, key, ops.multiply(query, self._scale))
        scores = self._masked_softmax(scores, attention_mask)
        kept = self._dropout_layer(scores, training=training) if self._dropout > 0 else scores
        return ops.einsum(self._combine_equation, kept, value), scores

    def _masked_softmax(self, attention_scores: Any, attention_mask: Any = None) -> Any:
        if attention_mask is not None:
            attention_mask = self._with_axes(attention_mask, attention_scores.ndim)
        return self._softmax(attention_scores, mask=attention_mask)

    def _with_axes(self, mask: Any, rank: int) -> Any:
        """Return a mask with axes of length 1 for what lies between the batch and the attended axes: the heads."""
        for _ in range(rank - len(mask.shape)):
            mask = ops.expand_dims(mask, -2 * len(self._attention_axes) - 1)
        return mask

    # ---- shapes --------------------------------------------------------------------------------

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple:
        """Return the shape of the query, with the output's features."""
        key_shape = value_shape if key_shape is None else key_shape
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]) or len(query_shape) != len(value_shape):
            raise ValueError(f"the inputs of layer {self.path!r} do not fit each other: query {tuple(query_shape)}, "
                             f"value {tuple(value_shape)}, key {tuple(key_shape)}; value and key must be equal in all "
                             "axes between the first and the last, and all must have the same number of axes")
        return (*query_shape[:-1], *self._out_lengths(query_shape))

    def compute_output_spec(self, query: Any, value: Any, key: Any = None, query_mask: Any = None,
                            value_mask: Any = None, key_mask: Any = None, attention_mask: Any = None,
                            return_attention_scores: bool = False, training: Any = None,
                            use_causal_mask: bool = False) -> Any:
        """Return the symbolic output, and the scores if they are asked for."""
        if return_attention_scores:
            return compute_output_spec(self.call, query, value, key, query_mask, value_mask, key_mask,
                                       attention_mask, True, training, use_causal_mask)
        shape = self.compute_output_shape(query.shape, value.shape, None if key is None else key.shape)
        return KerasTensor(shape, self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        return {**super().get_config(), "dropout": self._dropout, "use_bias": self._use_bias,
                "use_gate": self._use_gate, "sliding_window": self._sliding_window,
                "activity_regularizer": regularizers.serialize(self._activity_regularizer), "seed": self.seed,
                **self._weight_config()}
