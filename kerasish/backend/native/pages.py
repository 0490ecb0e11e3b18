"""Memory is taken from the system at once, and by two threads, before a program runs in it.

Page by page, as threads first write to them, it takes far longer.
"""

import ctypes
import functools
import mmap
import sys
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.backend.native import engine, pool
from kerasish.backend.native.driver import ADVICE, ADVISE, HURRY, MEMORY, OF_PIECES, PAGE, PIECES

# Of madvise, as Linux numbers them; the last two since 5.14 and 6.1.
DROP, HUGE_PAGES, SMALL_PAGES, POPULATE_WRITE, COLLAPSE = 4, 14, 15, 23, 25
HUGE = 1 << 22  # bytes from which on NumPy asks for huge pages
_WORTH_POPULATING, _WORTH_A_THREAD = 1 << 16, 1 << 20
_PIECE = 1 << 18  # bytes that a thread takes at a time: so long, others that want memory have to wait


class Filling:
    """A context in which another thread takes memory from the system for arrays; at its end, it has been taken.

    It is a thread of the system's own and runs machine code: one of Python's would wait for its turn as long as this
    one keeps the interpreter. Where there is none, nothing happens.

    Args:
        arrays: what is going to be written to. The small ones are left out, they have memory already; and so are those
            that may not be written to.

    Attributes:
        is_worth_it: whether this is done.
    """

    def __init__(self, arrays: Sequence[np.ndarray]):
        # They are held: memory that is given back meanwhile may be another's.
        self._arrays = arrays = [a for a in arrays if a.nbytes >= _WORTH_POPULATING and a.flags.writeable]
        self.is_worth_it = sum([a.nbytes for a in arrays]) >= _WORTH_A_THREAD and _can_start()
        if self.is_worth_it:
            self._huge = [array for array in arrays if _has_asked_for_huge_pages(array)]
            self._pieces = np.array([piece for array in arrays for piece in _pieces(array)], np.int64)
            self._table = np.zeros(MEMORY, np.int64)
            self._table[[ADVISE, ADVICE, PAGE, PIECES, OF_PIECES]] = (
                ctypes.cast(_system().madvise, ctypes.c_void_p).value or 0, POPULATE_WRITE, mmap.PAGESIZE,
                self._pieces.ctypes.data, len(self._pieces))

    def __enter__(self) -> None:
        if self.is_worth_it:
            for array in self._huge:
                advise(array, SMALL_PAGES, whole_pages=True)
            self._thread = ctypes.c_ulong()
            self.is_worth_it = not _system().pthread_create(
                ctypes.byref(self._thread), None, engine.address(_TOUCH), self._table.ctypes.data)

    def __exit__(self, *error: object) -> None:
        if self.is_worth_it:
            self._table[HURRY] = 1
            try:
                engine.callable_of(engine.address(_ADVISE))(self._table.ctypes.data, None, 0, 0)
            finally:
                _system().pthread_join(self._thread, None)
                for array in self._huge:
                    advise(array, HUGE_PAGES, whole_pages=True)


_ADVISE, _TOUCH = "driver advise", "driver touch"


def _can_start() -> bool:
    return sys.platform == "linux" and pool.threads() > 1 and engine.is_there(_TOUCH) and _system() is not None


def _pieces(array: np.ndarray) -> list[tuple[int, int]]:
    """Address and length of the pieces of an array, in whole pages."""
    first, end = _bounds(array, whole_pages=False)
    return [(begin, min(end - begin, _PIECE)) for begin in range(first, end, _PIECE)]


def _has_asked_for_huge_pages(array: np.ndarray) -> bool:
    return array.base is None and array.nbytes >= HUGE


def fresh(nbytes: int) -> np.ndarray:
    """Return memory in small pages; a large array of NumPy's comes in huge ones, a small one may be there already."""
    if sys.platform == "win32" or nbytes < HUGE:
        return np.empty(nbytes, np.uint8)
    return np.frombuffer(mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS), np.uint8)


def populate(array: np.ndarray) -> None:
    """Let the system give an array its pages at once, small ones, as far as it has none.

    Huge ones may have to come from a host. On systems that cannot be told so nothing happens.
    """
    if array.nbytes >= _WORTH_POPULATING:
        is_huge = _has_asked_for_huge_pages(array)
        if is_huge:
            advise(array, SMALL_PAGES, whole_pages=True)
        advise(array, POPULATE_WRITE)
        if is_huge:  # the system may still put them together when it finds the time
            advise(array, HUGE_PAGES, whole_pages=True)


def advise(array: np.ndarray, advice: int, whole_pages: bool = False) -> bool:
    """Tell the system something about the pages of an array; those that it shares with others are among them or not."""
    if sys.platform != "linux" or _system() is None:
        return False
    begin, end = _bounds(array, whole_pages)
    return end > begin and not _system().madvise(begin, end - begin, advice)


def _bounds(array: np.ndarray, whole_pages: bool) -> tuple[int, int]:
    page, begin = mmap.PAGESIZE, array.ctypes.data
    end = begin + array.nbytes
    first, last = (-(-begin // page), end // page) if whole_pages else (begin // page, -(-end // page))
    return first * page, last * page


@functools.cache
def _system() -> Any:
    """The system's functions, None if it lacks one."""
    system, pointer = ctypes.CDLL(None), ctypes.c_void_p
    try:
        system.madvise.argtypes = [pointer, ctypes.c_size_t, ctypes.c_int]
        system.pthread_create.argtypes = [pointer] * 4
        system.pthread_join.argtypes = [ctypes.c_ulong, pointer]
    except AttributeError:
        return None
    return system
