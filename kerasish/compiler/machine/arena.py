"""Memory in which programs run: one piece for many of them, since only one runs at a time."""

import ctypes
import math
import sys
import threading
import weakref
from collections.abc import Sequence

import numpy as np

from kerasish.backend.native import pages

_WORTH_RELEASING = 1 << 26
_PIECE = 1 << 22  # bytes that are put together at a time
# Seconds of running after which small pages are put together: to do that takes some milliseconds for each of their
# megabytes where the host must be asked for huge ones, and then saves a few percent of every run.
_LONG = 4.0


class Arena:
    """A piece of memory for programs that run one at a time: nothing in it outlasts a run.

    It begins in small pages. Huge ones are quicker to compute in, but a virtual machine may have to ask its host for
    each, which takes longer than a whole run; so small ones are put together when programs have run for some seconds.

    Attributes:
        memory: bytes.
        lock: held while a program runs in it.
    """

    def __init__(self, nbytes: int):
        self.memory = pages.fresh(nbytes + 64)
        self.lock = threading.RLock()
        self._filled = 0  # so many bytes have pages
        self._seconds = 0.0 if nbytes >= pages.HUGE else math.inf

    @staticmethod
    def of(nbytes: int) -> "Arena":
        """Return an arena that is large enough: one that another program has already, else a new one."""
        with _making:
            fitting = [a for a in _arenas if a.memory.nbytes >= nbytes + 64]
            arena = min(fitting, key=lambda a: a.memory.nbytes) if fitting else Arena(nbytes)
            _arenas.add(arena)
        return arena

    def fill(self, nbytes: int) -> None:
        """Take pages from the system for a program that needs so many bytes."""
        if nbytes + 64 > self._filled:
            pages.populate(self.unfilled(nbytes))
            self.note_filled(nbytes)

    def unfilled(self, nbytes: int) -> np.ndarray:
        """Return the part that has no pages yet, of what a program that needs so many bytes runs in."""
        return self.memory[self._filled : nbytes + 64]

    def note_filled(self, nbytes: int) -> None:
        """Note that there are pages for a program that needs so many bytes."""
        self._filled = max(self._filled, nbytes + 64)

    def has_run(self, seconds: float) -> None:
        """Note that a program has run for a time; after some seconds, another thread puts small pages together."""
        self._seconds += seconds
        if _LONG < self._seconds < math.inf:
            self._seconds = math.inf
            threading.Thread(target=self._collapse, name="kerasish-pages", daemon=True).start()

    def _collapse(self) -> None:
        for begin in range(0, self._filled, _PIECE):
            pages.advise(self.memory[begin : min(begin + 2 * _PIECE, self._filled)], pages.COLLAPSE, whole_pages=True)

    def drop(self) -> None:
        """Give the pages back to the system, where it can be told so; they come back empty when they are written to."""
        if pages.advise(self.memory, pages.DROP, whole_pages=True):
            self._filled = 0


class Prefetch:
    """A context in which another thread takes memory from the system for a program that is going to run.

    Args:
        nbytes: of the program's arena.
        arrays: others that it will write to.
    """

    def __init__(self, nbytes: int, arrays: Sequence[np.ndarray] = ()):
        self._arena, self._nbytes, self._arrays = Arena.of(nbytes), nbytes, arrays

    def __enter__(self) -> None:
        # If it fails, another thread runs there, which takes what it needs itself.
        self._is_ours = self._arena.lock.acquire(blocking=False)
        try:
            own = [self._arena.unfilled(self._nbytes)] if self._is_ours else []
            self._filling = pages.Filling([*own, *self._arrays])
            self._filling.__enter__()
        except BaseException:
            self._release()
            raise

    def __exit__(self, *error: object) -> None:
        try:
            self._filling.__exit__(*error)
            if self._is_ours and self._filling.is_worth_it:
                self._arena.note_filled(self._nbytes)
        finally:
            self._release()

    def _release(self) -> None:
        if self._is_ours:
            self._arena.lock.release()


def release() -> None:
    """Give back the memory of large arenas in which nothing runs just now; the next run takes it again."""
    for arena in list(_arenas):
        if arena.memory.nbytes >= _WORTH_RELEASING and arena.lock.acquire(blocking=False):
            try:
                arena.drop()
            finally:
                arena.lock.release()


def trim() -> None:
    """Give back what the C library keeps of freed memory, where it can be told so: much, after a step op by op."""
    if sys.platform == "linux":
        trimming = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trimming is not None:
            trimming(ctypes.c_size_t(0))


_arenas: "weakref.WeakSet[Arena]" = weakref.WeakSet()
_making = threading.Lock()
