"""Recurrent layers, their cells and wrappers. Also TimeDistributed."""

from make.draws import normal, prefix
from make.layers import inner, row

X = normal(2, 4, 3)
MASK = prefix(2, 4)


def states(cls: str, units: int = 2, batch: int = 2) -> list:
    return [normal(batch, units) for _ in range(2 if cls == "LSTM" else 1)]


ROWS = []
for cls in ("LSTM", "GRU", "SimpleRNN"):
    ROWS += [
        row(cls, "last", dict(units=2), X),
        row(cls, "sequences", dict(units=2, return_sequences=True), X),
        row(cls, "state", dict(units=2, return_state=True), X),
        row(cls, "sequences_state_backwards", dict(units=2, return_sequences=True, return_state=True,
                                                   go_backwards=True), X),
        row(cls, "no_bias", dict(units=2, use_bias=False), X),
        row(cls, "mask", dict(units=2), X, mask=MASK),
        row(cls, "mask_sequences", dict(units=2, return_sequences=True, return_state=True), X, mask=MASK),
        row(cls, "mask_backwards", dict(units=2, go_backwards=True), X, mask=MASK),
        row(cls, "initial_state", dict(units=2, return_sequences=True), X, initial_state=states(cls)),
        row(cls, "unroll", dict(units=2, unroll=True, return_sequences=True), X),
        row(cls, "unroll_mask", dict(units=2, unroll=True), X, mask=MASK),
        row(cls, "stateful", dict(units=2, stateful=True), X, calls=[{}, {}], symbolic=False, grad=False),
        row(cls, "one_step", dict(units=2, return_sequences=True), normal(2, 1, 3)),
    ]
ROWS += [
    row("LSTM", "activations", dict(units=2, activation="relu", recurrent_activation="hard_sigmoid"), X),
    row("LSTM", "no_unit_forget", dict(units=2, unit_forget_bias=False), X),
    row("GRU", "reset_before", dict(units=2, reset_after=False, return_sequences=True), X),
    row("GRU", "reset_before_mask", dict(units=2, reset_after=False), X, mask=MASK),
    row("GRU", "activations", dict(units=2, activation="relu", recurrent_activation="tanh"), X),
    row("GRU", "reset_after_no_bias", dict(units=2, use_bias=False, reset_after=True), X),
    row("SimpleRNN", "relu", dict(units=2, activation="relu"), X),
    row("LSTMCell", "step", dict(units=2), normal(2, 3), states=[normal(2, 2), normal(2, 2)], symbolic=False),
    row("GRUCell", "step", dict(units=2), normal(2, 3), states=[normal(2, 2)], symbolic=False),
    row("GRUCell", "reset_before", dict(units=2, reset_after=False), normal(2, 3), states=[normal(2, 2)],
        symbolic=False),
    row("SimpleRNNCell", "step", dict(units=2), normal(2, 3), states=[normal(2, 2)], symbolic=False),
    row("RNN", "lstm_cell", dict(cell=inner("LSTMCell", units=2), return_sequences=True, return_state=True), X),
    row("RNN", "gru_cell_mask", dict(cell=inner("GRUCell", units=2)), X, mask=MASK),
    row("RNN", "zero_output_for_mask", dict(cell=inner("SimpleRNNCell", units=2), return_sequences=True,
                                            zero_output_for_mask=True), X, mask=MASK),
    row("RNN", "stacked", dict(cell=inner("StackedRNNCells", cells=[inner("LSTMCell", units=2),
                                                                  inner("GRUCell", units=3)]),
                               return_sequences=True, return_state=True), X),
    row("RNN", "list_of_cells", dict(cell=[inner("LSTMCell", units=2), inner("LSTMCell", units=2)]), X),
    row("StackedRNNCells", "step", dict(cells=[inner("LSTMCell", units=2), inner("SimpleRNNCell", units=3)]),
        normal(2, 3), states=[[normal(2, 2), normal(2, 2)], [normal(2, 3)]], symbolic=False),
    row("Bidirectional", "lstm_state", dict(layer=inner("LSTM", units=2, return_sequences=True, return_state=True)), X),
    row("Bidirectional", "gru_mask", dict(layer=inner("GRU", units=2, return_sequences=True)), X, mask=MASK),
    row("Bidirectional", "lstm_last_mask", dict(layer=inner("LSTM", units=2)), X, mask=MASK),
    row("Bidirectional", "two_layers", dict(layer=inner("LSTM", units=2), backward_layer=inner(
        "SimpleRNN", units=2, go_backwards=True)), X),
    row("Bidirectional", "initial_state", dict(layer=inner("LSTM", units=2)), X,
        initial_state=[normal(2, 2) for _ in range(4)]),
    row("TimeDistributed", "dense", dict(layer=inner("Dense", units=2, activation="relu")), X),
    row("TimeDistributed", "conv", dict(layer=inner("Conv2D", filters=2, kernel_size=2)), normal(2, 3, 3, 3, 1)),
    row("TimeDistributed", "mask", dict(layer=inner("Dense", units=2)), X, mask=MASK),
    row("ConvLSTM2D", "last", dict(filters=2, kernel_size=2), normal(2, 3, 4, 4, 1)),
    row("ConvLSTM2D", "sequences_same", dict(filters=2, kernel_size=3, padding="same", return_sequences=True,
                                             return_state=True), normal(1, 3, 4, 3, 2)),
    row("ConvLSTM2D", "backwards_stride", dict(filters=2, kernel_size=2, strides=2, go_backwards=True, use_bias=False),
        normal(2, 3, 4, 4, 1)),
    row("ConvLSTM1D", "sequences", dict(filters=2, kernel_size=2, padding="same", return_sequences=True),
        normal(2, 3, 4, 1)),
    row("ConvLSTM3D", "last", dict(filters=1, kernel_size=2), normal(1, 2, 3, 3, 2, 1)),
    row("ConvLSTM2D", "channels_first", dict(filters=2, kernel_size=2, data_format="channels_first"),
        normal(1, 2, 1, 3, 3)),
]
for merge in ("concat", "sum", "ave", "mul", None):
    for sequences in (False, True):
        ROWS.append(row("Bidirectional", f"{merge}_{'sequences' if sequences else 'last'}", dict(
            layer=inner("LSTM", units=2, return_sequences=sequences), merge_mode=merge), X))
