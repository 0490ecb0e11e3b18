"""Training of recurrent models: compiled as eager, in programs that do not grow with the length of sequences."""

import tracemalloc
import warnings

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from kerasish.compiler.function import function
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify
from kerasish.core import dispatch
from kerasish.core.dispatch import to_tensor
from tests.compiled_modes import compiled_mode  # noqa: F401  (a fixture)
from tests.test_compiled_control import count, draw, names


@keras.saving.register_keras_serializable()
class Cell(layers.Layer):
    """A cell of one's own, with a gate, a weight that it counts in, and a loss a step."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = self.state_size = units

    def build(self, shape):
        self.w = self.add_weight((shape[-1] + self.units, 2 * self.units), name="w")
        self.count = self.add_weight((), initializer="zeros", trainable=False, name="count")
        super().build(shape)

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    def call(self, x, states):
        h, = states
        z, n = ops.split(ops.concatenate([x, h], -1) @ self.w, 2, axis=-1)
        z = ops.sigmoid(z)
        self.count.assign_add(1.0)
        self.add_loss(1e-3 * ops.mean(h * h))
        h = z * h + (1 - z) * ops.tanh(n)
        return h, [h]


def cells():
    return [Cell(5), layers.LSTMCell(4, dropout=0.2, recurrent_dropout=0.3, activation="relu", seed=1)]


RECURRENT = {
    "own cell": lambda: [layers.RNN(Cell(6))],
    "sequences": lambda: [layers.RNN(Cell(6), return_sequences=True), layers.RNN(Cell(4), go_backwards=True)],
    "backwards sequences": lambda: [layers.RNN(Cell(6), return_sequences=True, go_backwards=True), layers.Flatten()],
    "stacked": lambda: [layers.RNN(cells())],
    "masked": lambda: [layers.Masking(), layers.RNN(Cell(6), return_sequences=True), layers.RNN(Cell(4))],
    "masked backwards": lambda: [layers.Masking(), layers.RNN(Cell(6), go_backwards=True, zero_output_for_mask=True)],
    "masked, unrolled": lambda: [layers.Masking(), layers.RNN(Cell(6), unroll=True)],
    "dropout": lambda: [layers.SimpleRNN(5, dropout=0.3, recurrent_dropout=0.2, seed=3)],
    "gru, another activation": lambda: [layers.GRU(5, activation="relu", recurrent_dropout=0.2, seed=3)],
    "convolutional": lambda: [layers.Reshape((-1, 3, 1, 1)), layers.ConvLSTM2D(2, (2, 1), dropout=0.1, seed=1,
                                                                           return_sequences=True),
                              layers.ConvLSTM2D(2, (2, 1)), layers.Flatten()],
    "bidirectional": lambda: [layers.Bidirectional(layers.RNN(Cell(4), return_sequences=True)), layers.Flatten()],
    "time distributed": lambda: [layers.TimeDistributed(layers.BatchNormalization()), layers.Flatten()],
    "lambda in time": lambda: [layers.TimeDistributed(layers.Lambda(lambda x: x * x)), layers.Flatten()],
}


def fitted(make, eager, steps=7):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(24, steps, 3)).astype("float32"), rng.integers(0, 3, 24)
    x[:, 2], x[::3, 4:] = 0, 0  # what masks leave out
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((steps, 3)), *make(), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", run_eagerly=eager)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    return model, history.history["loss"], (to_tensor(x[:8]), to_tensor(y[:8]))


@pytest.mark.parametrize("name", RECURRENT)
def test_training_compiled_is_training_eager(name):
    (eager, want, _), (compiled, got, batch) = (fitted(RECURRENT[name], e) for e in (True, False))
    np.testing.assert_allclose(got, want, rtol=1e-5)
    for a, b in zip(compiled.weights, eager.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
    program, _ = trace(lambda *data: compiled.train_step(data), batch, {})
    verify(program)
    assert ("scan" in names(program)) == ("unrolled" not in name)


@pytest.mark.parametrize("name", [n for n in RECURRENT if "unrolled" not in n])
def test_a_train_step_does_not_grow_with_time(name):
    sizes = []
    for steps in (7, 40):
        model, _, batch = fitted(RECURRENT[name], False, steps)
        sizes.append(count(trace(lambda *data, m=model: m.train_step(data), batch, {})[0]))
    assert sizes[0] == sizes[1]


def test_gradient_accumulation_and_loss_scaling_compile():
    for make in (lambda: keras.optimizers.Adam(gradient_accumulation_steps=3),
                 lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), dynamic_growth_steps=2)):
        weights = []
        for eager in (True, False):
            keras.utils.set_random_seed(1)
            model = keras.Sequential([keras.Input((3,)), layers.Dense(2)])
            model.compile(make(), "mse", run_eagerly=eager)
            model.fit(np.asarray(draw(24, 3)), np.asarray(draw(24, 2)), batch_size=4, epochs=2, verbose=0)
            weights.append([*model.get_weights(), *map(np.asarray, model.optimizer.variables)])
        for a, b in zip(*weights, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-5, atol=1e-6)


def test_a_warm_step_whose_update_is_a_branch_allocates_no_arrays(compiled_mode):  # noqa: F811
    model = keras.Sequential([keras.Input((200,)), layers.Dense(200)])
    model.compile(keras.optimizers.Adam(gradient_accumulation_steps=2), "mse")
    data = draw(4, 200), draw(4, 200)
    step = function(lambda *batch: model.train_step(batch))
    for _ in range(4):
        step(*data)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    step(*data)
    step(*data)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 200 * 200 * 4 / 4  # less than a quarter of the kernel


def test_other_interpreters_see_the_steps_of_loops():
    class Counting:
        seen = 0

        def apply(self, card, inputs, params):
            self.seen += card.name == "tanh"
            return dispatch.run_kernel(card, inputs, params)

    counting = Counting()
    with dispatch.scope(interpreter=counting):
        ops.scan(lambda c, x: (ops.tanh(c), x), draw(3), draw(4, 3))
        layers.SimpleRNN(2)(draw(1, 5, 3))
        ops.cond(ops.sum(draw(2)) > 9, lambda: ops.tanh(draw(2)), lambda: draw(2))
    assert counting.seen == 4 + 5
