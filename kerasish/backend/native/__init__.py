"""Kernels of machine code for the CPU: a small language for them, a compiler with a disk cache, threads.

Everything but this file needs llvmlite, and is imported only where `mode()` is not "0".
"""

import functools
import importlib.util
import os


@functools.cache
def mode() -> str:
    """Return how programs are compiled to machine code, from the environment variable KERASISH_JIT.

    "1", the default: once they have run for a while; "always": at once; "0": never, as where llvmlite is missing.
    """
    asked = os.environ.get("KERASISH_JIT", "1")
    if asked not in ("0", "1", "always"):
        raise ValueError(f"the environment variable KERASISH_JIT must be 0, 1 or always, not {asked!r}")
    return asked if importlib.util.find_spec("llvmlite") is not None else "0"
