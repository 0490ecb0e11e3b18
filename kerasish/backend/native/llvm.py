"""LLVM by way of llvmlite, imported when a kernel is written: who finds all kernels on disk does without.

It takes 20 milliseconds and 50 megabytes.
"""

import importlib
from typing import Any


class _Later:
    """A module that is imported when something of it is asked for."""

    def __init__(self, name: str):
        self._name = name

    def __getattr__(self, name: str) -> Any:
        found = getattr(importlib.import_module(self._name), name)
        setattr(self, name, found)
        return found


ir: Any = _Later("llvmlite.ir")
binding: Any = _Later("llvmlite.binding")


def i64() -> Any:
    """The type of sizes, and of addresses in memory."""
    return ir.IntType(64)
