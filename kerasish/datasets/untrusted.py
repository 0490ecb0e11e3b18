"""Arrays read from pickles without running what a pickle may ask for.

Some of Keras's data files are pickles, or hold object arrays, which NumPy pickles. A pickle names the functions
that rebuild its content, any function; here it may name those that rebuild a NumPy array, and no other.
"""

import io
import pickle
import zipfile
from typing import Any, BinaryIO

import numpy as np

_NUMPY_CORES = ("numpy.core.multiarray", "numpy._core.multiarray")
_reconstruct = np.empty(0).__reduce__()[0]  # a private function of NumPy's, which it has moved before
_ALLOWED = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    **{(core, "_reconstruct"): _reconstruct for core in _NUMPY_CORES},
}


class _ArrayUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"Refusing {module}.{name} in a data file; it is corrupt or was tampered with")
        return _ALLOWED[module, name]


def load_pickle(file: BinaryIO, encoding: str = "ASCII") -> Any:
    """Return what a pickle holds, if that is Python's basic types and NumPy arrays alone.

    Args:
        file: open for reading in binary mode.
        encoding: how strings that Python 2 wrote are read; "bytes" leaves them as bytes.

    Raises:
        pickle.UnpicklingError: it asks for anything else.
    """
    return _ArrayUnpickler(file, encoding=encoding).load()


def load_npz(path: str) -> dict[str, np.ndarray]:
    """Return the arrays of an `.npz` file by name, object arrays included.

    Raises:
        pickle.UnpicklingError: an object array holds more than basic types and arrays.
        ValueError: the file is damaged.
    """
    with zipfile.ZipFile(path) as archive:
        members = [name for name in archive.namelist() if name.endswith(".npy")]
        return {name.removesuffix(".npy"): _load_npy(io.BytesIO(archive.read(name))) for name in members}


def _load_npy(content: BinaryIO) -> np.ndarray:
    version = np.lib.format.read_magic(content)
    read_header = {
        (1, 0): np.lib.format.read_array_header_1_0,
        # Version 3 differs in the header's encoding alone, which matters for field names.
        (2, 0): np.lib.format.read_array_header_2_0,
        (3, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read_header is None:
        raise ValueError(f"unknown version {version} of the .npy format")
    shape, _, dtype = read_header(content)
    if not dtype.hasobject:
        content.seek(0)
        return np.lib.format.read_array(content, allow_pickle=False)
    array = load_pickle(content)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise ValueError(f"an object array of shape {shape} is announced, the file holds something else")
    return array
