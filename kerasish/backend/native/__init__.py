"""Kernels of machine code for the CPU: a small language for them, a compiler with a disk cache, threads.

Everything but this file is imported only where `mode()` is not "0"; LLVM itself when a kernel is not on disk yet.
"""

import contextlib
import functools
import importlib.util
import os
from collections.abc import Iterator

MODES = ("0", "1", "always", "repeatable")
_forced: list[str] = []


def mode() -> str:
    """Return how programs are compiled to machine code, by default from the environment variable KERASISH_JIT.

    "1": once they have run for a while, or from the first call on if an earlier process kept them; "always": at once;
    "repeatable": as "1", but what was kept changes nothing, so that a script gives the same bits whenever it runs; "0":
    never, as where llvmlite is missing.
    """
    return _forced[-1] if _forced else _asked()


@contextlib.contextmanager
def using(name: str) -> Iterator[None]:
    """Set the mode for programs that are traced meanwhile."""
    _forced.append(_checked(name))
    try:
        yield
    finally:
        _forced.pop()


@functools.cache
def is_installed() -> bool:
    """Tell whether llvmlite is there."""
    return importlib.util.find_spec("llvmlite") is not None


@functools.cache
def _asked() -> str:
    return _checked(os.environ.get("KERASISH_JIT", "1"))


def _checked(name: str) -> str:
    if name not in MODES:
        raise ValueError(f"KERASISH_JIT, the way in which programs are compiled, must be one of {MODES}, not {name!r}")
    return name if is_installed() else "0"
