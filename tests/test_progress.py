"""The progress line: a bar on a screen, one plain line in a pipe."""

import io
import logging

import numpy as np
import pytest

from kerasish.utils import interactive, progress
from kerasish.utils.progress import Progbar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture(autouse=True)
def plain_output(monkeypatch):
    monkeypatch.delenv("PYCHARM_HOSTED", raising=False)
    monkeypatch.delitem(progress.sys.modules, "ipykernel", raising=False)


def _run(bar, clock, steps=4, seconds=0.1, loss=lambda step: 1 / step):
    for step in range(1, steps + 1):
        clock[0] += seconds
        bar.update(step, [("loss", loss(step))])


@pytest.mark.parametrize("verbose", [1, 2])
def test_a_pipe_gets_one_line_without_control_characters(clock, capsys, verbose):
    _run(Progbar(4, verbose=verbose), clock)
    assert capsys.readouterr().out == "4/4 - 0s - 100ms/step - loss: 0.2500\n"


def test_silence(clock, capsys):
    bar = Progbar(4, verbose=0)
    _run(bar, clock)
    bar.add(1)
    assert capsys.readouterr() == ("", "")


def test_a_screen_gets_a_bar_drawn_over(clock, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    _run(Progbar(4, width=4), clock)
    lines = screen.getvalue().split("\r")
    assert lines[1].startswith("1/4 █    0s 100ms/step - loss: 1.0000")
    assert lines[-1] == "4/4 ████ 0s 100ms/step - loss: 0.2500\n"
    assert screen.getvalue().count("\n") == 1
    assert "\x1b" not in screen.getvalue()


def test_a_screen_without_unicode_gets_ascii(clock, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    monkeypatch.setattr("sys.stdout", screen)
    _run(Progbar(4, width=4), clock)
    assert screen.getvalue().isascii()
    assert "4/4 ####" in screen.getvalue()


def test_the_last_line_is_whole_on_a_narrow_screen(clock, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    monkeypatch.setenv("COLUMNS", "30")
    _run(Progbar(4, width=4), clock)
    *running, last = screen.getvalue().split("\r")
    assert max(map(len, running)) <= 30
    assert last == "4/4 ████ 0s 100ms/step - loss: 0.2500\n"


def test_drawing_waits_for_the_interval(clock, monkeypatch):
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    _run(Progbar(1000, interval=0.5), clock, steps=999, seconds=0.01)
    assert 15 <= screen.getvalue().count("\r") <= 25


def test_unknown_target(clock, monkeypatch, capsys):
    bar = Progbar(None, unit_name="sample")
    _run(bar, clock, steps=3)
    bar.update(3, finalize=True)
    assert capsys.readouterr().out == "3/Unknown - 0s - 100ms/sample - loss: 0.6111\n"
    screen = Terminal()
    monkeypatch.setattr("sys.stdout", screen)
    bar = Progbar(None)
    _run(bar, clock, steps=3)
    bar.update(3, finalize=True)
    assert screen.getvalue().endswith("3/Unknown 0s 100ms/step - loss: 0.6111\n")


def _shown(capsys, bar, updates):
    for current, values in updates:
        bar.update(current, values)
    bar.update(10, finalize=True)
    return capsys.readouterr().out.strip().split(" - ")[3:]


def test_values_are_averaged_over_steps(capsys):
    updates = [(1, [("a", 1.0)]), (4, [("a", np.float32(2.0))])]
    assert _shown(capsys, Progbar(None, verbose=2), updates) == ["a: 1.7500"]
    assert _shown(capsys, Progbar(None, verbose=2, stateful_metrics=["a"]), updates) == ["a: 2.0000"]
    assert _shown(capsys, Progbar(None, verbose=2, stateless_metrics=[]), updates) == ["a: 2.0000"]
    assert _shown(capsys, Progbar(None, verbose=2, stateless_metrics=["a"]), updates) == ["a: 1.7500"]


def test_final_values_go_before_averages(capsys):
    bar = Progbar(2, verbose=2)
    bar.update(1, [("loss", 5.0)])
    bar.update(2, [("loss", 1.0), ("val_loss", 2e-5), ("note", "warm")])
    assert capsys.readouterr().out.strip().endswith("loss: 1.0000 - val_loss: 2.0000e-05 - note: warm")


def test_values_shown_as_they_come_are_read_only_when_drawn(clock, capsys):
    class OnDevice:
        reads = 0

        def __array__(self, dtype=None, copy=None):
            OnDevice.reads += 1
            return np.asarray(3.0, dtype)

    bar = Progbar(5, stateful_metrics=["loss"])
    _run(bar, clock, steps=5, loss=lambda step: OnDevice())
    assert "loss: 3.0000" in capsys.readouterr().out
    assert OnDevice.reads == 1


def test_both_lists_of_metrics():
    with pytest.raises(ValueError, match="not both"):
        Progbar(1, stateful_metrics=["a"], stateless_metrics=["b"])


@pytest.mark.parametrize(("seconds", "text"), [(5, "5s"), (65, "1:05"), (3661, "1:01:01")])
def test_the_time_of_a_step_leaves_the_first_out(clock, capsys, seconds, text):
    bar = Progbar(2, verbose=2)
    clock[0] = seconds - 0.002
    bar.update(1)
    clock[0] = seconds + 0.0001
    bar.update(2)
    assert capsys.readouterr().out == f"2/2 - {text} - 2ms/step\n"


def test_messages_go_to_the_log_where_interactive_logging_is_off(clock, capsys, caplog, monkeypatch):
    monkeypatch.setattr("sys.stdout", Terminal())
    caplog.set_level(logging.INFO, logger="kerasish")
    interactive.disable_interactive_logging()
    try:
        assert not interactive.is_interactive_logging_enabled()
        _run(Progbar(4), clock)
        written = progress.sys.stdout.getvalue()
    finally:
        interactive.enable_interactive_logging()
    assert written == ""
    assert caplog.messages == ["4/4 - 0s - 100ms/step - loss: 0.2500"]


def test_messages_survive_a_poor_encoding(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(Terminal, "encoding", "ascii")
    monkeypatch.setattr("sys.stdout", screen)
    interactive.print_msg("naïve", line_break=False)
    interactive.print_msg(1)
    assert screen.getvalue() == "na?ve1\n"
