"""Linked machine code: bytes that run wherever they are put, and the memory that they are put in."""

import ctypes
import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

PAGE = 4096
_ROOM = 1 << 20  # bytes reserved at a time; untouched pages cost nothing
_READ, _WRITE, _EXECUTE, _PRIVATE, _ANONYMOUS = 1, 2, 4, 0x02, 0x20  # of mmap, as Linux numbers them on x86-64
CELL = 16  # bytes of a jump to a function outside, its address in the last eight


class Image(NamedTuple):
    """Machine code that depends on nothing but the addresses of functions outside.

    Attributes:
        code: begins where a page does; ends with a cell for each function outside.
        entry: where in it a call begins.
        outside: names of functions of the C library.
    """

    code: bytes
    entry: int
    outside: tuple[str, ...]

    def pack(self) -> bytes:
        """Return it as the content of a file."""
        return " ".join(["image", str(self.entry), *self.outside]).encode() + b"\n" + self.code


def unpack(content: bytes) -> Image | None:
    """Return the image in a file's content, None if it holds something else."""
    head, _, code = content.partition(b"\n")
    kind, *rest = head.decode(errors="replace").split(" ")
    return Image(code, int(rest[0]), tuple(rest[1:])) if kind == "image" else None


def place(image: Image) -> int:
    """Put an image where it can run, for as long as the process lives; return its entry. One thread at a time.

    Raises:
        OSError: if the system gives no memory that can be executed.
        AttributeError: if a function outside is not there.
    """
    return place_all([image])[0]


def place_all(images: Sequence[Image]) -> list[int]:
    """Put images where they can run, one behind the other; return their entries. See `place`."""
    whole, entries = bytearray(), []
    for image in images:
        whole += bytes(-len(whole) % PAGE)
        entries.append(len(whole) + image.entry)
        whole += image.code
        for n, name in enumerate(reversed(image.outside)):
            end = len(whole) - n * CELL
            whole[end - 8 : end] = address_of(name).to_bytes(8, "little")
    if not images:
        return []
    begin = _arena.take(len(whole))
    ctypes.memmove(begin, bytes(whole), len(whole))
    _arena.seal(begin, len(whole))
    return [begin + entry for entry in entries]


def address_of(name: str) -> int:
    """Return the address of a function of the C library."""
    return ctypes.cast(getattr(_system(), name), ctypes.c_void_p).value or 0


@functools.cache
def _system() -> Any:
    system = ctypes.CDLL(None, use_errno=True)
    system.mmap.restype = ctypes.c_void_p
    system.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_int64]
    system.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    return system


class _Arena:
    """Memory for machine code. A page can be written until it is sealed, and executed from then on, never both.

    It is never given back: at exit a thread may still be in the code.
    """

    def __init__(self) -> None:
        self._begin = self._end = 0

    def take(self, size: int) -> int:
        """Return the address of fresh pages."""
        size = _whole_pages(size)
        if self._end - self._begin < size:
            room = max(size, _ROOM)
            found = _system().mmap(None, room, _READ | _WRITE, _PRIVATE | _ANONYMOUS, -1, 0)
            if found == ctypes.c_void_p(-1).value:
                raise OSError(ctypes.get_errno(), "no memory for machine code")
            self._begin, self._end = found, found + room
        taken, self._begin = self._begin, self._begin + size
        return taken

    def seal(self, begin: int, size: int) -> None:
        """Make pages executable and keep them from being written."""
        if _system().mprotect(begin, _whole_pages(size), _READ | _EXECUTE):
            raise OSError(ctypes.get_errno(), "the system does not let memory be executed")


def _whole_pages(size: int) -> int:
    return -(-size // PAGE) * PAGE


_arena = _Arena()
