"""Attention layers: the contract, masks, and both ways to compute the scores."""

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.layers import AdditiveAttention, Attention, GroupQueryAttention, Input, Masking, MultiHeadAttention
from kerasish.layers.serialization import deserialize, serialize
from tests.layers.contract import Row, contract

PROJECTIONS = [f"{name}/{w}" for name in ("query", "key", "value", "attention_output") for w in ("kernel", "bias")]
GATED = [*PROJECTIONS[:4], "gate/kernel", "gate/bias", *PROJECTIONS[4:]]
PAIR = [(2, 3, 4), (2, 5, 4)]

ROWS = [
    Row(Attention, {"use_scale": True}, PAIR, ["scale"], wrong=(2, 3, 4)),
    Row(Attention, {"score_mode": "concat"}, [*PAIR, (2, 5, 4)], ["concat_score_weight"], wrong=[(2, 3, 4), (2, 5, 3)],
        id="concat"),
    Row(Attention, {}, PAIR, call={"return_attention_scores": True, "use_causal_mask": True}, id="scores"),
    Row(Attention, {"dropout": 0.5}, PAIR, call={"training": True}, random=True, gradient=False, id="dropout"),
    Row(AdditiveAttention, {}, PAIR, ["scale"], wrong=(2, 3, 4)),
    Row(MultiHeadAttention, {"num_heads": 2, "key_dim": 3}, PAIR, PROJECTIONS, spread=True,
        wrong=[(2, 3, 4), (2, 2, 5, 4)]),
    Row(MultiHeadAttention, {"num_heads": 2, "key_dim": 3, "value_dim": 2, "output_shape": (2, 3), "use_gate": True},
        [*PAIR, (2, 5, 3)], GATED, spread=True, wrong=[*PAIR, (2, 4, 3)], id="gate"),
    Row(MultiHeadAttention, {"num_heads": 2, "key_dim": 3, "attention_axes": (1, 2)}, [(2, 2, 3, 4), (2, 3, 2, 4)],
        PROJECTIONS, spread=True, call={"return_attention_scores": True}, id="axes"),
    Row(MultiHeadAttention, {"num_heads": 1, "key_dim": 2, "dropout": 0.5}, PAIR, PROJECTIONS, spread=True,
        call={"training": True}, random=True, gradient=False, id="dropout"),
    Row(GroupQueryAttention, {"head_dim": 2, "num_query_heads": 4, "num_key_value_heads": 2}, PAIR, PROJECTIONS,
        spread=True, wrong=[(2, 3), (2, 5)]),
    Row(GroupQueryAttention, {"head_dim": 2, "num_query_heads": 2, "num_key_value_heads": 1, "use_gate": True}, PAIR,
        GATED, spread=True, call={"return_attention_scores": True, "use_causal_mask": True}, id="scores"),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 6, 4)).astype("float32")
Y = RNG.normal(size=(2, 5, 4)).astype("float32")
CAUSAL = np.tri(6, dtype=bool)[None]
GROUPED = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}


@pytest.mark.parametrize(("cls", "arguments"), [(MultiHeadAttention, {"num_heads": 2, "key_dim": 3}),
                                                (GroupQueryAttention, GROUPED)])
class TestHeads:
    def test_both_ways_agree(self, cls, arguments):
        layer = cls(**arguments)
        mask = RNG.uniform(size=(2, 6, 5)) < 0.7
        mask[..., 0] = True
        for call in ({}, {"use_causal_mask": True}, {"attention_mask": mask},
                     {"attention_mask": mask, "use_causal_mask": True}):
            out, scores = layer(X, Y, return_attention_scores=True, **call)
            np.testing.assert_allclose(layer(X, Y, **call), out, atol=1e-5)
            np.testing.assert_allclose(np.asarray(scores).sum(-1), 1, atol=1e-5)
            assert scores.shape == (2, scores.shape[1], 6, 5)

    def test_masks_join(self, cls, arguments):
        layer = cls(**arguments)
        np.testing.assert_allclose(layer(X, X, use_causal_mask=True), layer(X, X, attention_mask=CAUSAL), atol=1e-5)
        kept = np.array([[1, 1, 1, 0, 0, 0], [1, 1, 1, 1, 1, 0]], bool)
        np.testing.assert_allclose(layer(X, X, value_mask=kept, use_causal_mask=True),
                                   layer(X, X, attention_mask=CAUSAL & kept[:, None]), atol=1e-5)
        np.testing.assert_allclose(layer(X, X, key_mask=kept), layer(X, X, value_mask=kept), atol=1e-5)

    def test_window(self, cls, arguments):
        distance = np.abs(np.arange(6)[:, None] - np.arange(6))
        layer = cls(**arguments, sliding_window=2)
        np.testing.assert_allclose(layer(X, X), layer(X, X, attention_mask=(distance < 2)[None]), atol=1e-5)
        _, scores = layer(X, X, return_attention_scores=True)
        assert (np.asarray(scores)[..., distance >= 2] == 0).all()

    def test_masks_that_inputs_carry(self, cls, arguments):
        x = X.copy()
        x[0, 3:] = 0
        kept = np.any(x != 0, axis=-1)
        layer = cls(**arguments)
        query = Masking()(x)
        out = layer(query, query)
        np.testing.assert_allclose(out[1], layer(x, x)[1], atol=1e-5)
        np.testing.assert_allclose(out[0, :3], layer(x, x, value_mask=kept)[0, :3], atol=1e-5)
        np.testing.assert_array_equal(out._keras_mask, kept)
        np.testing.assert_array_equal(query._keras_mask, kept)

    def test_symbolic_scores(self, cls, arguments):
        out, scores = cls(**arguments)(Input((6, 4)), Input((5, 4)), return_attention_scores=True)
        assert out.shape == (None, 6, 4) and scores.shape[0] is None and scores.shape[2:] == (6, 5)
        assert cls(**arguments)(Input((None, 4)), Input((5, 4))).shape == (None, None, 4)

    def test_dropout(self, cls, arguments):
        layer = cls(**arguments, dropout=0.5, seed=1)
        first, second = (np.asarray(layer(X, Y, training=True)) for _ in range(2))
        assert not np.allclose(first, second)
        plain = cls(**arguments)
        plain(X, Y)
        plain.set_weights(layer.get_weights())
        np.testing.assert_allclose(layer(X, Y), plain(X, Y), atol=1e-5)

    def test_flash_attention(self, cls, arguments):
        layer = cls(**arguments, flash_attention=True)
        assert layer(X, Y).shape == X.shape
        with pytest.raises(ValueError, match=layer.name):
            layer(X, Y, return_attention_scores=True)
        with pytest.raises(ValueError, match="dropout"):
            cls(**arguments, flash_attention=True, dropout=0.1)

    def test_projections_have_first_values_of_their_own(self, cls, arguments):
        layer = cls(**arguments, kernel_initializer=layers.Dense(1).kernel_initializer)
        layer(X, X)
        assert not np.allclose(layer._key_dense.kernel, layer._value_dense.kernel)

    @pytest.mark.parametrize(("argument", "value"), [("dropout", 2.0), ("sliding_window", 0)])
    def test_arguments_refused(self, cls, arguments, argument, value):
        with pytest.raises(ValueError, match=argument):
            cls(**arguments, **{argument: value})


def test_losses_of_projections():
    layer = MultiHeadAttention(2, 3, kernel_regularizer="l2", activity_regularizer="l1")
    layer(X, X)
    assert len(layer.losses) == 8


def test_a_subclass_may_attend_its_own_way():
    class First(MultiHeadAttention):
        def _compute_attention(self, query, key, value, attention_mask=None, training=None,
                               return_attention_scores=False):
            assert attention_mask is not None, "a causal mask is made where it cannot be left to the op"
            return value[:, :1] + ops.zeros_like(query), None

    layer = First(2, 3)
    out = np.asarray(layer(X, X, use_causal_mask=True))
    np.testing.assert_allclose(out, out[:, :1].repeat(6, 1), atol=1e-6)


@pytest.mark.parametrize("argument", ["num_heads", "key_dim", "value_dim"])
def test_lengths_refused(argument):
    with pytest.raises(ValueError, match=argument):
        MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, argument: 0})
    with pytest.raises(ValueError, match="attention_axes"):
        MultiHeadAttention(2, 3, attention_axes="all")


def test_heads_must_be_a_multiple():
    with pytest.raises(ValueError, match="num_query_heads"):
        GroupQueryAttention(3, 4, 3)


def test_groups_are_written_under_the_public_name():
    layer = GroupQueryAttention(**GROUPED)
    assert layer.name.startswith("grouped_query_attention")
    assert serialize(layer)["class_name"] == "GroupQueryAttention"
    assert type(deserialize(serialize(layer))) is GroupQueryAttention


# ---- one head ---------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [Attention, AdditiveAttention])
def test_masks(cls):
    query_mask = np.array([[1] * 6, [1] * 4 + [0] * 2], bool)
    value_mask = np.array([[1] * 5, [1, 1, 0, 0, 0]], bool)
    layer = cls()
    out, scores = layer([X, Y], mask=[query_mask, value_mask], return_attention_scores=True)
    assert (np.asarray(scores)[1, :, 2:] == 0).all()
    assert not np.any(out[1, 4:])
    np.testing.assert_allclose(out[1, :4], layer([X[1:], Y[1:, :2]])[0, :4], atol=1e-5)
    np.testing.assert_array_equal(layer.compute_mask([X, Y], [query_mask, value_mask]), query_mask)
    assert layer.compute_mask([X, Y], [None, value_mask]) is None
    causal, scores = layer([X, X], use_causal_mask=True, return_attention_scores=True)
    assert (np.asarray(scores)[:, ~CAUSAL[0]] == 0).all()
    np.testing.assert_allclose(causal[:, 0], X[:, 0], atol=1e-5)


def test_masked_scores_in_half_precision():
    layer = Attention(dtype="float16")
    out = layer([X, Y], mask=[None, np.array([[1, 0, 0, 0, 0]] * 2, bool)])
    np.testing.assert_allclose(out, np.broadcast_to(Y[:, :1], X.shape), atol=1e-2)


@pytest.mark.parametrize("inputs", [[X], [X, Y, Y, Y], X])
def test_inputs_refused(inputs):
    with pytest.raises(ValueError, match="the_layer"):
        Attention(name="the_layer")(inputs)


def test_arguments_refused():
    with pytest.raises(ValueError, match="score_mode"):
        Attention(score_mode="product")
    with pytest.raises(ValueError, match="dropout"):
        Attention(dropout=-1)
    with pytest.raises(ValueError, match="the layer mask must be a list, by query, value and maybe key"):
        Attention().compute_mask([X, Y], [None])


@pytest.mark.parametrize("layer", [MultiHeadAttention, GroupQueryAttention])
def test_a_subclass_with_its_own_attention_gets_the_causal_mask(layer):
    class Own(layer):
        def _compute_attention(self, query, key, value, attention_mask=None, training=None):
            self.seen = None if attention_mask is None else tuple(attention_mask.shape)
            return super()._compute_attention(query, key, value, attention_mask, training)

    arguments = (2, 4) if layer is MultiHeadAttention else (4, 2, 1)
    x = np.random.default_rng(0).normal(size=(2, 5, 8)).astype("float32")
    own, plain = Own(*arguments), layer(*arguments)
    own(x, x, use_causal_mask=True), plain(x, x)
    assert own.seen == (1, 5, 5)
    plain.set_weights(own.get_weights())
    np.testing.assert_allclose(own(x, x, use_causal_mask=True), plain(x, x, use_causal_mask=True), rtol=1e-5, atol=1e-6)


def test_causal_and_other_masks_hold_together():
    layer = MultiHeadAttention(2, 4)
    x = np.ones((1, 4, 8), "float32")
    layer(x, x)
    heads = np.random.default_rng(0).normal(size=(1, 4, 2, 4)).astype("float32")
    extra = np.array([[[1, 0, 1, 1]] * 4], bool)
    for scores in (False, True):
        both, _ = layer._compute_attention(*[heads] * 3, extra, return_attention_scores=scores, use_causal_mask=True)
        joined, _ = layer._compute_attention(*[heads] * 3, extra & np.tri(4, dtype=bool),
                                             return_attention_scores=scores)
        np.testing.assert_allclose(both, joined, rtol=1e-5)
