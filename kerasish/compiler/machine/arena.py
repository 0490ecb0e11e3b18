"""Memory in which programs run: one piece for many of them, since only one runs at a time."""

import _thread
import ctypes
import functools
import math
import mmap
import sys
import threading
import weakref
from typing import Any

import numpy as np

# Of madvise, as Linux numbers them; the last two since 5.14 and 6.1.
_DROP, _HUGE_PAGES, _SMALL_PAGES, _POPULATE_WRITE, _COLLAPSE = 4, 14, 15, 23, 25
_WORTH_POPULATING, _WORTH_A_THREAD, _WORTH_RELEASING = 1 << 16, 1 << 20, 1 << 26
_HUGE = 1 << 22  # bytes from which on NumPy asks for huge pages
_PIECE = 1 << 22
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
        self.memory = _fresh(nbytes + 64)
        self.lock = threading.RLock()
        self._filled = 0  # so many bytes have pages
        self._is_touched = False
        self._helped = threading.Lock()
        self._seconds = 0.0 if nbytes >= _HUGE else math.inf

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
        end = nbytes + 64
        if end > self._filled:
            populate(self.memory[self._filled : end])
            self._filled = end

    def touch(self, nbytes: int) -> None:
        """Do as `fill`, page by page: it takes longer, but no other thread that wants memory waits for the whole."""
        end = nbytes + 64
        if end > self._filled:
            self._is_touched = True
            self.memory[self._filled : end : mmap.PAGESIZE] = 0
            with self._helped:
                self._is_touched = False
            self._filled = end

    def help_touching(self, nbytes: int) -> None:
        """Go towards a thread that touches the memory, from its end, until that one is through."""
        for end in range(nbytes + 64, 0, -_PIECE):
            with self._helped:  # so long, nothing runs here
                if not self._is_touched:
                    return
                populate(self.memory[max(end - _PIECE, 0) : end])

    def has_run(self, seconds: float) -> None:
        """Note that a program has run for a time; after some seconds, another thread puts small pages together."""
        self._seconds += seconds
        if _LONG < self._seconds < math.inf:
            self._seconds = math.inf
            threading.Thread(target=self._collapse, name="kerasish-pages", daemon=True).start()

    def _collapse(self) -> None:
        for begin in range(0, self._filled, _PIECE):
            _advise(self.memory[begin : min(begin + 2 * _PIECE, self._filled)], _COLLAPSE, whole_pages=True)

    def drop(self) -> None:
        """Give the pages back to the system, where it can be told so; they come back empty when they are written to."""
        if _advise(self.memory, _DROP, whole_pages=True):
            self._filled = 0


class Prefetch:
    """A context in which another thread takes memory from the system for a program that will need it.

    Args:
        nbytes: of the program's arena.
    """

    def __init__(self, nbytes: int):
        self._arena, self._nbytes = Arena.of(nbytes), nbytes
        self._is_worth_it = nbytes >= _WORTH_A_THREAD
        self._begins, self._at_work = threading.Lock(), threading.Lock()

    def _fill(self) -> None:
        self._begins.release()
        try:
            with self._arena.lock:
                self._arena.touch(self._nbytes)
        finally:
            self._at_work.release()

    def __enter__(self) -> None:
        if self._is_worth_it:
            self._begins.acquire()
            self._at_work.acquire()
            _thread.start_new_thread(self._fill, ())
            self._begins.acquire()  # so that it comes to run now, and not when this thread has run for a while

    def __exit__(self, *error: object) -> None:
        if self._is_worth_it:
            self._arena.help_touching(self._nbytes)
            self._at_work.acquire()


def _fresh(nbytes: int) -> np.ndarray:
    """Memory in small pages; a large array of NumPy's would come in huge ones, a small one is perhaps there already."""
    if sys.platform == "win32" or nbytes < _HUGE:
        return np.empty(nbytes, np.uint8)
    return np.frombuffer(mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.uint8)


def populate(array: np.ndarray) -> None:
    """Let the system give an array its pages at once, small ones, as far as it has none.

    One by one, as threads first write to them, it takes far longer; and huge ones may have to come from a host.

    On systems that cannot be told so nothing happens.
    """
    if array.nbytes >= _WORTH_POPULATING:
        is_numpys = array.base is None and array.nbytes >= _HUGE  # who has asked for huge pages
        if is_numpys:
            _advise(array, _SMALL_PAGES, whole_pages=True)
        _advise(array, _POPULATE_WRITE)
        if is_numpys:  # the system may still put them together when it finds the time
            _advise(array, _HUGE_PAGES, whole_pages=True)


def _advise(array: np.ndarray, advice: int, whole_pages: bool = False) -> bool:
    """Tell the system something about the pages of an array; those that it shares with others are among them or not."""
    if sys.platform != "linux":
        return False
    page, begin = mmap.PAGESIZE, array.ctypes.data
    end = begin + array.nbytes
    first, last = (-(-begin // page), end // page) if whole_pages else (begin // page, -(-end // page))
    return last > first and not _madvise()(first * page, (last - first) * page, advice)


@functools.cache
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
