"""Recurrent layers: the contract, states, masks, dropout, and both ways to run a sequence."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.core.symbolic import KerasTensor, compute_output_spec
from kerasish.layers import (
    GRU,
    LSTM,
    RNN,
    BatchNormalization,
    Bidirectional,
    Conv2D,
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM3D,
    Dense,
    Dropout,
    GRUCell,
    Input,
    Lambda,
    Layer,
    LSTMCell,
    Masking,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    TimeDistributed,
)
from kerasish.layers.serialization import deserialize, serialize
from kerasish.utils.registry import builtins_in
from tests.layers.contract import Row, contract

KERNELS = ["kernel", "recurrent_kernel", "bias"]


def under(*prefixes):
    return [f"{prefix}/{name}" for prefix in prefixes for name in KERNELS]


BOTH = {"return_sequences": True, "return_state": True}
STATE, TWO = (2, 3), [(2, 3), (2, 3)]
ROWS = [
    Row(SimpleRNNCell, {"units": 3}, [(2, 4), [STATE]], KERNELS, spread=True, wrong=[(2, 4), [(2, 2)]]),
    Row(LSTMCell, {"units": 3}, [(2, 4), TWO], KERNELS, spread=True, wrong=[(2, 4), [(2, 2), (2, 2)]]),
    Row(GRUCell, {"units": 3}, [(2, 4), [STATE]], KERNELS, spread=True, wrong=[(2, 4), [(2, 2)]]),
    Row(GRUCell, {"units": 3, "reset_after": False}, [(2, 4), [STATE]], KERNELS, spread=True, id="before"),
    Row(StackedRNNCells, lambda: {"cells": [LSTMCell(3, name="one"), GRUCell(2, name="two")]},
        [(2, 4), [TWO, [(2, 2)]]], under("one", "two"), spread=True, wrong=[(2, 4), [TWO, [(2, 3)]]]),
    Row(RNN, lambda: {"cell": SimpleRNNCell(3, name="cell"), **BOTH}, (2, 3, 4), under("cell"), wrong=(2,)),
    Row(RNN, lambda: {"cell": StackedRNNCells([LSTMCell(3, name="one"), GRUCell(2, name="two")], name="all"), **BOTH},
        (2, 3, 4), under("all/one", "all/two"), id="stacked"),
    Row(SimpleRNN, {"units": 3}, (2, 3, 4), under("simple_rnn_cell"), wrong=(2, 3)),
    Row(LSTM, {"units": 3}, (2, 3, 4), under("lstm_cell"), wrong=(2, 3)),
    Row(LSTM, {"units": 3, "go_backwards": True, **BOTH}, (2, 3, 4), under("lstm_cell"), id="backwards"),
    Row(LSTM, {"units": 3, "recurrent_activation": "hard_silu", **BOTH}, (2, 3, 4), under("lstm_cell"), id="generic"),
    Row(LSTM, {"units": 3, "dropout": 0.5, "recurrent_dropout": 0.5, "seed": 1}, (2, 3, 4), under("lstm_cell"),
        call={"training": True}, random=True, gradient=False, id="dropout"),
    Row(GRU, {"units": 3}, (2, 3, 4), under("gru_cell"), wrong=(2, 3)),
    Row(GRU, {"units": 3, "reset_after": False, "dropout": 0.5, "recurrent_dropout": 0.5}, (2, 3, 4),
        under("gru_cell"), call={"training": True}, random=True, gradient=False, id="dropout"),
    Row(Bidirectional, lambda: {"layer": LSTM(3, name="lstm", **BOTH)}, (2, 3, 4),
        under("forward_lstm/lstm_cell", "backward_lstm/lstm_cell"), wrong=(2, 3)),
    Row(Bidirectional, lambda: {"layer": GRU(3, name="gru"), "merge_mode": None}, (2, 3, 4),
        under("forward_gru/gru_cell", "backward_gru/gru_cell"), id="apart"),
    Row(TimeDistributed, lambda: {"layer": Conv2D(2, 2, name="conv")}, (2, 3, 4, 3, 2), ["conv/kernel", "conv/bias"],
        wrong=(2, 3)),
    Row(TimeDistributed, lambda: {"layer": BatchNormalization(name="norm", epsilon=2.0)}, (4, 3, 2),
        [f"norm/{n}" for n in ("gamma", "beta", "moving_mean", "moving_variance")], id="steps"),
    Row(ConvLSTM1D, {"filters": 2, "kernel_size": 2}, (2, 3, 4, 2), under("conv_lstm_cell"), wrong=(2, 3, 4)),
    Row(ConvLSTM2D, {"filters": 2, "kernel_size": 2, "padding": "same", "data_format": "channels_first", **BOTH},
        (2, 3, 2, 3, 4), under("conv_lstm_cell"), wrong=(2, 3, 2, 3)),
    Row(ConvLSTM3D, {"filters": 1, "kernel_size": 2, "strides": 2}, (2, 2, 2, 3, 2, 2), under("conv_lstm_cell"),
        wrong=(2, 2, 2, 1, 2, 2)),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


RNG = np.random.default_rng(0)
X = RNG.normal(size=(3, 5, 4)).astype("float32")
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 0, 0, 0], [0, 1, 0, 1, 0]], bool)


def twin(layer, **changes):
    """Another layer of the same config and weights, some arguments changed."""
    described = serialize(layer)
    described["config"].update(changes)
    other = deserialize(described)
    other.build(X.shape)
    other.set_weights(layer.get_weights())
    return other


# ---- both ways to run a sequence --------------------------------------------------------------


@pytest.mark.parametrize("cls", [LSTM, GRU])
@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize("arguments", [{}, {"go_backwards": True}, {"zero_output_for_mask": True},
                                       {"use_bias": False}], ids=str)
def test_whole_sequences_are_steps(cls, mask, arguments):
    whole = cls(3, **BOTH, **arguments)
    whole(X)
    steps = twin(whole)
    steps.use_cudnn = False
    for a, b in zip(whole(X, mask=mask), steps(X, mask=mask), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_whole_sequences_demanded():
    layer = LSTM(3, activation="relu", use_cudnn=True)
    with pytest.raises(ValueError, match=f"{layer.name}.*use_cudnn"):
        layer(X)
    with pytest.raises(ValueError, match="use_cudnn"):
        GRU(3, use_cudnn="yes")


@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN])
def test_masked_steps_change_nothing(cls):
    layer = cls(3)
    short = layer(X[1:2, :2])
    np.testing.assert_allclose(layer(X[1:2], mask=MASK[1:2]), short, atol=1e-6)


def test_mask_of_images():
    layer = ConvLSTM2D(2, 2)
    x = RNG.normal(size=(3, 4, 4, 3, 2)).astype("float32")
    mask = np.array([[1, 1, 0, 0], [0, 1, 1, 0], [1, 1, 1, 1]], bool)
    out = np.asarray(layer(x, mask=mask))
    for sample, kept in enumerate(mask):
        np.testing.assert_allclose(out[sample], layer(x[sample : sample + 1, kept])[0], atol=1e-6)


def test_mask_comes_from_the_input_and_goes_on():
    x = X.copy()
    x[~MASK] = 0
    masked = Masking()(x)
    layer = LSTM(3, return_sequences=True)
    out = layer(masked)
    np.testing.assert_allclose(out, layer(x, mask=MASK), atol=1e-6)
    np.testing.assert_array_equal(out._keras_mask, MASK)
    assert getattr(LSTM(3)(masked), "_keras_mask", None) is None


# ---- states -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN])
def test_states_stay(cls):
    whole = cls(3, return_sequences=True)
    whole(X)
    kept = twin(whole, stateful=True, return_sequences=False)
    kept(X[:, :2])
    np.testing.assert_allclose(kept(X[:, 2:]), whole(X)[:, -1], atol=1e-5)
    assert len(kept.weights) == 3, "states are not among the weights"
    kept.reset_state()
    np.testing.assert_allclose(kept(X), whole(X)[:, -1], atol=1e-5)
    with pytest.raises(ValueError, match=f"{kept.name}.*batch of 2"):
        kept(X[:2])


def test_states_need_a_batch_size():
    with pytest.raises(ValueError, match="batch_shape"):
        LSTM(3, stateful=True)(Input((5, 4)))
    layer = LSTM(3, stateful=True)
    assert layer(Input(batch_shape=(2, 5, 4))).shape == (2, 3)
    assert compute_output_spec(layer, KerasTensor((None, 5, 4), "float32")).shape == (None, 3)
    assert not any(np.any(s) for s in layer.states)


@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN])
def test_first_states(cls):
    layer = cls(3, return_state=True)
    _, *middle = layer(X[:, :2])
    for a, b in zip(layer(X[:, 2:], initial_state=middle), layer(X), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-5)


def test_first_states_in_a_functional_call():
    states = [Input((3,)), Input((3,))]
    out = LSTM(3, return_state=True)(Input((None, 4)), initial_state=states)
    assert [x.shape for x in out] == [(None, 3)] * 3


def test_states_of_stacked_cells_go_back_in():
    layer = RNN([LSTMCell(3), GRUCell(2)], return_state=True)
    _, *middle = layer(X[:, :2])
    assert [len(middle[0]), middle[1].shape] == [2, (3, 2)]
    np.testing.assert_allclose(layer(X[:, 2:], initial_state=middle)[0], layer(X)[0], atol=1e-5)


def test_a_cell_of_the_users():
    class Sum(Layer):
        state_size = 4

        def call(self, inputs, states):
            total = states[0] + inputs
            return total * 2, [total]

    layer = RNN(Sum(), return_sequences=True, return_state=True)
    out, state = layer(X)
    np.testing.assert_allclose(out, 2 * np.cumsum(X, axis=1), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(state, X.sum(1), rtol=1e-5, atol=1e-5)
    assert layer.compute_output_shape((None, 5, 4)) == ((None, 5, 4), (None, 4))


@pytest.mark.parametrize("cell", [3, Dense(2)])
def test_cells_refused(cell):
    for make in (RNN, lambda c: StackedRNNCells([c])):
        with pytest.raises(ValueError, match="state_size"):
            make(cell)


def test_no_steps():
    with pytest.raises(ValueError, match="at least one"):
        LSTM(3)(X[:, :0])


# ---- dropout ----------------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [{"dropout": 0.5}, {"recurrent_dropout": 0.5}, {"dropout": 1.0},
                                       {"dropout": 0.5, "implementation": 1}], ids=str)
@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN])
def test_dropout(cls, arguments):
    if cls is SimpleRNN:
        arguments = {k: v for k, v in arguments.items() if k != "implementation"}
    layer = cls(8, seed=1, **arguments)
    plain = np.asarray(layer(X))
    np.testing.assert_array_equal(layer(X, training=False), plain)
    first, second = (np.asarray(layer(X, training=True)) for _ in range(2))
    assert not np.allclose(first, plain)
    assert arguments.get("dropout") == 1.0 or not np.allclose(first, second), "a mask a call"
    again = cls(8, seed=1, **arguments)
    again.build(X.shape)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(X, training=True), first)


def test_dropout_of_inputs_is_the_same_at_every_step():
    layer = SimpleRNN(4, activation=None, use_bias=False, kernel_initializer="identity", dropout=0.5, seed=3,
                      recurrent_initializer="zeros", return_sequences=True)
    kept = np.asarray(layer(np.ones((3, 5, 4), "float32"), training=True))
    assert set(np.unique(kept)) == {0.0, 2.0}
    assert (kept == kept[:, :1]).all()


@pytest.mark.parametrize("argument", ["dropout", "recurrent_dropout"])
def test_dropout_refused(argument):
    with pytest.raises(ValueError, match=argument):
        LSTM(3, **{argument: 1.5})


# ---- initial bias, arguments ------------------------------------------------------------------


def test_forget_bias():
    layer = LSTM(2)
    layer.build(X.shape)
    np.testing.assert_array_equal(layer.cell.bias, [0, 0, 1, 1, 0, 0, 0, 0])
    layer = LSTM(2, unit_forget_bias=False)
    layer.build(X.shape)
    assert not np.any(layer.cell.bias)


def test_arguments_of_the_cell():
    layer = GRU(3, kernel_regularizer="l2", reset_after=False, name="gru", trainable=False, dtype="float64")
    assert layer.units == 3 and layer.reset_after is False and layer.kernel_regularizer is layer.cell.kernel_regularizer
    layer.build(X.shape)
    assert layer.cell.dtype == "float64" and layer.trainable_weights == []


@pytest.mark.parametrize("cls", [LSTM, GRU, SimpleRNN, LSTMCell, GRUCell, SimpleRNNCell])
@pytest.mark.parametrize("units", [0, -1])
def test_units_refused(cls, units):
    with pytest.raises(ValueError, match="units"):
        cls(units)


def test_lengths_that_images_must_say():
    with pytest.raises(ValueError, match="spatial axes"):
        ConvLSTM2D(2, 2)(Input((3, None, 4, 2)))
    with pytest.raises(ValueError, match="strides"):
        ConvLSTM2D(2, 2, strides=2, dilation_rate=2)


# ---- both directions --------------------------------------------------------------------------


def test_bidirectional_is_forwards_and_backwards():
    both = Bidirectional(LSTM(3, return_sequences=True))
    out = np.asarray(both(X))
    np.testing.assert_allclose(out[..., :3], both.forward_layer(X), atol=1e-6)
    np.testing.assert_allclose(out[..., 3:], np.asarray(both.backward_layer(X))[:, ::-1], atol=1e-6)


def test_bidirectional_weights():
    values = [RNG.normal(size=shape).astype("float32") for shape in 2 * [(4, 12), (3, 12), (12,)]]
    both = Bidirectional(LSTM(3), weights=values)
    both(X)
    for w, value in zip(both.weights, values, strict=True):
        np.testing.assert_array_equal(w, value)


def test_bidirectional_states_stay():
    both = Bidirectional(GRU(3, stateful=True))
    both(X)
    assert len(both.states) == 2 and all(np.any(s) for s in both.states)
    both.reset_states()
    assert not any(np.any(s) for s in both.states)
    with pytest.raises(AttributeError, match="stateful"):
        Bidirectional(GRU(3)).reset_state()


@pytest.mark.parametrize(("layer", "arguments", "message"), [
    (3, {}, "layer"),
    (LSTM(3), {"merge_mode": "max"}, "merge_mode"),
    (LSTM(3), {"backward_layer": LSTM(3)}, "go_backwards"),
    (LSTM(3), {"backward_layer": LSTM(3, go_backwards=True, return_sequences=True)}, "return_sequences"),
    (LSTM(3), {"backward_layer": 3}, "backward_layer"),
])
def test_bidirectional_refuses(layer, arguments, message):
    with pytest.raises(ValueError, match=message):
        Bidirectional(layer, **arguments)


# ---- each step by itself ----------------------------------------------------------------------


def test_layers_that_follow_the_batch_are_called_step_by_step():
    norm = BatchNormalization(momentum=0.0)
    out = np.asarray(TimeDistributed(norm)(X, training=True))
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(norm.moving_mean, X[:, -1].mean(0), atol=1e-5)


@pytest.mark.parametrize("inner", [Dense(2), Lambda(lambda x: ops.cumsum(x, axis=0)), LSTM(2), Dropout(0.5)],
                         ids=lambda layer: type(layer).__name__)
def test_time_distributed(inner):
    x = RNG.normal(size=(3, 5, 4, 2)).astype("float32")
    out = TimeDistributed(inner)(x)
    want = np.stack([np.asarray(inner(x[:, t])) for t in range(5)], axis=1)
    np.testing.assert_allclose(out, want, atol=1e-5)


def test_time_distributed_mask():
    x = RNG.normal(size=(3, 5, 4, 2)).astype("float32")
    mask = RNG.uniform(size=(3, 5, 4)) < 0.5
    inner = LSTM(2)
    out = TimeDistributed(inner)(x, mask=mask)
    np.testing.assert_allclose(out[:, 2], inner(x[:, 2], mask=mask[:, 2]), atol=1e-5)
    with pytest.raises(ValueError, match="mask"):
        TimeDistributed(Dense(2))(x, mask=mask[:, :2])


def test_time_distributed_of_unknown_length():
    assert TimeDistributed(Dense(2))(Input((None, 4))).shape == (None, None, 2)


def test_nothing_is_left_out():
    exported = builtins_in("keras.layers").items()
    assert {row.layer.__name__ for row in ROWS} == {
        name for name, made in exported if made.__module__.startswith("kerasish.layers.recurrent.")}
