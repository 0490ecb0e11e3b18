"""How callbacks are told: lists of them, logs that are read late, and the progress bar."""

import json

import numpy as np
import pytest

from kerasish.callbacks import Callback, CallbackList, History, LambdaCallback, ProgbarLogger
from kerasish.callbacks.callback_list import HOOKS
from kerasish.callbacks.logs import LazyLogs
from tests.callback_doubles import Model

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
