"""The line that shows how far an epoch has come: a bar on a screen, one plain line in a pipe or log."""

import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import numpy as np

from kerasish.utils.interactive import is_interactive_logging_enabled, print_msg, screen_columns


class Progbar:
    """Show the progress of an epoch with its metrics (`keras.utils.Progbar`).

    Metrics are averaged over steps, `sum(value * steps) / sum(steps)`, unless they average themselves.

    Args:
        target: steps expected, None if unknown.
        width: characters of the bar.
        verbose: 0 shows nothing, 1 a bar (one line at the end where output is not a screen), 2 one line
            at the end.
        interval: seconds between two drawings, at least.
        stateful_metrics: names of metrics shown as they come; all others are averaged.
        stateless_metrics: names of metrics that are averaged; all others are shown as they come.
        unit_name: what a step is called.

    Raises:
        ValueError: both lists of metrics are given.
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ):
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError("Only one of stateful_metrics and stateless_metrics may be given, not both")
        self.target, self.width, self.verbose = target, width, verbose
        self.interval, self.unit_name = interval, unit_name
        self._averaged = None if stateless_metrics is None else frozenset(stateless_metrics)
        self._as_is = frozenset(stateful_metrics or ())
        self._values: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._start = time.monotonic()
        self._after_first_step: float | None = None
        self._last_drawn = -float("inf")
        self._bar: Any = None

    def update(
        self,
        current: int,
        values: Iterable[tuple[str, Any]] | None = None,
        finalize: bool | None = None,
    ) -> None:
        """Show that a number of steps are done.

        Args:
            current: steps done so far.
            values: pairs of a metric's name and its value over the steps since the last update.
            finalize: whether this ends the epoch, whose values then go before the averages; by default,
                whether `current` has reached the target.
        """
        if self.verbose == 0:
            self._seen = current
            return
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        for name, value in values or ():
            self._take(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        now = time.monotonic()
        if current == 1:
            self._after_first_step = now
        if self.verbose == 1 and output_is_a_screen():
            if finalize or now - self._last_drawn >= self.interval:
                self._draw(now, finalize)
        elif finalize:
            print_msg(" - ".join([self._count(), *self._times(now, True), *self._metrics()]))

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show that `n` more steps are done."""
        self.update(self._seen + n, values)

    def _take(self, name: str, value: Any, steps: int, finalize: bool) -> None:
        averaged = name not in self._as_is if self._averaged is None else name in self._averaged
        if finalize or not averaged or isinstance(value, str):
            # Kept as it came: a value on a device is read only when it is drawn.
            self._values[name] = (value, 1)
        else:
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = (total + value * steps, count + steps)

    def _draw(self, now: float, finalize: bool) -> None:
        self._last_drawn = now
        text = " - ".join([" ".join(self._times(now, finalize)), *self._metrics()])
        if self._bar is None:
            layout = f"{{n_fmt}}/{{total_fmt}} {{bar:{self.width}}}" if self.target else "{n_fmt}/Unknown"
            self._bar = screen_bar(
                total=self.target, initial=self._seen, desc=text, bar_format=layout + " {desc}"
            )
        else:
            self._bar.n = self._seen
            self._bar.set_description_str(text)
        if finalize:
            self._bar.ncols = None  # the line that stays is whole, however narrow the screen
            self._bar.close()
            self._bar = None

    def _count(self) -> str:
        return f"{self._seen}/{self.target or 'Unknown'}"

    def _times(self, now: float, finalize: bool) -> list[str]:
        """Return the time left (at the end, or without a target, the time taken) and the time of a step."""
        step = self._step_seconds(now)
        left = step * (self.target - self._seen) if self.target and not finalize else now - self._start
        return [_clock(left), f"{_duration(step)}/{self.unit_name}"]

    def _step_seconds(self, now: float) -> float:
        """Return the mean time of a step, without the first, which may hold compilation."""
        if self._after_first_step is not None and self._seen > 1:
            return (now - self._after_first_step) / (self._seen - 1)
        return (now - self._start) / self._seen if self._seen else 0.0

    def _metrics(self) -> list[str]:
        return [f"{name}: {_number(total, count)}" for name, (total, count) in self._values.items()]


def output_is_a_screen() -> bool:
    """Tell whether a line can be drawn over: messages go to a terminal, a notebook or PyCharm's console."""
    if not is_interactive_logging_enabled():
        return False
    isatty = getattr(sys.stdout, "isatty", None)
    return bool(isatty and isatty()) or "ipykernel" in sys.modules or "PYCHARM_HOSTED" in os.environ


def screen_bar(**arguments: Any) -> Any:
    """Return a tqdm bar on standard output, cut to its width; the arguments are tqdm's."""
    from tqdm import tqdm  # costs 50 ms, so not before something is drawn

    class Bar(tqdm):
        monitor_interval = 0  # no thread that watches for slow bars

    columns = screen_columns() if sys.stdout.isatty() else None
    return Bar(file=sys.stdout, position=0, ncols=columns, nrows=24, **arguments)


def _number(total: Any, count: int) -> str:
    if isinstance(total, str):
        return total
    mean = float(np.mean(np.asarray(total, dtype="float64"))) / max(count, 1)
    return f"{mean:.4f}" if abs(mean) > 1e-3 else f"{mean:.4e}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{minutes}:{rest:02d}" if minutes else f"{rest}s"


def _duration(seconds: float) -> str:
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return "0s"
