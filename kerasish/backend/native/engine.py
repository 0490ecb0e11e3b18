"""Kernels by their keys: compiled once, kept in memory, and on disk for the next process, which runs without LLVM."""

import ctypes
import importlib
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from kerasish.backend.native import disk, image
from kerasish.backend.native.disk import cache_folder
from kerasish.backend.native.machine import lanes

_functions: dict[str, int] = {}  # key -> address
_lock = threading.RLock()
_OBJECT = b"object\n"  # begins the content of a file that LLVM is to link


def function(key: str, write: Callable[[Any], None]) -> int:
    """Return the address of a kernel.

    Args:
        key: names the kernel; equal keys stand for equal machine code.
        write: writes the kernel with the language, if it is not there yet.
    """
    found = _functions.get(key)
    if found is None:
        with _lock:
            found = _functions.get(key) or _load(key, write)
            _functions[key] = found
    return found


def address(key: str) -> int:
    """Return the address of a kernel that is there already."""
    return _functions[key]


def is_there(key: str) -> bool:
    """Tell whether a kernel is there already."""
    return key in _functions


def packed(keys: Iterable[str]) -> dict[str, bytes] | None:
    """Return kernels as they are kept on disk, by key; None if one is not kept, or only as something to be linked."""
    out = {}
    for key in keys:
        content = disk.read(disk.path_of(cache_folder(), key))
        if content is None or image.unpack(content) is None:
            return None
        out[key] = content
    return out


def adopt(kernels: Mapping[str, bytes]) -> None:
    """Enter packed kernels, all at once, which is quicker than one by one.

    Raises:
        ValueError: one of them holds no image.
        OSError: the system gives no memory that can be executed.
        AttributeError: a function outside is not there.
    """
    with _lock:
        missing = [key for key in kernels if key not in _functions]
        images = [image.unpack(kernels[key]) for key in missing]
        if None in images:
            raise ValueError("a packed kernel holds no image")
        _functions.update(zip(missing, image.place_all(images), strict=True))  # type: ignore[arg-type]


def _load(key: str, write: Callable[[Any], None]) -> int:
    path = disk.path_of(cache_folder(), key)
    content = disk.read(path)
    if content is None:
        made = _compiler().compile_kernel(write, lanes())
        content = made.pack() if isinstance(made, image.Image) else _OBJECT + made
        disk.keep(path, content)
    kept = image.unpack(content)
    return image.place(kept) if kept is not None else _compiler().link(content.removeprefix(_OBJECT))


def _compiler() -> Any:
    """What needs LLVM, imported when a kernel is not there yet."""
    return importlib.import_module("kerasish.backend.native.compiler")


Call = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64)


def callable_of(address: int) -> Any:
    """Return a kernel as a Python function of (slots, table, lo, hi); it runs without the interpreter's lock."""
    return Call(address)
