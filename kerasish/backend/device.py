"""The device that runs kernels: which one is current, and how arrays get there and back."""

import contextlib
import importlib
import os
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from kerasish.backend.registry import lookup, resolved


class Device:
    """One place where arrays live and kernels run.

    Attributes:
        name: the key of the kernel table, "numpy" or "cupy".
        xp: the array module.
    """

    def __init__(self, name: str, xp: Any, array_type: type):
        self.name, self.xp, self.array_type = name, xp, array_type
        self._kernels = resolved(name)

    def kernel(self, name: str) -> Callable[..., Any]:
        """Return the function on raw arrays that serves an op here."""
        return self._kernels.get(name) or lookup(name, self.name, self.xp)

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Return `x`, an array of any device or a value, as an array of this one, uncopied where that can be."""
        if hasattr(x, "__cuda_array_interface__"):
            x = x.get()
        return self.xp.asarray(x, dtype=dtype)

    def numbered(self, index: int) -> contextlib.AbstractContextManager:
        """Return a context in which arrays are made on the device of a number.

        Raises:
            ValueError: there is none of that number.
        """
        if index:
            raise ValueError(f"there is no device 'cpu:{index}': all processors together are 'cpu:0'")
        return contextlib.nullcontext()

    def to_numpy(self, array: Any) -> np.ndarray:
        """Return an array of any device on the host, without a copy where none is needed."""
        return array.get() if hasattr(array, "__cuda_array_interface__") else array

    def synchronize(self) -> None:
        """Wait until all work that was given to the device is done."""


# The C library's malloc takes a large block from the system and gives it back when it is freed, until a block as large
# has been freed once: from then on it keeps some freed memory for those who ask next. Fresh memory costs more than most
# kernels that write to it; so that is made known here, with a block as large as many an activation, never touched.
np.empty(2 << 20, np.uint8)

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
    _current[0] = _load(name)
    return _current[0]


def _load(name: str) -> Device:
    if name not in NAMES:
        raise ValueError(f"unknown backend {name!r}: expected one of {', '.join(map(repr, NAMES))}")
    if name not in _loaded:
        _loaded[name] = importlib.import_module(f"kerasish.backend.{name}.device").make()
    return _loaded[name]


_PLACE = re.compile(r"/?(?:device:)?(cpu|gpu|cuda)(?::(\d+))?")


def device(device_name: str) -> contextlib.AbstractContextManager:
    """Return a context in which ops run, and new tensors are made, on another device (Keras: `device`).

    A tensor from elsewhere is copied where an op needs it.

    Args:
        device_name: "cpu", "gpu" or "cuda", with a number where there are several, as in "gpu:1".

    Raises:
        ValueError: the name is of no device, or there is none of that number.
        ImportError: the GPU, or CuPy, is missing; says what to install.
    """
    match = _PLACE.fullmatch(device_name.lower()) if isinstance(device_name, str) else None
    if match is None:
        raise ValueError("argument `device_name` must be 'cpu' or 'gpu', or one of them with a number such as 'gpu:0', "
                         f"got {device_name!r}")
    chosen = _load("numpy" if match[1] == "cpu" else "cupy")
    return _scope(chosen, chosen.numbered(int(match[2] or 0)))


@contextlib.contextmanager
def _scope(chosen: Device, number: contextlib.AbstractContextManager) -> Iterator[Device]:
    before = _current[0]
    _current[0] = chosen
    try:
        with number:
            yield chosen
    finally:
        _current[0] = before


def use_default() -> None:
    """Make current what the environment variable KERASISH_BACKEND names, if it is set."""
    name = os.environ.get("KERASISH_BACKEND")
    if name:
        use(name)
