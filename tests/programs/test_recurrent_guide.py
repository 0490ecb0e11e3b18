"""Recurrent networks: states, custom cells, stateful layers, encoders and decoders, generation."""

import numpy as np

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, integers, normal


def test_encoder_and_decoder_share_states():
    encoder_input = keras.Input(shape=(None,), dtype="int32")
    embedded = layers.Embedding(12, 6)(encoder_input)
    _, h, c = layers.LSTM(5, return_state=True, name="encoder")(embedded)
    decoder_input = keras.Input(shape=(None,), dtype="int32")
    decoded = layers.LSTM(5, name="decoder")(layers.Embedding(12, 6)(decoder_input), initial_state=[h, c])
    model = fix(keras.Model([encoder_input, decoder_input], layers.Dense(4, activation="softmax")(decoded)))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["acc"])
    x, y, labels = integers(12, 9, 7), integers(12, 9, 4), integers(4, 9)
    check_against_keras("rnn: encoder, decoder", model.fit([x, y], labels, batch_size=4, epochs=2, verbose=0,
                                                           shuffle=False).history)
    check_against_keras("rnn: encoder, decoder, predict", model.predict([x, y], verbose=0))


def test_states_across_batches():
    layer = layers.LSTM(4, stateful=True)
    paragraphs = [normal(3, 5, 2, seed=s) for s in range(3)]
    layer(paragraphs[0])
    fix(layer)
    layer.reset_states()
    outs = [ops.convert_to_numpy(layer(p)) for p in paragraphs]
    check_against_keras("rnn: stateful", outs)
    whole = layers.LSTM(4)
    joined = np.concatenate(paragraphs, axis=1)
    whole(joined)
    fix(whole)
    np.testing.assert_allclose(ops.convert_to_numpy(whole(joined)), outs[-1], rtol=1e-5, atol=1e-6)
    layer.reset_state()
    np.testing.assert_allclose(ops.convert_to_numpy(layer(paragraphs[0])), outs[0], rtol=1e-5, atol=1e-6)


class NestedCell(layers.Layer):
    """A cell whose inputs and states are nested, of the guide."""

    def __init__(self, unit_1, unit_2, unit_3, **kwargs):
        self.unit_1, self.unit_2, self.unit_3 = unit_1, unit_2, unit_3
        self.state_size = [(unit_1,), (unit_2, unit_3)]
        self.output_size = [(unit_1,), (unit_2, unit_3)]
        super().__init__(**kwargs)

    def build(self, input_shapes):
        i1, i2, i3 = input_shapes[0][1], input_shapes[1][1], input_shapes[1][2]
        self.kernel_1 = self.add_weight(shape=(i1, self.unit_1), initializer="uniform", name="kernel_1")
        self.kernel_2_3 = self.add_weight(shape=(i2, i3, self.unit_2, self.unit_3), initializer="uniform",
                                          name="kernel_2_3")

    def call(self, inputs, states):
        input_1, input_2 = inputs
        s1, s2 = states
        output_1 = ops.matmul(input_1, self.kernel_1)
        output_2_3 = ops.einsum("bij,ijkl->bkl", input_2, self.kernel_2_3)
        return (output_1, output_2_3), [s1 + output_1, s2 + output_2_3]


class MinimalCell(layers.Layer):
    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, input_shape):
        self.kernel = self.add_weight(shape=(input_shape[-1], self.units), initializer="uniform", name="kernel")
        self.recurrent_kernel = self.add_weight(shape=(self.units, self.units), initializer="uniform",
                                                name="recurrent_kernel")

    def call(self, inputs, states):
        output = ops.matmul(inputs, self.kernel) + ops.matmul(states[0], self.recurrent_kernel)
        return output, [output]


def test_a_cell_of_ones_own():
    inputs = keras.Input((None, 5))
    model = fix(keras.Model(inputs, layers.RNN([MinimalCell(4), MinimalCell(3)])(inputs)))
    x = normal(4, 6, 5)
    check_against_keras("rnn: own cell", model.predict(x, verbose=0))
    model.compile("sgd", "mse")
    check_against_keras("rnn: own cell, fit", model.fit(x, normal(4, 3), epochs=2, verbose=0, shuffle=False).history)


def test_timeseries_with_dropout_stacks_and_both_directions():
    data, targets = normal(60, 3), normal(60)
    dataset = keras.utils.timeseries_dataset_from_array(data[:-5], targets[5:], sequence_length=5, batch_size=16)
    inputs = keras.Input((5, 3))
    x = layers.GRU(4, recurrent_dropout=0.1, return_sequences=True)(inputs)
    x = layers.Bidirectional(layers.LSTM(4))(x)
    model = keras.Model(inputs, layers.Dense(1)(layers.Dropout(0.3)(x)))
    model.compile("rmsprop", "mse", metrics=["mae"])
    history = model.fit(dataset, epochs=2, validation_data=dataset, verbose=0).history
    assert np.isfinite(list(history.values())).all() and list(history) == ["loss", "mae", "val_loss", "val_mae"]


def test_text_is_made_letter_by_letter():
    model = keras.Sequential([keras.Input((4, 6)), layers.LSTM(8), layers.Dense(6, activation="softmax")])
    fix(model)
    text = [0, 1, 2, 3]
    for _ in range(5):
        x = np.eye(6, dtype="float32")[text[-4:]][None]
        text.append(int(np.argmax(model.predict(x, verbose=0)[0])))
    check_against_keras("rnn: letters", text)
