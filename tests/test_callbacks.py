"""Callbacks on a small model that records what is done to it: against Keras's decisions, and one by one."""

import csv
import inspect
import json
import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

import kerasish as keras
from kerasish import callbacks
from kerasish.callbacks import Callback, CallbackList, LambdaCallback
from kerasish.callbacks.callback_list import HOOKS
from tests.callback_doubles import Metric, Model, Optimizer, run

GOLDEN = json.loads((Path(__file__).parent / "golden/data/callbacks.json").read_text())


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
