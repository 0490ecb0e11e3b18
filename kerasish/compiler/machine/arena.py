"""Memory in which programs run: one piece for many of them, since only one runs at a time."""

import ctypes
import mmap
import sys
import threading
import weakref
from typing import Any

import numpy as np

_HUGE_PAGES, _POPULATE_WRITE = 14, 23  # of madvise, as Linux numbers them; the second since 5.14
_WORTH_POPULATING, _HUGE = 1 << 16, 1 << 22
_WORTH_RELEASING = 1 << 26


class Arena:
    """A piece of memory for programs that run one at a time: nothing in it outlasts a run.

    Attributes:
        memory: bytes.
        lock: held while a program runs in it.
    """

    def __init__(self, nbytes: int):
        self.memory = np.empty(nbytes + 64, np.uint8)
        self.lock = threading.RLock()
        self._is_empty = True

    @staticmethod
    def of(nbytes: int) -> "Arena":
        """Return an arena that is large enough: one that another program has already, else a new one."""
        with _making:
            fitting = [a for a in _arenas if a.memory.nbytes >= nbytes + 64]
            arena = min(fitting, key=lambda a: a.memory.nbytes) if fitting else Arena(nbytes)
            _arenas.add(arena)
        return arena

    def fill(self) -> None:
        """Take pages from the system, if there are none."""
        if self._is_empty:
            populate(self.memory)
            self._is_empty = False

    def touch(self) -> None:
        """The same, page by page: it takes longer, but no other thread that wants memory has to wait for the whole."""
        if self._is_empty:
            self.memory[:: mmap.PAGESIZE] = 0
            self._is_empty = False

    def drop(self) -> None:
        """Give the pages back to the system, where it can be told so; they come back empty when they are written to."""
        if _advise(self.memory, mmap.MADV_DONTNEED if sys.platform == "linux" else 0, whole_pages=True):
            self._is_empty = True


class Prefetch:
    """A context in which another thread takes memory from the system for a program that will need it.

    Args:
        nbytes: of the program's arena.
    """

    def __init__(self, nbytes: int):
        self._arena = Arena.of(nbytes)
        self._thread = threading.Thread(target=self._fill, name="kerasish-prefetch", daemon=True)

    def _fill(self) -> None:
        with self._arena.lock:
            self._arena.touch()

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._thread.join()


def populate(array: np.ndarray) -> None:
    """Let the system give an array its pages at once: one by one, as threads first write to them, it takes far longer.

    On systems that cannot be told so nothing happens.
    """
    if array.nbytes >= _HUGE:  # as NumPy does for arrays that do not begin at zero
        _advise(array, _HUGE_PAGES, whole_pages=True)
    if array.nbytes >= _WORTH_POPULATING:
        _advise(array, _POPULATE_WRITE)


def _advise(array: np.ndarray, advice: int, whole_pages: bool = False) -> bool:
    """Tell the system something about the pages of an array; those that it shares with others are among them or not."""
    if sys.platform != "linux":
        return False
    page, begin = mmap.PAGESIZE, array.ctypes.data
    end = begin + array.nbytes
    first, last = (-(-begin // page), end // page) if whole_pages else (begin // page, -(-end // page))
    return last > first and not _madvise()(first * page, (last - first) * page, advice)


def _madvise() -> Any:
    function = ctypes.CDLL(None).madvise
    function.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return function


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
