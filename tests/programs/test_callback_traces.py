"""Which hooks callbacks hear in which order, and what they are told."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers
from tests.programs.tools import check_against_keras, fix, integers, normal

X, Y = normal(20, 4), integers(3, 20)


def model(**arguments):
    made = fix(keras.Sequential([keras.Input((4,)), layers.Dense(5, activation="tanh"), layers.Dense(3)]))
    made.compile(**{"optimizer": "sgd", "loss": keras.losses.SparseCategoricalCrossentropy(from_logits=True),
                    "metrics": ["accuracy"], **arguments})
    return made


class Trace(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.seen = []

    def _note(self, hook, number, logs):
        shown = {k: ([list(v.shape)] if k == "outputs" else round(float(v), 4)) for k, v in (logs or {}).items()}
        self.seen.append([hook, number, dict(sorted(shown.items()))])


def _hook(name, numbered):
    if numbered:
        return lambda self, number, logs=None: self._note(name, number, logs)
    return lambda self, logs=None: self._note(name, None, logs)


for _mode in ("train", "test", "predict"):
    for _when in ("begin", "end"):
        setattr(Trace, f"on_{_mode}_{_when}", _hook(f"on_{_mode}_{_when}", False))
        setattr(Trace, f"on_{_mode}_batch_{_when}", _hook(f"on_{_mode}_batch_{_when}", True))
        setattr(Trace, f"on_epoch_{_when}", _hook(f"on_epoch_{_when}", True))


RUNS = {
    "fit": lambda m, t: m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[t]),
    "fit and validate": lambda m, t: m.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[t],
                                           validation_split=0.3, validation_batch_size=4),
    "validation_freq": lambda m, t: m.fit(X, Y, batch_size=20, epochs=4, shuffle=False, verbose=0, callbacks=[t],
                                          validation_data=(X, Y), validation_freq=[1, 4], validation_batch_size=10),
    "initial_epoch": lambda m, t: m.fit(X, Y, batch_size=10, epochs=4, initial_epoch=2, shuffle=False, verbose=0,
                                        callbacks=[t]),
    "evaluate": lambda m, t: m.evaluate(X, Y, batch_size=8, verbose=0, callbacks=[t]),
    "predict": lambda m, t: m.predict(X, batch_size=8, verbose=0, callbacks=[t]),
}


@pytest.mark.parametrize("run", RUNS)
def test_hooks(run):
    trace = Trace()
    RUNS[run](model(), trace)
    check_against_keras(f"trace: {run}", trace.seen, atol=2e-4)
    assert trace.model is not None and "epochs" in trace.params


@pytest.mark.parametrize("when", ["on_train_begin", "on_epoch_begin", "on_train_batch_begin", "on_train_batch_end",
                                  "on_epoch_end", "on_test_begin", "on_test_end"])
def test_stopping_at_every_hook(when):
    class Stop(Trace):
        pass

    def stop(self, *args, **kwargs):
        getattr(Trace, when)(self, *args, **kwargs)
        self.model.stop_training = True

    setattr(Stop, when, stop)
    trace = Stop()
    history = model().fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0, callbacks=[trace],
                          validation_data=(X, Y))
    check_against_keras(f"trace: stopped {when}", [[row[0], row[1]] for row in trace.seen])
    check_against_keras(f"trace: stopped {when}, epochs", history.epoch)


def test_stopping_an_evaluation_and_a_prediction():
    class Stop(keras.callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    made = model()
    check_against_keras("trace: stopped evaluation", made.evaluate(X, Y, batch_size=4, verbose=0, callbacks=[Stop()]))
    assert made.predict(X, batch_size=4, verbose=0, callbacks=[Stop()]).shape == (8, 3)


def test_the_order_of_several_callbacks_and_shared_logs():
    order = []

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            order.append("adds")
            logs["added"] = 7.0

    class Reads(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            order.append("reads")
            assert logs["added"] == 7.0

    history = model().fit(X, Y, verbose=0, callbacks=[Adds(), Reads()])
    assert order == ["adds", "reads"] and history.history["added"] == [7.0]
    assert list(history.history) == ["accuracy", "loss", "added"]


def test_history_goes_on_in_one_object_that_is_handed_in():
    history = keras.callbacks.History()
    made = model()
    made.fit(X, Y, epochs=2, verbose=0, callbacks=[history])
    made.fit(X, Y, epochs=4, initial_epoch=2, verbose=0, callbacks=[history])
    assert len(history.history["loss"]) == 4 and history.epoch == [2, 3]
    assert made.history is history and history.params["epochs"] == 4


def test_a_callback_list_of_ones_own():
    trace = Trace()
    made = model()
    callbacks = keras.callbacks.CallbackList([trace], add_history=True, model=made, epochs=1, verbose=0, steps=3)
    made.fit(X, Y, batch_size=8, epochs=1, shuffle=False, verbose=0, callbacks=callbacks)
    check_against_keras("trace: own list", trace.seen, atol=2e-4)


def test_lambda_callbacks_and_custom_attributes():
    seen = []
    watch = keras.callbacks.LambdaCallback(
        on_epoch_begin=lambda epoch, logs: seen.append(["begin", epoch]),
        on_train_batch_end=lambda batch, logs: seen.append(["batch", batch, sorted(logs)]),
        on_train_end=lambda logs: seen.append(["end", sorted(logs)]))
    model().fit(X, Y, batch_size=10, epochs=1, verbose=0, callbacks=[watch])
    check_against_keras("trace: lambda", seen)


def test_weights_and_rates_can_be_changed_between_batches():
    class Change(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            if batch == 1:
                self.model.layers[0].kernel.assign(np.zeros((4, 5), "float32"))
                self.model.optimizer.learning_rate.assign(0.5)

    made = model()
    history = made.fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[Change()])
    check_against_keras("trace: changed weights", history.history)
    check_against_keras("trace: changed weights, after", made.predict(X[:3], verbose=0))


def test_callbacks_may_evaluate_predict_and_save(tmp_path):
    class Busy(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.results = []

        def on_epoch_end(self, epoch, logs=None):
            self.results.append(self.model.evaluate(X, Y, verbose=0))
            self.results.append(float(self.model.predict(X, verbose=0).sum()))
            self.model.save_weights(tmp_path / f"{epoch}.weights.h5")

    busy = Busy()
    history = model().fit(X, Y, batch_size=8, epochs=2, shuffle=False, verbose=0, callbacks=[busy],
                          validation_data=(X, Y)).history
    check_against_keras("trace: busy", busy.results)
    check_against_keras("trace: busy, history", history)
    assert (tmp_path / "1.weights.h5").exists()


def test_training_that_raises_can_go_on():
    class Fails(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise RuntimeError("no more")

    made = model()
    with pytest.raises(RuntimeError, match="no more"):
        made.fit(X, Y, batch_size=8, shuffle=False, verbose=0, callbacks=[Fails()])
    check_against_keras("trace: after a failure", made.fit(X, Y, batch_size=8, shuffle=False, verbose=0).history)
