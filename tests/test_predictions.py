"""How the outputs of `predict` are put together, and that nobody's memory is handed out."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from kerasish.training.predictions import Predictions

X = np.random.default_rng(0).normal(size=(70, 4)).astype("float32")


def model_of(kind, **compile_arguments):
    keras.utils.set_random_seed(0)
    a = keras.Input((4,))
    outputs = {
        "one": lambda: layers.Dense(3)(a),
        "input": lambda: layers.Identity()(a),
        "several": lambda: [layers.Dense(3)(a), layers.Reshape((2, 2))(a)],
        "named": lambda: {"b": layers.Dense(1)(a), "a": a},
    }[kind]()
    model = keras.Model(a, outputs)
    model.compile(**compile_arguments)
    return model


@pytest.mark.parametrize("kind", ["one", "input", "several", "named"])
@pytest.mark.parametrize("jit_compile", [True, False])
def test_every_way_through_gives_the_same(kind, jit_compile):
    model = model_of(kind, jit_compile=jit_compile)
    want = keras.tree.map_structure(np.asarray, model(X))

    def check(got, rows=70):
        keras.tree.map_structure(lambda g, w: np.testing.assert_allclose(g, w[:rows], atol=1e-6), got, want)
        for array in keras.tree.flatten(got):  # it is the caller's: writing to it changes nothing
            assert type(array) is np.ndarray and array.flags.writeable and not np.may_share_memory(array, X)
            array[...] = 7

    for _ in range(3):  # op by op, traced, replayed
        check(model.predict(X, batch_size=70, verbose=0))
        check(model.predict(X, batch_size=16, verbose=0))
        check(model.predict(X, batch_size=16, verbose=2))
        check(model.predict(X[:5], verbose=0), 5)
        check(model.predict_on_batch(X[:5]), 5)
        check(model.predict(X, batch_size=10, steps=3, verbose=0), 30)
        check(model.predict(keras.data.Dataset.from_tensor_slices(X).batch(16), verbose=0))
    np.testing.assert_array_equal(X, np.random.default_rng(0).normal(size=(70, 4)).astype("float32"))


def test_few_rows_are_cast_and_checked_as_many_are():
    model = model_of("one")
    want = model.predict(X[:3], verbose=0)
    np.testing.assert_allclose(model.predict(X[:3].astype("float64"), verbose=0), want, atol=1e-6)
    assert model.predict(X[:3].astype("float64"), verbose=0).dtype == "float32"
    for wrong in ({"batch_size": 0}, {"batch_size": True}, {"batch_size": -1}):
        with pytest.raises(ValueError, match="batch_size"):
            model.predict(X[:3], verbose=0, **wrong)
    with pytest.raises(ValueError):
        model.predict(X[:0], verbose=0)


def test_callbacks_hear_of_few_rows_too():
    heard = []
    listener = keras.callbacks.LambdaCallback()
    listener.on_predict_batch_end = lambda batch, logs=None: heard.append(logs["outputs"])
    model_of("one").predict(X[:3], verbose=0, callbacks=[listener])
    assert [len(outputs) for outputs in heard] == [3]


def test_rows_are_written_where_they_belong():
    taken = Predictions(7)
    for start in range(0, 7, 3):
        taken.add({"a": X[start:min(start + 3, 7)], "b": X[start:min(start + 3, 7), 0]})
    assert taken._whole is not None and len(taken._whole[0]) == 7
    joined = taken.joined()
    np.testing.assert_array_equal(joined["a"], X[:7])
    np.testing.assert_array_equal(joined["b"], X[:7, 0])


@pytest.mark.parametrize("parts", [
    [X[:3], X[3:6].astype("float64"), X[6:7]],  # another dtype
    [X[:5], X[5:15]],  # more rows than samples
    [X[:3], X[3:4]],  # fewer, as when somebody stops
    [X[:7]],
], ids=["dtype", "more", "fewer", "one"])  # fmt: skip
def test_outputs_that_do_not_fit_are_joined_in_the_end(parts):
    taken = Predictions(7)
    for part in parts:
        taken.add(part)
    np.testing.assert_array_equal(taken.joined(), np.concatenate(parts))
    assert taken.joined().dtype == np.result_type(*parts)


def test_outputs_of_other_shapes_are_refused():
    taken = Predictions(6)
    taken.add(X[:3])
    taken.add(X[3:6, :2])
    with pytest.raises(ValueError):
        taken.joined()


def test_no_batch_is_no_prediction():
    with pytest.raises(ValueError, match="no data"):
        Predictions(None).joined()


def test_a_machine_code_step_writes_into_the_result(monkeypatch):
    """Batches of several outputs land in their rows, whichever number the step gives each output."""
    monkeypatch.setenv("KERASISH_JIT", "always")
    a = keras.Input((64,))
    hidden = layers.Dense(64)(a)
    model = keras.Model(a, {"a": layers.Dense(64)(hidden), "h": hidden, "sum": layers.Add()([hidden, a])})
    x = np.random.default_rng(0).normal(size=(150, 64)).astype("float32")
    want = keras.tree.map_structure(np.asarray, model(x))
    for _ in range(4):
        got = model.predict(x, batch_size=40, verbose=0)  # the last batch is a smaller one
        for name in want:
            np.testing.assert_allclose(got[name], want[name], atol=1e-5)
    first = model.predict(x, batch_size=40, verbose=0)
    kept = {name: array.copy() for name, array in first.items()}
    model.predict(-x, batch_size=40, verbose=0)
    for name in want:  # what was returned is not written again
        np.testing.assert_array_equal(first[name], kept[name])


def test_outputs_in_each_others_rooms_are_put_right():
    got = Predictions(4)
    got.add([np.zeros((2, 3)), np.ones((2, 3))])
    rooms = [got.room(n, (2, 3), np.dtype("f8")) for n in range(2)]
    assert rooms == [None, None]  # what came was not written there
    got = Predictions(4)
    places = [got.room(n, (2, 3), np.dtype("f8")) for n in range(2)]
    places[0][...], places[1][...] = 0, 1
    got.add(places)
    places = [got.room(n, (2, 3), np.dtype("f8")) for n in range(2)]
    places[0][...], places[1][...] = 0, 1
    got.add(places[::-1])
    first, second = got.joined()
    np.testing.assert_array_equal(first[:, 0], [0, 0, 1, 1])
    np.testing.assert_array_equal(second[:, 0], [1, 1, 0, 0])
