"""The matrix products of the library that NumPy brings along, called by address."""

import ctypes
import functools
import os
import sys
from typing import Any, NamedTuple

import numpy as np


class Blas(NamedTuple):
    """Addresses in an OpenBLAS library, and the size of its integers."""

    sgemm: int
    dgemm: int
    wide: bool  # whether its integers have 64 bits
    set_threads: Any
    get_threads: Any


_STYLES = (("scipy_", "64_", True), ("", "64_", True), ("scipy_", "", False), ("", "", False))


@functools.cache
def library() -> Blas | None:
    """Return NumPy's OpenBLAS, None if it has another library."""
    for path in _candidates():
        try:
            loaded = ctypes.CDLL(path)
        except OSError:
            continue
        for before, after, wide in _STYLES:
            try:
                sgemm, dgemm = (getattr(loaded, f"{before}cblas_{n}gemm{after}") for n in "sd")
                setter = getattr(loaded, f"{before}openblas_set_num_threads{after}")
                getter = getattr(loaded, f"{before}openblas_get_num_threads{after}")
            except AttributeError:
                continue
            address = [ctypes.cast(f, ctypes.c_void_p).value or 0 for f in (sgemm, dgemm)]
            return Blas(address[0], address[1], wide, setter, getter)
    return None


def _candidates() -> list[str]:
    """Return files in which NumPy's library may be: beside the package as wheels have it, else what is loaded."""
    package = os.path.dirname(np.__file__)
    found = []
    for name in ("../numpy.libs", ".dylibs", "../numpy/.libs"):
        folder = os.path.join(package, name)
        if os.path.isdir(folder):
            found += [os.path.join(folder, file) for file in sorted(os.listdir(folder)) if "openblas" in file]
    if not found and sys.platform == "linux":
        with open("/proc/self/maps") as maps:
            found = sorted({line.split()[-1] for line in maps if "openblas" in line and "/" in line})
    return found


def address_of(name: str) -> int:
    """Return the address of a function of the library.

    Raises:
        LookupError: there is no library.
    """
    found = library()
    if found is None:
        raise LookupError(f"NumPy has no OpenBLAS, of which {name} is wanted")
    return found.sgemm if name == "sgemm" else found.dgemm


class OneThread:
    """A context in which the library uses one thread. It is entered with every step: a generator would be slower."""

    __slots__ = ("_before",)

    def __enter__(self) -> None:
        found = library()
        self._before = 1 if found is None else found.get_threads()
        if found is not None and self._before != 1:
            found.set_threads(1)

    def __exit__(self, *error: object) -> None:
        found = library()
        if found is not None and self._before != 1:
            found.set_threads(self._before)
