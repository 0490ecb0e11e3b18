"""Padded sequences: masks that layers make, carry, eat, and that losses and metrics heed."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, integers, normal

RAW = [[711, 632, 71], [73, 8, 3215, 55, 927], [83, 91, 1, 645, 1253, 927]]
TOKENS = keras.utils.pad_sequences([[t % 20 + 1 for t in row] for row in RAW], padding="post")


def mask_of(x):
    return np.array(getattr(x, "_keras_mask", None))


def test_layers_that_make_masks():
    assert TOKENS.shape == (3, 6)
    embedded = layers.Embedding(30, 16, mask_zero=True)(TOKENS)
    np.testing.assert_array_equal(mask_of(embedded), TOKENS != 0)
    unmasked = np.tile(np.expand_dims(TOKENS, -1), [1, 1, 10]).astype("float32")
    np.testing.assert_array_equal(mask_of(layers.Masking()(unmasked)), TOKENS != 0)
    np.testing.assert_array_equal(np.array(layers.Embedding(30, 4, mask_zero=True).compute_mask(TOKENS)), TOKENS != 0)


def test_masks_reach_recurrent_layers_in_all_ways():
    embedding, lstm = layers.Embedding(30, 5, mask_zero=True), layers.LSTM(4)
    functional_inputs = keras.Input((None,), dtype="int32")
    functional = fix(keras.Model(functional_inputs, lstm(embedding(functional_inputs))))
    want = functional.predict(TOKENS, verbose=0)
    check_against_keras("mask: LSTM", want)
    sequential = keras.Sequential([embedding, lstm])
    np.testing.assert_allclose(np.array(sequential.predict(TOKENS, verbose=0)), want, rtol=1e-5, atol=1e-6)
    by_hand = lstm(embedding(TOKENS), mask=embedding.compute_mask(TOKENS))
    np.testing.assert_allclose(ops.convert_to_numpy(by_hand), want, rtol=1e-5, atol=1e-6)
    shorter = lstm(embedding(TOKENS[:1, :3]))
    np.testing.assert_allclose(ops.convert_to_numpy(shorter), want[:1], rtol=1e-5, atol=1e-6)


class TemporalSplit(layers.Layer):
    """Split in two along time, and the mask with it."""

    def call(self, inputs):
        return ops.split(inputs, 2, axis=1)

    def compute_mask(self, inputs, mask=None):
        return None if mask is None else ops.split(mask, 2, axis=1)


class CustomEmbedding(layers.Layer):
    def __init__(self, input_dim, output_dim, mask_zero=False, **kwargs):
        super().__init__(**kwargs)
        self.input_dim, self.output_dim, self.mask_zero = input_dim, output_dim, mask_zero

    def build(self, input_shape):
        self.embeddings = self.add_weight(shape=(self.input_dim, self.output_dim), initializer="random_normal",
                                          dtype="float32")

    def call(self, inputs):
        return ops.take(self.embeddings, ops.cast(inputs, "int32"), axis=0)

    def compute_mask(self, inputs, mask=None):
        return ops.not_equal(inputs, 0) if self.mask_zero else None


class PassThrough(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs):
        return keras.activations.relu(inputs)


class TemporalSoftmax(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.supports_masking = True

    def call(self, inputs, mask=None):
        assert mask is not None
        weights = ops.exp(inputs) * ops.cast(ops.expand_dims(mask, axis=-1), "float32")
        return inputs * weights / ops.sum(weights, axis=1, keepdims=True)


def test_layers_that_change_carry_and_eat_masks():
    embedded = layers.Embedding(30, 4, mask_zero=True)(TOKENS)
    first, second = TemporalSplit()(embedded)
    np.testing.assert_array_equal(mask_of(first), TOKENS[:, :3] != 0)
    np.testing.assert_array_equal(mask_of(second), TOKENS[:, 3:] != 0)
    inputs = keras.Input((None,), dtype="int32")
    x = PassThrough()(CustomEmbedding(30, 6, mask_zero=True)(inputs))
    assert getattr(x, "_keras_mask", None) is not None
    model = fix(keras.Model(inputs, TemporalSoftmax()(layers.Dense(1)(x))))
    y = np.array(model.predict(TOKENS, verbose=0))
    check_against_keras("mask: own layers", y)
    model.compile("sgd", "mse")
    model.fit(TOKENS, normal(3, 6, 1), verbose=0)


def tagger():
    inputs = keras.Input((6,), dtype="int32")
    x = layers.LSTM(5, return_sequences=True)(layers.Embedding(30, 4, mask_zero=True)(inputs))
    return fix(keras.Model(inputs, layers.TimeDistributed(layers.Dense(3, activation="softmax"))(x)))


def test_a_mask_is_heeded_by_losses_and_metrics():
    model = tagger()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy", "sparse_categorical_accuracy"],
                  weighted_metrics=["accuracy"])
    y = integers(3, 3, 6)
    arguments = {"epochs": 2, "batch_size": 2, "verbose": 0, "shuffle": False}
    check_against_keras("mask: losses", model.fit(TOKENS, y, **arguments).history)
    check_against_keras("mask: losses, evaluate", model.evaluate(TOKENS, y, verbose=0, return_dict=True))
    changed = np.where(TOKENS == 0, (y + 1) % 3, y)
    assert model.evaluate(TOKENS, changed, verbose=0) == pytest.approx(model.evaluate(TOKENS, y, verbose=0))


def test_masks_and_weights_of_time_steps():
    model = tagger()
    model.compile("sgd", "sparse_categorical_crossentropy")
    weight = np.random.RandomState(0).uniform(size=(3, 6))
    history = model.fit(TOKENS, integers(3, 3, 6), sample_weight=weight, epochs=2, batch_size=2, verbose=0,
                        shuffle=False)
    check_against_keras("mask: losses with weights", history.history)


@pytest.mark.parametrize("wrap", ["gru", "bidirectional", "stacked", "simple", "state", "time distributed"])
def test_masks_in_kinds_of_recurrences(wrap):
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(30, 4, mask_zero=True)(inputs)
    if wrap == "gru":
        out = layers.GRU(3)(layers.GRU(3, return_sequences=True)(x))
    elif wrap == "bidirectional":
        out = layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode="sum")(x)
    elif wrap == "stacked":
        out = layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)], return_sequences=True)(x)
    elif wrap == "simple":
        out = layers.SimpleRNN(3, go_backwards=True, return_sequences=True)(x)
    elif wrap == "state":
        out, *states = layers.LSTM(3, return_state=True)(x)
        out = layers.LSTM(3)(layers.RepeatVector(2)(out), initial_state=states)
    else:
        out = layers.LSTM(3)(layers.TimeDistributed(layers.Dense(3))(x))
    model = fix(keras.Model(inputs, out))
    check_against_keras(f"mask: {wrap}", model.predict(TOKENS, verbose=0))
    model.compile("sgd", "mse")
    y = normal(*model.predict(TOKENS, verbose=0).shape)
    check_against_keras(f"mask: {wrap}, fit", model.fit(TOKENS, y, epochs=2, verbose=0, shuffle=False).history)


def test_a_mask_that_is_lost_is_said():
    class Opaque(layers.Layer):
        def call(self, inputs):
            return inputs

    embedded = layers.Embedding(30, 4, mask_zero=True)(TOKENS)
    with pytest.warns(UserWarning, match="mask"):
        Opaque()(embedded)


def test_attention_over_padded_sequences():
    inputs = keras.Input((6,), dtype="int32")
    x = layers.Embedding(30, 4, mask_zero=True)(inputs)
    attended = layers.MultiHeadAttention(2, 3)(x, x)
    model = fix(keras.Model(inputs, layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x + attended))))
    check_against_keras("mask: attention", model.predict(TOKENS, verbose=0))
    query, value = keras.Input((None,), dtype="int32"), keras.Input((None,), dtype="int32")
    embedding = layers.Embedding(30, 4, mask_zero=True)
    attention = layers.Attention()([embedding(query), embedding(value)])
    both = fix(keras.Model([query, value], layers.GlobalAveragePooling1D()(attention)))
    check_against_keras("mask: dot attention", both.predict([TOKENS[:, :4], TOKENS], verbose=0))


def test_masks_through_merging_layers():
    a, b = keras.Input((6,), dtype="int32"), keras.Input((6,), dtype="int32")
    embedding = layers.Embedding(30, 4, mask_zero=True)
    for merge in (layers.Concatenate(), layers.Add(), layers.Concatenate(axis=1)):
        model = fix(keras.Model([a, b], layers.GlobalAveragePooling1D()(merge([embedding(a), embedding(b)]))))
        check_against_keras(f"mask: {type(merge).__name__} {getattr(merge, 'axis', '')}",
                            model.predict([TOKENS, TOKENS[::-1]], verbose=0))
