"""The threads that run jobs: the caller, and helpers that sleep until there is enough work to share.

There is one pool. The library of matrix products is called from it with a single thread of its own, so that no two
pools ever wait for each other.
"""

import _thread
import contextlib
import ctypes
import functools
import os
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.native import driver, engine
from kerasish.backend.native.driver import DESK, DONE, LINGER, SLEEP, TAKEN, TURN, YIELD


@functools.cache
def threads() -> int:
    """Return how many threads run jobs: KERASISH_NUM_THREADS, OMP_NUM_THREADS, or the usable processors."""
    for name in ("KERASISH_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        value = os.environ.get(name, "")
        if value.isdigit() and int(value) > 0:
            return int(value)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@functools.cache
def _resting() -> tuple[int, int]:
    """Return the addresses of the system's functions that let other threads run, and that sleep for a time."""
    if os.name == "nt":
        system = ctypes.windll.kernel32  # type: ignore[attr-defined]
        functions = system.SwitchToThread, system.SwitchToThread
    else:
        functions = ctypes.CDLL(None).sched_yield, ctypes.CDLL(None).usleep
    return tuple([ctypes.cast(f, ctypes.c_void_p).value or 0 for f in functions])  # type: ignore[return-value]


DRIVERS = {f"driver {f.__name__}": f for f in (driver.alone, driver.rounds, driver.show, driver.lead, driver.look,
                                               driver.follow, driver.advise, driver.touch)}


@functools.cache
def _code(name: str) -> Any:
    return engine.callable_of(engine.function(f"driver {name}", DRIVERS[f"driver {name}"]))


class Batch:
    """A list of jobs made ready to run.

    Args:
        records: int64 array of shape (jobs, RECORD), see `driver`.
        slots: int64 array of addresses that the jobs' tables refer to; the caller may change it between runs.
        keep: whatever must live as long as this.
        nanoseconds: what a run takes on one thread, roughly.
    """

    def __init__(self, records: np.ndarray, slots: np.ndarray, keep: Any, nanoseconds: float):
        self._records, self._slots, self._keep = records, slots, keep
        self.head = np.array([records.ctypes.data, len(records), slots.ctypes.data], np.int64)
        self._counters = records[:, TAKEN : DONE + 1]
        self._arguments = slots.ctypes.data, self.head.ctypes.data, 0, len(records)
        self._alone = _code("alone")
        parts = int(records[:, driver.PARTS].max(initial=1))
        self.is_shared = threads() > 1 and nanoseconds > SHARE and parts > 1

    def run(self) -> None:
        """Run the jobs."""
        if not (self.is_shared and _desk.run(self.head, self._counters)):
            self._alone(*self._arguments)


class Rounds:
    """Steps run again and again, with some slots pointed elsewhere for each round.

    Args:
        slots: the addresses that the steps' jobs refer to.
        moving: numbers of the slots that change.
        rows: int64 array of shape (rounds, moving slots) of their addresses; the caller may change it between runs.
        steps: what a round is made of; rounds of one batch that no two threads share are one call of machine code.
    """

    def __init__(self, slots: np.ndarray, moving: np.ndarray, rows: np.ndarray, steps: list[Any]):
        self._slots, self._moving, self._steps = slots, moving, steps
        self._rows = rows
        self._each: list[np.ndarray] = []
        self._arguments: Any = None
        if len(steps) == 1 and isinstance(steps[0], Batch) and not steps[0].is_shared:
            head = [*steps[0].head, moving.ctypes.data, rows.ctypes.data, len(moving)]
            self._head = np.array(head, np.int64)
            self._arguments = slots.ctypes.data, self._head.ctypes.data, 0, len(rows)
            self._code = _code("rounds")
        else:
            self._each = list(rows)

    def run(self) -> None:
        """Run all rounds."""
        if self._arguments is not None:
            self._code(*self._arguments)
            return
        slots, moving = self._slots, self._moving
        for row in self._each:
            slots[moving] = row
            for step in self._steps:
                step.run()


LINGERING = 600_000  # nanoseconds that a helper waits for more work before it sleeps: the next step comes sooner
SHARE = 100_000  # nanoseconds of work from which on waking a helper pays


class _Desk:
    """Where threads meet: one batch at a time is shared; another one meanwhile runs on its own thread."""

    def __init__(self) -> None:
        self._fields = np.zeros(DESK, np.int64)
        self._fields[YIELD], self._fields[SLEEP] = _resting()
        self._arguments = 0, self._fields.ctypes.data, 0, 0
        self._busy = threading.Lock()
        self._helpers: list[_Helper] = []
        self._lead: Any = None
        self._show: Any = None
        self._laid_out = False

    def run(self, head: np.ndarray, counters: np.ndarray) -> bool:
        """Run a batch together with the helpers; False, and nothing has been done, if another batch lies here."""
        if not self._busy.acquire(blocking=False):
            return False
        try:
            self._lay_out(head, counters)
            try:
                self._wake()
            finally:  # even if interrupted: who has been woken is at work
                self._lead(*self._arguments)
        finally:
            self._laid_out = False
            self._busy.release()
        return True

    def _lay_out(self, head: np.ndarray, counters: np.ndarray) -> None:
        if self._lead is None:
            self._lead, self._show, follow = _code("lead"), _code("show"), _code("follow")
            self._fields[LINGER] = self._looks(LINGERING)
            self._helpers = [_Helper(follow, self._arguments[1], self._is_new) for _ in range(threads() - 1)]
        fields = self._fields
        counters[...] = 0
        fields[: len(head)] = head
        fields[TURN] += 1

    def _wake(self) -> None:
        self._laid_out = True  # before anybody is found asleep, or not
        asleep = [helper for helper in self._helpers if helper.asleep]
        if asleep:
            self._show(*self._arguments)  # one who wakes may take this thread's processor: there is work for him
            for helper in asleep:
                helper.wake()

    def _is_new(self, turn: int) -> bool:
        """Tell whether there is something on the desk, and since a later turn."""
        return self._laid_out and self._fields[TURN] != turn

    def _looks(self, nanoseconds: float) -> int:
        """Return how often a helper can look at the desk in a time."""
        look, count = _code("look"), 500
        begin = time.perf_counter_ns()
        look(*self._arguments[:3], count)
        return int(nanoseconds * count / max(time.perf_counter_ns() - begin, 1)) + 1


class _Helper:
    """A thread that sleeps until it is woken, and then follows as long as there is work."""

    def __init__(self, follow: Callable[..., None], desk: int, is_new: Callable[[int], bool]):
        self._door = threading.Lock()
        self._door.acquire()
        self.asleep = True
        self._turn = np.full(1, -1, np.int64)  # at which this thread has helped
        self._follow, self._arguments, self._is_new = follow, (self._turn.ctypes.data, desk, 0, 0), is_new
        _thread.start_new_thread(self._serve, ())  # one of `threading` would be waited for

    def wake(self) -> None:
        """Wake the thread, which sleeps."""
        self.asleep = False
        with contextlib.suppress(RuntimeError):  # the door may be open still from the last time
            self._door.release()

    def _serve(self) -> None:
        while True:
            self._door.acquire()
            self._follow(*self._arguments)
            self.asleep = True
            while self._is_new(self._turn[0]):  # laid out while it was falling asleep, by one who thought it awake
                self._follow(*self._arguments)


_desk = _Desk()


def _after_fork() -> None:
    global _desk
    _desk = _Desk()  # threads do not survive a fork


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
