"""Callbacks on a small model that records what is done to it: against Keras's decisions, and one by one."""

import csv
import inspect
import io
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

import kerasish as keras
import kerasish.callbacks as callbacks
from kerasish.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger, event_file
from kerasish.callbacks.callback_list import HOOKS
from kerasish.callbacks.logs import LazyLogs
from kerasish.callbacks.weight_pictures import grey_png, pictures_of

GOLDEN = json.loads((Path(__file__).parent / "golden/data/callbacks.json").read_text())


class Weight:
    def __init__(self, value):
        self.value = np.array(value)

    def assign(self, value):
        self.value[...] = np.asarray(value)

    def __array__(self, dtype=None, copy=None):
        return np.array(self.value, dtype)


class Optimizer:
    name = "sgd"
    use_ema = True

    def __init__(self):
        self.learning_rate = 1.0
        self.iterations = 7
        self.built = True
        self._trainable_variables = [Weight(1.0), Weight([2.0, 3.0])]
        self._model_variables_moving_average = [Weight(-1.0), Weight([-2.0, -3.0])]


class Metric:
    def __init__(self, name, direction):
        self.name, self._direction = name, direction


class Model:
    """What callbacks touch. Its files hold the one weight that it has."""

    built = True
    trainable_variables = ()

    def __init__(self):
        self.optimizer = Optimizer()
        self.metrics = []
        self.layers = []
        self.stop_training = False
        self.weights = [np.array(-1.0)]
        self.saved = []
        self._initial_epoch = None
        self.history = None

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save_weights(self, path, overwrite=True):
        self.saved.append(Path(path).name)
        Path(path).write_text(str(float(self.weights[0])))

    save = save_weights

    def load_weights(self, path):
        text = Path(path).read_text()
        if text == "corrupt":
            raise OSError("cannot read it")
        self.weights = [np.array(float(text))]


def run(callback, values, batches=0, model=None, name="val_loss", start=0, epochs=None):
    """Train the model on paper: `values` are the metric after each epoch, the weight is the number of the epoch."""
    model = model or Model()
    told = CallbackList(callback, add_history=True, model=model, verbose=0, epochs=epochs or len(values), steps=batches)
    told.on_train_begin()
    for epoch, value in enumerate(values, start):
        told.on_epoch_begin(epoch)
        for batch in range(batches):
            told.on_train_batch_begin(batch)
            told.on_train_batch_end(batch, {name: value})
        model.weights = [np.array(float(epoch))]
        told.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    told.on_train_end()
    return model


# ----- against Keras


@pytest.mark.parametrize("case", GOLDEN["early_stopping"], ids=lambda c: str(c["values"]))
def test_early_stopping_decides_as_keras(case):
    callback = callbacks.EarlyStopping(**case["config"])
    model = run(callback, case["values"])
    assert len(model.history.epoch) == case["epochs"]
    for name in ("stopped_epoch", "best", "best_epoch", "wait"):
        assert getattr(callback, name) == case[name], name
    assert model.weights[0] == case["weight"]


@pytest.mark.parametrize("case", GOLDEN["reduce_lr"], ids=lambda c: str(c["values"]))
def test_learning_rates_are_reduced_as_by_keras(case):
    rates = []
    record = LambdaCallback(on_epoch_end=lambda epoch, logs: rates.append(record.model.optimizer.learning_rate))
    run([callbacks.ReduceLROnPlateau(**case["config"]), record], case["values"])
    assert rates == case["rates"]


@pytest.mark.parametrize("case", GOLDEN["checkpoint"], ids=lambda c: str(c["values"]))
def test_checkpoints_are_those_of_keras(case, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(callbacks.ModelCheckpoint(**case["config"]), case["values"], batches=4).saved == case["saved"]


@pytest.mark.parametrize("case", GOLDEN["csv_logger"], ids=lambda c: c["separator"])
def test_csv_files_are_those_of_keras(case, tmp_path):
    path = tmp_path / "log.csv"
    for append in (False, True):
        callback = callbacks.CSVLogger(path, separator=case["separator"], append=append)
        callback.on_train_begin()
        callback.on_epoch_end(0, {"loss": 0.5, "acc": 0.25})
        callback.on_epoch_end(1, {"loss": 0.25, "val_loss": 1.5, "val_acc": 0.5})
        callback.on_train_end()
    assert path.read_bytes().decode() == case["text"]


# ----- every callback, by one row


def _none(tmp_path):
    return {}


ROWS = {
    "BackupAndRestore": lambda tmp: {"backup_dir": tmp / "backup"},
    "CSVLogger": lambda tmp: {"filename": tmp / "log.csv"},
    "Callback": _none,
    "CallbackList": _none,
    "EarlyStopping": _none,
    "History": _none,
    "LambdaCallback": lambda tmp: {"on_epoch_end": lambda epoch, logs: None},
    "LearningRateScheduler": lambda tmp: {"schedule": lambda epoch, rate: rate / 2},
    "ModelCheckpoint": lambda tmp: {"filepath": tmp / "model.keras"},
    "ProgbarLogger": _none,
    "ReduceLROnPlateau": _none,
    "RemoteMonitor": lambda tmp: {"root": "http://127.0.0.1:9"},
    "SwapEMAWeights": _none,
    "TensorBoard": lambda tmp: {"log_dir": tmp / "logs", "histogram_freq": 1},
    "TerminateOnNaN": _none,
}
EXPORTED = {name: c for name, c in inspect.getmembers(callbacks) if isinstance(c, type) and issubclass(c, Callback)}


def test_every_callback_has_a_row():
    assert set(ROWS) == set(EXPORTED)


@pytest.mark.filterwarnings("ignore:RemoteMonitor could not send")
@pytest.mark.parametrize("name", ROWS)
def test_a_whole_training_twice(name, tmp_path, capsys):
    callback = EXPORTED[name](**ROWS[name](tmp_path))
    for _ in range(2):
        model = Model()
        run(callback, [0.5, 0.4, 0.3], batches=2, model=model)
        assert model.history.epoch == [0, 1, 2]
        assert model.history.history["val_loss"][-3:] == [0.5, 0.4, 0.3]
        for mode in ("test", "predict"):
            told = CallbackList(callback, model=model, verbose=0, epochs=1, steps=1)
            getattr(told, f"on_{mode}_begin")()
            getattr(told, f"on_{mode}_batch_begin")(0)
            getattr(told, f"on_{mode}_batch_end")(0, {"loss": 1.0})
            getattr(told, f"on_{mode}_end")({"loss": 1.0})
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ROWS)
def test_hooks_have_their_parameters(name):
    for hook in HOOKS:
        expected = list(inspect.signature(getattr(Callback, hook)).parameters)
        parameters = list(inspect.signature(getattr(EXPORTED[name], hook)).parameters)
        assert parameters == expected


# ----- CallbackList


class Recorder(Callback):
    def __init__(self):
        super().__init__()
        self.told = []


def _recording(hook):
    return lambda self, *arguments: self.told.append((hook, *arguments))


class Everything(Recorder):
    pass


for _hook in HOOKS:
    if _hook not in ("on_batch_begin", "on_batch_end"):
        setattr(Everything, _hook, _recording(_hook))


def test_all_hooks_are_passed_on():
    callback = Everything()
    told = CallbackList(callback, model=Model(), epochs=1)
    expected = []
    for hook in HOOKS:
        if hook in ("on_batch_begin", "on_batch_end"):
            continue
        arguments = (3,) if "batch" in hook or "epoch" in hook else ()
        getattr(told, hook)(*arguments, {"loss": np.float32(0.5)})
        expected.append((hook, *arguments, {"loss": 0.5}))
    assert callback.told == expected
    assert all(type(logs["loss"]) is float for *_, logs in callback.told)
    assert callback.params == {"epochs": 1}
    assert callback.model is told.model


def test_older_batch_hooks_are_called_in_training_only():
    class Older(Recorder):
        on_batch_begin = _recording("begin")

        def on_batch_end(self, batch, logs=None):
            self.told.append(("end", batch, logs))

    callback = Older()
    callback.on_batch_begin = lambda batch, logs=None: callback.told.append(("begin", batch, logs))
    told = CallbackList(callback)
    told.on_train_batch_begin(1)
    told.on_train_batch_end(1, {"loss": 2})
    told.on_test_batch_end(1)
    assert callback.told == [("begin", 1, {}), ("end", 1, {"loss": 2.0})]
    assert told.listens("on_train_batch_end")
    assert not told.listens("on_test_batch_end")


def test_logs_are_shared_sorted_and_flat():
    seen = []
    add = LambdaCallback(on_epoch_end=lambda epoch, logs: logs.update(extra=1))
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(list(logs)))
    told = CallbackList([add, [look]], add_history=True, model=Model())
    logs = {"b": 1, "a": {"d": np.array(2), "c": "text"}}
    told.on_epoch_end(0, logs)
    assert seen == [["c", "d", "b", "extra"]]
    assert told.model.history.history == {"c": ["text"], "d": [2.0], "b": [1.0], "extra": [1]}
    assert list(logs) == ["b", "a"]


def test_history_and_progress_bar_are_added_once():
    history, bar = History(), ProgbarLogger()
    assert CallbackList([history, bar], add_history=True, add_progbar=True).callbacks == [history, bar]
    kinds = [type(c) for c in CallbackList(add_history=True, add_progbar=True, verbose=0).callbacks]
    assert kinds == [History, ProgbarLogger]
    assert CallbackList(history).callbacks == [history]


@pytest.mark.parametrize("wrong, message", [(History, "write it with parentheses"), (print, "subclass it")])
def test_what_is_no_callback_is_named(wrong, message):
    with pytest.raises(TypeError, match=message):
        CallbackList([wrong])


def test_a_hook_added_later_is_heard_from_the_next_beginning():
    callback = Recorder()
    told = CallbackList(callback, model=Model())
    callback.on_epoch_end = lambda epoch, logs=None: callback.told.append(epoch)
    told.on_train_begin()
    told.on_epoch_end(4)
    assert callback.told == [4]


# ----- lazy logs


def test_lazy_logs_are_computed_once_when_somebody_looks():
    calls = []
    logs = LazyLogs(lambda: calls.append(1) or {"loss": np.float32(0.5)})
    told = CallbackList([Recorder(), History()], model=Model())
    told.on_train_batch_end(0, logs)
    assert not logs.is_read
    CallbackList(LambdaCallback(on_train_batch_end=lambda batch, logs: None)).on_train_batch_end(0, logs)
    assert not calls
    assert logs["loss"] == 0.5
    assert type(logs["loss"]) is float
    assert (calls, logs.is_read) == ([1], True)


LOOKS = {
    "get": lambda logs: logs.get("a") == 1.0,
    "bool": lambda logs: bool(logs),
    "or": lambda logs: (logs or {})["a"] == 1.0,
    "in": lambda logs: "a" in logs,
    "dict": lambda logs: dict(logs) == {"a": 1.0, "b": 2.0},
    "unpacked": lambda logs: {**logs} == {"a": 1.0, "b": 2.0},
    "keywords": lambda logs: "{a}".format(**logs) == "1.0",
    "items": lambda logs: list(logs.items()) == [("a", 1.0), ("b", 2.0)],
    "equal": lambda logs: logs == {"a": 1.0, "b": 2.0},
    "length": lambda logs: len(logs) == 2,
    "repr": lambda logs: repr(logs) == "{'a': 1.0, 'b': 2.0}",
    "copy": lambda logs: logs.copy() == {"a": 1.0, "b": 2.0},
    "json": lambda logs: json.dumps(logs) == '{"a": 1.0, "b": 2.0}',
    "union": lambda logs: (logs | {"c": 3})["b"] == 2.0,
    "set": lambda logs: logs.__setitem__("a", 5) is None and logs["a"] == 5 and logs["b"] == 2.0,
    "other dict": lambda logs: {"c": 3} | logs == {"c": 3, "a": 1.0, "b": 2.0},
    "update": lambda logs: [d := {}, d.update(logs)] and d == {"a": 1.0, "b": 2.0},
}


@pytest.mark.parametrize("look", LOOKS)
def test_every_look_fills_lazy_logs(look):
    assert LOOKS[look](LazyLogs(lambda: {"b": 2, "a": 1}))


# ----- progress bar


def test_progress_bar_reads_lazy_logs_only_when_it_draws(capsys):
    bar = ProgbarLogger()
    told = CallbackList(bar, model=Model(), verbose=1, epochs=2, steps=100)
    told.on_train_begin()
    told.on_epoch_begin(0)
    logs = [LazyLogs(lambda: {"loss": 1.0}) for _ in range(100)]
    bar.progbar.interval = 1000.0
    for batch, each in enumerate(logs):
        told.on_train_batch_end(batch, each)
    told.on_epoch_end(0, {"loss": 0.5, "val_loss": 0.25})
    out = capsys.readouterr().out
    assert sum(each.is_read for each in logs) == 1
    assert "Epoch 1/2\n" in out
    assert "100/100" in out
    assert "loss: 0.5000" in out
    assert "val_loss: 0.2500" in out


def test_progress_bar_learns_the_number_of_steps_and_is_silent_in_validation(capsys):
    told = CallbackList(add_progbar=True, verbose="auto", epochs=1, steps=None)
    told.on_train_begin()
    told.on_epoch_begin(0)
    for batch in range(3):
        told.on_train_batch_end(batch)
    told.on_test_begin()
    told.on_test_batch_end(0, {"loss": 9.0})
    told.on_test_end({"loss": 9.0})
    told.on_epoch_end(0, {"loss": 0.5})
    told.on_train_end()
    out = capsys.readouterr().out
    assert "3/3" in out
    assert "9.0" not in out
    told.on_test_begin()
    told.on_test_batch_end(0, {"loss": 9.0})
    told.on_test_end({"loss": 9.0})
    assert "loss: 9.0" in capsys.readouterr().out


def test_an_epoch_that_is_broken_off_shows_how_far_it_came(capsys):
    told = CallbackList(add_progbar=True, verbose=1, epochs=1, steps=100)
    told.on_epoch_begin(0)
    told.on_train_batch_end(6)
    told.on_epoch_end(0)
    assert "7/100" in capsys.readouterr().out


def test_silent_progress_bar(capsys):
    told = CallbackList(add_progbar=True, verbose=0, epochs=2, steps=1)
    told.on_epoch_begin(0)
    told.on_train_batch_end(0, {"loss": 1.0})
    told.on_epoch_end(0, {"loss": 1.0})
    assert capsys.readouterr().out == ""


# ----- monitoring


@pytest.mark.parametrize(
    "monitor, direction",
    [("loss", "down"), ("val_loss", "down"), ("val_acc", "up"), ("val_out_accuracy", "up"), ("auc", "up"),
     ("out_loss", "down"), ("val_mean_squared_error", "down"), ("own", "up"), ("val_other", "down")],
)  # fmt: skip
def test_direction_by_metric_or_name(monitor, direction):
    callback = callbacks.EarlyStopping(monitor)
    model = Model()
    nested = Metric("all", None)
    nested.metrics = [Metric("other", "down")]
    model.metrics = [Metric("own", "up"), nested]
    callback.set_model(model)
    assert callback._direction() == direction


def test_metrics_of_one_entry_are_compared_as_numbers():
    stop = callbacks.EarlyStopping("auc", patience=5)
    run(stop, [np.array([0.5]), np.array([0.75]), np.array([0.25])], name="auc")
    assert stop.best == [0.75]
    assert stop.monitor_op is keras.ops.greater
    assert callbacks.EarlyStopping("loss").monitor_op is keras.ops.less


def test_unknown_direction_asks_for_a_mode():
    with pytest.raises(ValueError, match="Pass mode='min' or mode='max'"):
        run(callbacks.EarlyStopping("strange"), [1.0], name="strange")
    for missing in (callbacks.EarlyStopping("strange"), callbacks.ReduceLROnPlateau("strange")):
        told = pytest.warns(UserWarning, match="'strange', which is missing; available metrics are: val_loss")
        with pytest.raises(ValueError, match="strange.*cannot tell whether less or more"), told:
            run(missing, [1.0])
    with pytest.warns(UserWarning, match="mode 'less' is unknown"):
        callbacks.EarlyStopping(mode="less")


@pytest.mark.parametrize("kind", ["EarlyStopping", "ReduceLROnPlateau"])
def test_a_missing_metric_is_named_with_those_that_are_there(kind):
    with pytest.warns(UserWarning, match=f"{kind} watches 'val_loss', which is missing; available metrics are: .*loss"):
        run(EXPORTED[kind](), [1.0], name="loss")


def test_a_nan_at_first_is_improved_on():
    callback = callbacks.EarlyStopping(patience=2, restore_best_weights=True)
    model = run(callback, [math.nan, 0.5, 0.4, 0.6, 0.7, 0.1])
    assert (callback.stopped_epoch, callback.best, model.weights[0]) == (4, 0.4, 2.0)


def test_huge_values_are_compared():
    callback = callbacks.EarlyStopping(patience=9)
    run(callback, [1e300, math.inf, 2.0, -math.inf])
    assert (callback.best, callback.best_epoch) == (-math.inf, 3)


def test_early_stopping_says_what_it_does(capsys):
    run(callbacks.EarlyStopping(verbose=1, restore_best_weights=True), [0.1, 0.2])
    assert capsys.readouterr().out == "Epoch 2: early stopping\nRestoring the weights of the best epoch: 1\n"


# ----- learning rates


def test_scheduler_by_epoch_and_rate_is_in_the_history(capsys):
    model = run(callbacks.LearningRateScheduler(lambda epoch, rate: rate / 2, verbose=1), [1.0, 1.0])
    assert model.history.history["learning_rate"] == [0.5, 0.25]
    assert "Epoch 2: LearningRateScheduler setting learning rate to 0.25" in capsys.readouterr().out
    assert run(callbacks.LearningRateScheduler(lambda epoch: 0.1), [1.0]).optimizer.learning_rate == 0.1
    assert run(callbacks.LearningRateScheduler(max), [0.5]).optimizer.learning_rate == 1.0


@pytest.mark.parametrize("result", ["0.1", None, [0.1, 0.2]])
def test_schedule_must_return_a_number(result):
    with pytest.raises(ValueError, match="must return a number"):
        run(callbacks.LearningRateScheduler(lambda epoch, rate: result), [1.0])


def test_a_type_error_inside_a_schedule_is_not_hidden():
    with pytest.raises(TypeError, match="unsupported operand"):
        run(callbacks.LearningRateScheduler(lambda epoch, rate: rate + "x"), [1.0])


def test_several_optimizers_each_have_a_rate():
    model = Model()
    inner = [Optimizer(), Optimizer()]
    inner[1].name, inner[1].learning_rate = "adam", 4.0
    model.optimizer.optimizers = inner
    run([callbacks.ReduceLROnPlateau(factor=0.5, patience=1)], [1.0, 1.0], model=model)
    assert [o.learning_rate for o in inner] == [0.5, 2.0]
    assert model.history.history["learning_rate_adam"] == [4.0, 4.0]


def test_wrong_arguments_of_reduce_lr():
    with pytest.raises(ValueError, match="factor below 1, got factor=1.5"):
        callbacks.ReduceLROnPlateau(factor=1.5)
    with pytest.raises(TypeError, match="unknown arguments: epsilon"):
        callbacks.ReduceLROnPlateau(epsilon=1)


# ----- saving


def test_checkpoint_paths_and_folders(tmp_path, capsys):
    path = tmp_path / "deep" / "{epoch:02d}-{batch}-{val_loss:.1f}.weights.h5"
    model = run(callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3, verbose=1), [0.5, 0.25], batches=4)
    assert model.saved == ["01-3-0.5.weights.h5", "02-2-0.2.weights.h5"]
    assert (tmp_path / "deep" / model.saved[0]).read_text() == "-1.0"
    assert "saved the model to" in capsys.readouterr().out


CHECKPOINT_ERRORS = {
    "ending": (dict(filepath="a.txt"), r"must end in .keras or .h5, got 'a.txt'"),
    "weights": (dict(filepath="a.keras", save_weights_only=True), r"must end in .weights.h5"),
    "frequency": (dict(filepath="a.keras", save_freq="batch"), "expected 'epoch' or a positive number of batches"),
    "no batches": (dict(filepath="a.keras", save_freq=0), "Unrecognized save_freq 0"),
}


@pytest.mark.parametrize("case", CHECKPOINT_ERRORS)
def test_checkpoint_errors(case):
    arguments, message = CHECKPOINT_ERRORS[case]
    with pytest.raises(ValueError, match=message):
        callbacks.ModelCheckpoint(**arguments)


def test_checkpoint_errors_while_training(tmp_path):
    with pytest.raises(KeyError, match="asks for 'val_acc'; there is only: epoch, val_loss"):
        run(callbacks.ModelCheckpoint(tmp_path / "{val_acc}.keras"), [0.5])
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory"):
        run(callbacks.ModelCheckpoint(tmp_path / "folder.keras"), [0.5])


def test_checkpoint_without_its_metric_saves_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="watches 'val_acc', which is missing"):
        model = run(callbacks.ModelCheckpoint(tmp_path / "a.keras", "val_acc", save_best_only=True), [0.5])
    assert model.saved == ["a.keras"]
    callback = callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True)
    callback.set_model(Model())
    with pytest.warns(UserWarning, match="needs a single number"):
        callback.on_epoch_end(0, {"val_loss": np.zeros(2)})


class Crash(Exception):
    pass


def crash_at(epoch, batch=None):
    def stop(index, logs=None):
        if (state["epoch"], index if batch is not None else None) == (epoch, batch):
            raise Crash

    def begin(index, logs=None):
        state["epoch"] = index
        if batch is None and index == epoch:
            raise Crash

    state = {}
    return LambdaCallback(on_epoch_begin=begin, on_train_batch_end=stop)


def test_training_goes_on_after_a_crash(tmp_path):
    folder = tmp_path / "backup"
    with pytest.raises(Crash):
        run([callbacks.BackupAndRestore(folder), crash_at(2)], [0.5] * 4, batches=2)
    assert sorted(p.name for p in folder.iterdir()) == ["latest.weights.h5", "training_metadata.json"]
    assert json.loads((folder / "training_metadata.json").read_text()) == {"epoch": 2, "batch": 0}

    model, callback = Model(), callbacks.BackupAndRestore(folder)
    callback.set_model(model)
    callback.on_train_begin()
    assert (model._initial_epoch, model.weights[0]) == (2, 1.0)
    run(callback, [0.5] * 2, model=model, start=2)
    assert not folder.exists()
    assert model._initial_epoch is None


def test_backup_by_batches_and_kept(tmp_path):
    with pytest.raises(Crash):
        run([callbacks.BackupAndRestore(tmp_path, save_freq=3), crash_at(1, batch=2)], [0.5] * 3, batches=4)
    # 3 and 6 batches: the second is in epoch 1.
    assert json.loads((tmp_path / "training_metadata.json").read_text()) == {"epoch": 1, "batch": 1}
    run(callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False), [0.5])
    assert (tmp_path / "latest.weights.h5").exists()


@pytest.mark.parametrize("double", [False, True])
def test_a_backup_that_cannot_be_read(tmp_path, double):
    keep = dict(delete_checkpoint=False, double_checkpoint=double)
    run(callbacks.BackupAndRestore(tmp_path, **keep), [0.5] * 3)
    (tmp_path / "latest.weights.h5").write_text("corrupt")
    model, callback = Model(), callbacks.BackupAndRestore(tmp_path, **keep)
    callback.set_model(model)
    if not double:
        with pytest.raises(OSError, match="cannot read it"):
            callback.on_train_begin()
        return
    callback.on_train_begin()
    assert (model._initial_epoch, model.weights[0]) == (2, 1.0)


def test_backup_errors():
    with pytest.raises(ValueError, match="Empty `backup_dir`"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match="BackupAndRestore: Invalid value. Unrecognized save_freq"):
        callbacks.BackupAndRestore("a", save_freq=1.5)
    model = Model()
    model.built = False
    with pytest.raises(ValueError, match="build it"):
        run(callbacks.BackupAndRestore("a"), [0.5], model=model)


# ----- moving averages


def values_of(weights):
    return [w.value.tolist() for w in weights]


@pytest.mark.parametrize("mode", ["test", "predict"])
def test_averages_are_in_the_model_only_meanwhile(mode):
    model = Model()
    told = CallbackList(callbacks.SwapEMAWeights(), model=model)
    weights, averages = model.optimizer._trainable_variables, model.optimizer._model_variables_moving_average
    getattr(told, f"on_{mode}_begin")()
    assert (values_of(weights), values_of(averages)) == ([-1.0, [-2.0, -3.0]], [-1.0, [-2.0, -3.0]])
    getattr(told, f"on_{mode}_end")()
    assert (values_of(weights), values_of(averages)) == ([1.0, [2.0, 3.0]], [-1.0, [-2.0, -3.0]])


def test_averages_stay_after_training_if_wished():
    seen = []
    model = Model()
    weights = model.optimizer._trainable_variables
    look = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(values_of(weights)[0]),
        on_train_batch_end=lambda batch, logs: seen.append(values_of(weights)[0]),
    )
    run([callbacks.SwapEMAWeights(swap_on_epoch=True), look], [0.5, 0.5], batches=1, model=model, epochs=5)
    assert seen == [1.0, -1.0, 1.0, -1.0]
    assert values_of(weights) == values_of(model.optimizer._model_variables_moving_average) == [-1.0, [-2.0, -3.0]]


def test_averages_are_the_weights_of_checkpoints_and_of_the_trained_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5), "mse")
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0].tolist()))
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, batch_size=2,
              callbacks=[callbacks.SwapEMAWeights(swap_on_epoch=True), look])
    assert model.get_weights()[0].tolist() == seen[1] != seen[0]


def test_swapping_needs_averages():
    model = Model()
    model.optimizer.use_ema = False
    with pytest.raises(ValueError, match="use_ema=True"):
        CallbackList(callbacks.SwapEMAWeights(), model=model).on_test_begin()


# ----- the rest


@pytest.mark.parametrize("loss, stops", [(1.0, False), (math.nan, True), (math.inf, True), (None, False)])
def test_terminate_on_nan(loss, stops, capsys):
    model = Model()
    told = CallbackList(callbacks.TerminateOnNaN(), model=model)
    told.on_train_batch_end(3, {"other": 1.0} if loss is None else {"loss": np.float32(loss)})
    assert model.stop_training == stops
    assert ("Batch 3" in capsys.readouterr().out) == stops
    told = CallbackList(callbacks.TerminateOnNaN(raise_error=True), model=model)
    if stops:
        with pytest.raises(RuntimeError, match="NaN or Inf loss encountered: that of batch 3 is"):
            told.on_train_batch_end(3, {"loss": loss})


def test_lambda_callback_takes_any_hook():
    told = []
    names = [h for h in HOOKS if "epoch" not in h]
    hooks = {h: lambda *a, h=h: told.append((h, a)) for h in names}
    every = CallbackList(LambdaCallback(**hooks, extra=3))
    for hook in names:
        getattr(every, hook)(*((0,) if "batch" in hook else ()))
    assert [h for h, _ in told] == names
    assert every.callbacks[0].extra == 3


def test_csv_of_vectors_and_missing_values(tmp_path):
    callback = callbacks.CSVLogger(tmp_path / "log.csv")
    with pytest.raises(RuntimeError, match="on_train_begin was not called"):
        callback.on_epoch_end(0, {})
    callback.on_train_begin()
    callback.on_epoch_end(0, {"a": np.array([1, 2]), "val_a": np.array(3)})
    callback.on_epoch_end(1, {"val_a": 4})
    callback.on_train_end()
    with open(tmp_path / "log.csv", newline="") as file:
        assert list(csv.reader(file)) == [["epoch", "a", "val_a"], ["0", '"[1, 2]"', "3"], ["1", "NA", "4"]]


@pytest.mark.parametrize("as_json", [False, True])
def test_remote_monitor(as_json):
    received = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            received.append((self.path, self.headers["Content-Type"], self.headers["X-Key"], body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        callback = callbacks.RemoteMonitor(
            f"http://127.0.0.1:{server.server_port}", "/here", "field", {"X-Key": "k"}, send_as_json=as_json
        )
        callback.on_epoch_end(2, {"loss": np.float32(0.5), "v": np.arange(2)})
        server.shutdown()
        thread.join()
    ((path, kind, key, body),) = received
    event = json.loads(body if as_json else parse_qs(body)["field"][0])
    assert (path, key, event) == ("/here", "k", {"epoch": 2, "loss": 0.5, "v": [0, 1]})
    assert kind == ("application/json" if as_json else "application/x-www-form-urlencoded")


def test_remote_monitor_that_finds_no_server():
    with pytest.warns(UserWarning, match="could not send"):
        callbacks.RemoteMonitor("http://127.0.0.1:9").on_epoch_end(0, {})
    with pytest.raises(ValueError, match="http:// or https://"):
        callbacks.RemoteMonitor("file:///etc")


# ----- TensorBoard


def test_event_files_take_numbers_beyond_float32(tmp_path):
    file = event_file.EventFile(tmp_path)
    file.scalar("loss", 1e300, 1)
    file.close()
    (path,) = tmp_path.iterdir()
    assert np.float32(np.inf).tobytes() in path.read_bytes()


def test_event_files_are_those_of_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setattr(event_file.time, "time", lambda: 1.5)
    file = event_file.EventFile(tmp_path)
    file.scalar("epoch_loss", 0.25, 300)
    file.histogram("w", np.array([1.0, np.nan, 2.0, 4.0], "float32"), 2, buckets=3)
    file.keras_graph("keras", "{}")
    file.close()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("events.out.tfevents.0000000001.")
    assert path.read_bytes() == (Path(__file__).parent / "golden/data/events.tfevents").read_bytes()


def test_checksum():
    # The check value of CRC-32C is 0xE3069283.
    assert event_file.masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


class Written:
    """Stands in for the event files and notes what is written."""

    values: list = []

    def __init__(self, folder):
        self.name = Path(folder).name

    def scalar(self, tag, value, step):
        self.values.append((self.name, tag, value, step))

    def histogram(self, tag, values, step):
        self.values.append((self.name, tag, values.tolist(), step))

    def keras_graph(self, tag, text):
        self.values.append((self.name, tag, text, 0))

    def flush(self):
        pass

    def close(self):
        self.values.append((self.name, "closed"))


class Sequential(Model):
    def to_json(self):
        return "{}"


def test_what_is_written_for_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasish.callbacks.tensorboard.EventFile", Written)
    monkeypatch.setattr(Written, "values", [])
    model = Sequential()
    weight = Weight([1.0, 2.0])
    weight.path = "dense/kernel"
    layer = Callback()
    layer.weights = [weight]
    model.layers = [layer]
    told = CallbackList(callbacks.TensorBoard(tmp_path, histogram_freq=2, update_freq=2), model=model)
    told.on_train_begin()
    lazy = [LazyLogs(lambda: {"loss": 0.5}) for _ in range(4)]
    for batch, logs in enumerate(lazy):
        told.on_train_batch_begin(batch)
        told.on_train_batch_end(batch, logs)
    told.on_test_begin()
    told.on_test_end({"loss": 4.0})
    told.on_epoch_end(0, {"loss": 0.25, "val_loss": 4.0})
    told.on_epoch_end(1, {"loss": 0.125})
    told.on_train_end()
    assert [logs.is_read for logs in lazy] == [False, True, False, True]
    assert Written.values == [
        ("train", "keras", "{}", 0),
        ("train", "batch_loss", 0.5, 2),
        ("train", "batch_loss", 0.5, 4),
        ("validation", "evaluation_loss_vs_iterations", 4.0, 7),
        ("train", "epoch_loss", 0.25, 0),
        ("train", "epoch_learning_rate", 1.0, 0),
        ("validation", "epoch_loss", 4.0, 0),
        ("train", "dense/kernel/histogram", [1.0, 2.0], 0),
        ("train", "epoch_loss", 0.125, 1),
        ("train", "epoch_learning_rate", 1.0, 1),
        ("train", "closed"),
        ("validation", "closed"),
    ]


def test_steps_per_second_and_evaluation_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasish.callbacks.tensorboard.EventFile", Written)
    monkeypatch.setattr(Written, "values", [])
    run(callbacks.TensorBoard(tmp_path, update_freq="batch", write_steps_per_second=True), [0.5], batches=1)
    speeds = {tag: value for _, tag, value, *_ in (v for v in Written.values if len(v) == 4) if "per_second" in tag}
    assert set(speeds) == {"batch_steps_per_second", "epoch_steps_per_second"}
    assert min(speeds.values()) > 0
    Written.values.clear()
    CallbackList(callbacks.TensorBoard(tmp_path), model=Model()).on_test_end({"loss": 1.0})
    assert [v[1] for v in Written.values] == ["evaluation_loss_vs_iterations", "closed"]


def test_pictures_of_weights():
    assert pictures_of(np.float32(3.0)) is None
    assert pictures_of(np.zeros((2, 2, 2, 2))) is None
    assert pictures_of(np.array([0.0, 1.0, 2.0])).tolist() == [[[0], [128], [255]]]
    assert pictures_of(np.ones((1, 4, 1))).tolist() == [[[0], [0], [0], [0]]]
    assert pictures_of(np.array([[-1.0], [3.0]]) * [1.0, 0.0]).shape == (1, 2, 2)
    kernel = np.arange(24.0).reshape(2, 3, 4)
    assert pictures_of(kernel).shape == (4, 2, 3)
    assert pictures_of(kernel, channels_first=True).shape == (2, 3, 4)


def test_grey_png_is_a_png():
    pixels = np.arange(6, dtype="uint8").reshape(2, 3) * 50
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(grey_png(pixels)))
    assert np.array_equal(np.asarray(image), pixels)


def test_pictures_and_embeddings_for_tensorboard(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(4, 3, name="words"), keras.layers.Flatten(),
                              keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True, embeddings_freq=1,
                                  embeddings_metadata={"words": "labels.tsv"})
    model.fit(np.zeros((4, 2)), np.ones((4, 1)), epochs=1, verbose=0, callbacks=[board])
    table = np.loadtxt(tmp_path / "words_embeddings.tsv", delimiter="\t")
    assert np.allclose(table, model.layers[0].embeddings)
    assert (tmp_path / "projector_config.pbtxt").read_text().split() == [
        "embeddings", "{", "tensor_name:", '"words"', "tensor_path:", '"words_embeddings.tsv"', "metadata_path:",
        '"labels.tsv"', "}"]
    (events,) = (tmp_path / "train").iterdir()
    assert events.read_bytes().count(b"\x89PNG") == 2
    board.embeddings_metadata = {"letters": "labels.tsv"}
    with pytest.raises(ValueError, match="Unrecognized `Embedding` layer names.*letters"):
        board.on_train_begin()


@pytest.mark.parametrize(
    "arguments", [{"profile_batch": 2}, {"update_freq": 0}], ids=str
)
def test_what_tensorboard_does_not_do_raises(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        callbacks.TensorBoard(**arguments)
