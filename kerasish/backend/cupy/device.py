"""The CuPy device: common kernels on GPU arrays."""

from typing import Any

import numpy as np

from kerasish.backend.device import Device

INSTALL = "pip install 'kerasish[cuda13]' (or kerasish[cuda12] for a CUDA 12 driver)"
OR_ELSE = "or run on the CPU: unset KERASISH_BACKEND, or choose the backend 'numpy'"


class CupyDevice(Device):
    """A GPU through CuPy."""

    def asarray(self, x: Any, dtype: Any = None) -> Any:
        """Return `x`, an array of any device or a value, on this GPU."""
        return self.xp.asarray(x, dtype=dtype)

    def numbered(self, index: int) -> Any:
        """Return a context in which arrays are made on the GPU of a number."""
        count = self.xp.cuda.runtime.getDeviceCount()
        if index >= count:
            raise ValueError(f"there is no device 'gpu:{index}': CuPy finds {count}, counted from 0")
        return self.xp.cuda.Device(index)

    def to_numpy(self, array: Any) -> np.ndarray:
        """Return a copy of the array on the host."""
        return self.xp.asnumpy(array)

    def synchronize(self) -> None:
        """Wait until all work that was given to the GPU is done."""
        self.xp.cuda.get_current_stream().synchronize()


def make() -> CupyDevice:
    """Return the GPU.

    Raises:
        ImportError: CuPy is not installed, or finds no GPU; says what to do.
    """
    try:
        import cupy
    except ImportError as error:
        if isinstance(error, ModuleNotFoundError) and error.name == "cupy":
            said = f"the cupy backend needs CuPy: {INSTALL}"
        else:
            said = f"CuPy is installed but cannot be imported ({error}): install it anew ({INSTALL})"
        raise ImportError(f"{said}, {OR_ELSE}") from error
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        raise ImportError(f"CuPy is installed but finds no usable GPU ({error}): install an NVIDIA driver that fits "
                          f"its CUDA version, {OR_ELSE}") from error
    if count == 0:
        raise ImportError(f"CuPy is installed but there is no GPU: install an NVIDIA GPU and its driver, {OR_ELSE}")
    return CupyDevice("cupy", cupy, cupy.ndarray)
