"""The device that runs kernels: which one is current, and how arrays get there and back."""

import importlib
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.registry import lookup


class Device:
    """One place where arrays live and kernels run.

    Attributes:
        name: the key of the kernel table, "numpy" or "cupy".
        xp: the array module.
    """

    def __init__(self, name: str, xp: Any, array_type: type):
        self.name, self.xp, self.array_type = name, xp, array_type

    def kernel(self, name: str) -> Callable[..., Any]:
        """Return the function on raw arrays that serves an op here."""
        return lookup(name, self.name, self.xp)

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Return `x` as an array of this device, without a copy where none is needed."""
        return self.xp.asarray(x, dtype=dtype)

    def to_numpy(self, array: Any) -> np.ndarray:
        """Return the array on the host, without a copy where none is needed."""
        return array

    def synchronize(self) -> None:
        """Wait until all work that was given to the device is done."""


_loaded: dict[str, Device] = {"numpy": Device("numpy", np, np.ndarray)}
_current: list[Device] = [_loaded["numpy"]]
NAMES = ("numpy", "cupy")


def current() -> Device:
    """Return the device that new arrays are put on."""
    return _current[0]


def use(name: str) -> Device:
    """Make a device current.

    Args:
        name: "numpy" or "cupy".

    Raises:
        ValueError: the name is unknown.
        ImportError: the device's library, or its hardware, is missing; says what to install.
    """
    if name not in NAMES:
        raise ValueError(f"unknown backend {name!r}: expected one of {', '.join(map(repr, NAMES))}")
    if name not in _loaded:
        _loaded[name] = importlib.import_module(f"kerasish.backend.{name}.device").make()
    _current[0] = _loaded[name]
    return _current[0]


def use_default() -> None:
    """Make current what the environment variable KERASISH_BACKEND names, if it is set."""
    name = os.environ.get("KERASISH_BACKEND")
    if name:
        use(name)
