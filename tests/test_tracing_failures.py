"""Code that cannot be traced: training runs op by op with the right result, and one warning names the user's line."""

import gc
import inspect
import warnings

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops

X = np.random.default_rng(0).normal(size=(32, 4)).astype("float32")
Y = (X @ np.ones((4, 1)) + 0.1).astype("float32")
CULPRIT = "# asks for a value"


def branch(x):
    if ops.mean(x) > 0.0:  # asks for a value
        return x * 2.0
    return x * 0.5


def loop(x):
    out = x
    for _ in range(int(ops.max(ops.abs(x))) % 3):  # asks for a value
        out = out * 0.5
    return out


def numpy_function(x):
    scale = np.sum(x) / 100.0  # asks for a value
    return x * float(1.0 + scale**2)


def array(x):
    scale = np.asarray(x).std()  # asks for a value
    return x * float(scale)


def print_tensor(x):
    print(ops.mean(x))  # asks for a value
    return x * 2.0


def print_formatted(x):
    print(f"mean {ops.mean(x):.3f}")  # asks for a value
    return x * 2.0


def print_nested(x):
    print({"mean": ops.mean(x)})  # asks for a value
    return x * 2.0


CAUSES = [branch, loop, numpy_function, array, print_tensor, print_formatted, print_nested]


def in_layer(cause):
    class Custom(layers.Layer):
        def call(self, x):
            return cause(x)

    # built by hand, for shapes cannot be inferred from what asks for values
    return Custom(), {}, keras.Model


def in_step(cause):
    class Custom(keras.Model):
        def train_step(self, data):
            x, y = data
            with keras.GradientTape() as tape:
                loss = ops.mean(ops.square(cause(self(x, training=True)) - y))
            self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
            return {"loss": loss}

    return None, {}, Custom


def in_loss(cause):
    return None, {"loss": lambda y, out: ops.mean(ops.square(cause(out) - y))}, keras.Model


def in_metric(cause):
    return None, {"metrics": [lambda y, out: ops.mean(cause(out))]}, keras.Model


PLACES = [in_layer, in_step, in_loss, in_metric]


def train(cause, place, **how):
    """The history and weights of a model with a cause in a place."""
    keras.utils.set_random_seed(1)
    layer, compiling, kind = place(cause)
    first, last = layers.Dense(3, activation="tanh"), layers.Dense(1)
    if layer is None:
        i = keras.Input((4,))
        model = kind(i, last(layers.Dropout(0.25)(first(i))))
    else:
        class Net(keras.Model):
            def __init__(self):
                super().__init__()
                self.parts = [first, layer, layers.Dropout(0.25), last]

            def call(self, x):
                for part in self.parts:
                    x = part(x)
                return x

        model = Net()
    model.compile(**{"optimizer": "adam", "loss": "mse", **compiling, **how})
    history = model.fit(X, Y, batch_size=8, epochs=3, verbose=0, validation_data=(X[:8], Y[:8]))
    return history.history, model.get_weights()


@pytest.mark.parametrize("place", PLACES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("cause", CAUSES, ids=lambda f: f.__name__)
def test_one_warning_names_the_line_and_training_is_right(cause, place, capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing to warn of where no compiling was asked for
        want = train(cause, place, run_eagerly=True)
        again = train(cause, place, jit_compile=False)
    printed = capsys.readouterr().out.splitlines()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = train(cause, place)
    lines, first = inspect.getsourcelines(cause)
    culprit = first + next(n for n, line in enumerate(lines) if CULPRIT in line)
    (warning,) = caught
    assert f"{__file__}:{culprit}" in str(warning.message) and "op by op" in str(warning.message)
    for (history, weights) in (again, got):
        for name, values in want[0].items():
            np.testing.assert_allclose(history[name], values, rtol=1e-6, err_msg=name)
        for a, b in zip(weights, want[1], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-6)
    # Every step prints, with values; nothing is printed of a traced run.
    assert capsys.readouterr().out.splitlines() == printed[: len(printed) // 2]


def test_printing_while_shapes_are_inferred_shows_shapes(capsys):
    class Talking(layers.Layer):
        def call(self, x):
            print("got", x)
            return x

    keras.Sequential([keras.Input((4,)), Talking()])
    assert "got <Tensor float32[" in capsys.readouterr().out


def test_a_function_of_ones_own_warns_once():
    @keras.function
    def halve(x):
        return x / np.sum(x)  # asks for a value

    x = ops.convert_to_tensor([1.0, 3.0])
    halve(x)
    line = inspect.getsourcelines(halve.__wrapped__)[1] + 2
    with pytest.warns(UserWarning, match=f"halve cannot be compiled .*{__file__}:{line}"):
        halve(x)
    np.testing.assert_allclose(halve(x), [0.25, 0.75])  # a second warning would be an error


def test_what_can_be_traced_warns_of_nothing():
    def harmless(x):
        assert x.shape[-1] in (1, 3) and x.ndim == 2 and x.dtype == "float32"
        return ops.cond(ops.mean(x) > 0.0, lambda: x * 2.0, lambda: x * 0.5)

    for place in PLACES:
        want, got = train(harmless, place, run_eagerly=True), train(harmless, place)
        for name, values in want[0].items():
            np.testing.assert_allclose(got[0][name], values, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("enabled", [True, False])
def test_python_looks_for_garbage_as_before(enabled):
    seen = []

    def f(x):
        seen.append(gc.isenabled())
        return branch(x) if len(x) > 1 else x * 2.0

    compiled = keras.function(f)
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        for n in (1, 1, 2):
            compiled(ops.ones(n))
        with pytest.warns(UserWarning, match="cannot be compiled"):
            compiled(ops.ones(2))
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()
    assert seen == [enabled, False, enabled, False, enabled]  # not while a call is traced
