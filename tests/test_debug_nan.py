"""The search for NaNs: which op of which layer made one, in which pass, step and epoch; and nothing where none is."""

import inspect

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from kerasish.core.dispatch import state
from kerasish.training.nan_watch import NanWatch

RNG = np.random.default_rng(0)
X, Y = RNG.random((24, 4), "float32"), RNG.random((24, 1), "float32")


class Log(layers.Layer):
    """A layer that makes NaNs of what is below 1."""

    def call(self, x):
        return ops.log(x - 1.0)


class Root(layers.Layer):
    """A layer whose result is finite and whose gradient is not."""

    def call(self, x):
        return ops.sqrt(x * 0.0)


def compiled(*middle, optimizer="sgd", loss="mse", **kwargs):
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, name="first"), *middle, layers.Dense(1, name="last")],
                             name="net")
    model.compile(optimizer, loss, **kwargs)
    return model


def told(model, *args, method="fit", **kwargs):
    """What the error says."""
    with pytest.raises(FloatingPointError) as error:
        getattr(model, method)(*args, verbose=0, batch_size=8, debug_nan=True, **kwargs)
    return str(error.value)


def line_of(function):
    return f"{__file__}:{inspect.getsourcelines(function)[1] + 1}"


def test_the_op_the_layer_and_the_line_are_named():
    message = told(compiled(Log(name="middle")), X, Y)
    assert "training step 0 of epoch 0" in message and "log 'loss'" in message
    assert "made by op 'log' in layer 'net/middle' (Log), forward pass" in message
    assert line_of(Log.call) in message and "x = float32[8, 3] from -" in message


def test_a_gradient_is_named_by_the_op_that_it_is_of():
    message = told(compiled(Root(name="middle")), X, Y)
    assert "op 'multiply' in the gradient of op 'multiply' in layer 'net/middle' (Root)" in message
    assert "backward pass" in message and line_of(Root.call) in message
    # 0 * infinity, and the infinity came first
    assert "24 infinite" in message
    assert "An infinity among its inputs came from op 'divide' in the gradient of op 'sqrt' in layer" in message


def test_a_loss_of_ones_own_is_named():
    def strange(y, out):
        return ops.mean(ops.log(-1.0 - ops.square(out)))

    message = told(compiled(loss=strange), X, Y)
    assert "op 'log' in loss 'strange'" in message and line_of(strange) in message


def test_the_optimizer_is_named():
    class Wrong(keras.optimizers.SGD):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign(variable - ops.sqrt(-1.0 - ops.square(gradient)))

    message = told(compiled(optimizer=Wrong(0.1)), X, Y)
    assert "op 'sqrt' in optimizer" in message and "(Wrong), update" in message


@pytest.mark.parametrize("as_number", [False, True])
def test_a_step_of_ones_own_is_named(as_number):
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.dense = layers.Dense(1)

        def train_step(self, data):
            x, y = data
            loss = ops.mean(ops.log(ops.min(self.dense(x)) * 0.0 - 1.0))
            return {"loss": float(loss)} if as_number else {"loss": loss}

    model = Own()
    model.compile("sgd", "mse")
    message = told(model, X, Y)
    assert "reached log 'loss'" in message
    assert "op 'log' in train_step() of model 'own', forward pass" in message


def test_steps_and_epochs_are_counted_and_the_step_is_undone():
    keras.utils.set_random_seed(0)
    counter = keras.Variable(0.0, trainable=False)

    class Late(layers.Layer):
        def __init__(self):
            super().__init__(name="late")
            self.counter = counter

        def call(self, x):
            self.counter.assign_add(1.0)
            return x + ops.log(ops.maximum(4.5 - self.counter, -1.0))  # the fifth call: a NaN

    model = compiled(Late(), optimizer="adam")
    seen = []
    callback = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: seen.append(model.get_weights()))
    message = told(model, X, Y, epochs=3, callbacks=[callback])
    assert "training step 1 of epoch 1" in message and "layer 'net/late'" in message
    assert len(seen) == 4 and float(counter) == 4.0
    for now, then in zip(model.get_weights(), seen[-1], strict=True):
        np.testing.assert_array_equal(now, then)
    assert int(model.optimizer.iterations) == 4


def test_nan_in_the_data_is_no_ops_fault():
    x = X.copy()
    x[20, 1] = np.nan
    message = told(compiled(), x, Y, shuffle=False)
    assert "step 2" in message and "in the data, x," in message and "first read by op 'matmul'" in message
    assert "1 NaN" in message
    weights = np.where(np.arange(24) == 9, np.nan, 1.0).astype("float32")
    assert "in the data, sample_weight," in told(compiled(), X, Y, sample_weight=weights, shuffle=False)


def test_nan_in_a_variable_is_no_ops_fault():
    model = compiled()
    model.layers[1].kernel.assign(np.full((3, 1), np.nan))
    assert "in variable 'net/last/kernel'" in told(model, X, Y)


def test_validation_and_evaluation_are_watched():
    x = X.copy()
    x[20, 1] = np.nan
    assert "validation step 2 of epoch 0" in told(compiled(), X, Y, validation_data=(x, Y))
    message = told(compiled(), x, Y, method="evaluate")
    assert "evaluation step 2 (counted" in message


def test_a_metric_is_named():
    message = told(compiled(metrics=[lambda y, out: ops.log(-1.0 - ops.abs(out))]), X, Y)
    assert "op 'log' in metric 'lambda'" in message


def test_nan_that_reaches_nothing_is_no_error():
    class Masked(layers.Layer):
        def call(self, x):
            return ops.where(x > 0, x, ops.stop_gradient(ops.log(x) * 0.0 + x))

    class Unread(layers.Layer):
        def call(self, x):
            ops.log(x - 100.0)
            return ops.nan_to_num(ops.stop_gradient(ops.log(x)), nan=0.5) + x

    model = compiled(Unread())
    model.fit(X, Y, verbose=0, batch_size=8, debug_nan=True)
    assert "op 'log' in layer 'net/masked'" in told(compiled(Masked(name="masked")), X, Y)


def test_overflows_that_loss_scaling_throws_away_are_no_error():
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((4,)), layers.Dense(8, dtype="mixed_float16"), layers.Dense(1)])
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.01), initial_scale=2.0**40), "mse")
    model.fit(X, Y, verbose=0, batch_size=8, debug_nan=True)
    assert float(model.optimizer.dynamic_scale) < 2.0**40


def test_the_setting_watches_without_the_argument():
    model = compiled(Log())
    assert not keras.config.is_debug_nan_enabled()
    keras.config.enable_debug_nan()
    try:
        for run in (model.fit, model.evaluate, model.train_on_batch, model.test_on_batch):
            with pytest.raises(FloatingPointError, match="op 'log' in layer"):
                run(X[:8], Y[:8], **({"verbose": 0} if "verbose" in inspect.signature(run).parameters else {}))
    finally:
        keras.config.disable_debug_nan()
    assert not keras.config.is_debug_nan_enabled()
    model.fit(X, Y, verbose=0)


def test_nothing_is_watched_without_being_asked():
    model = compiled()
    assert model._watched(model.make_train_function(), "training") is model.train_function
    assert isinstance(model._watched(model.train_function, "training", debug_nan=True), NanWatch)
    model.fit(X, Y, verbose=0, debug_nan=True)
    assert state.interpreter is None


def test_training_under_watch_is_training():
    def train(**kwargs):
        keras.utils.set_random_seed(3)
        tokens = np.random.default_rng(1).integers(0, 9, (24, 6)).astype("int32")
        i = keras.Input((6,), dtype="int32")
        h = layers.Embedding(9, 8, mask_zero=True)(i)
        h = layers.LayerNormalization()(h + layers.MultiHeadAttention(2, 4, dropout=0.2)(h, h, use_causal_mask=True))
        h = layers.BatchNormalization()(layers.LSTM(5)(h))
        model = keras.Model(i, layers.Dense(3, activation="softmax")(layers.Dropout(0.2)(h)))
        model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
        return model.fit(tokens, np.arange(24) % 3, batch_size=8, epochs=2, verbose=0, validation_split=0.25,
                         **kwargs).history

    watched, plain = train(debug_nan=True), train()
    for name in plain:
        np.testing.assert_allclose(watched[name], plain[name], rtol=1e-5)
