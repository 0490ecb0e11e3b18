"""Strings from the user as flat lists of bytes, and back."""

from typing import Any

import numpy as np

from kerasish.core.tensor import Tensor


def flat_bytes(x: Any, encoding: str, who: str) -> tuple[list[bytes], tuple[int, ...]]:
    """Return strings as bytes, row by row, and the shape in which they stood.

    Args:
        x: a string, an array of strings, or a nested list; bytes are taken as they are.
        encoding: how strings become bytes.
        who: path of the layer, for messages.

    Raises:
        TypeError: something else is among them.
        ValueError: a nested list is not rectangular.
    """
    array = _as_array(x)
    values = array.ravel().tolist()
    out = [v.encode(encoding) if type(v) is str else v for v in values]
    if array.dtype.kind not in "US":  # objects may be anything
        for v in out:
            if type(v) is not bytes:
                raise _refusal(v, who)
    return out, array.shape


def _as_array(x: Any) -> np.ndarray:
    if isinstance(x, np.ndarray):
        return x
    if isinstance(x, Tensor):
        return x.numpy()
    return np.array(x, dtype=object) if isinstance(x, list | tuple) else np.asarray(x)


def _refusal(value: Any, who: str) -> Exception:
    if isinstance(value, list | tuple):
        return ValueError(f"layer {who!r} expects strings in an array or in lists of equal lengths, got lists of "
                          f"different lengths, such as {value!r}")
    return TypeError(f"layer {who!r} expects strings, got {value!r} ({type(value).__name__})")


def text_array(flat: list[bytes], shape: tuple[int, ...], encoding: str) -> np.ndarray:
    """Return bytes as an array of NumPy's own strings, for `np.strings` and `np.char`."""
    return np.array([b.decode(encoding) for b in flat], dtype=np.str_).reshape(shape)


def object_array(values: list[Any], shape: tuple[int, ...]) -> np.ndarray:
    """Return values as an array of objects: what strings are among tensors."""
    out = np.empty(len(values), dtype=object)
    out[:] = values
    return out.reshape(shape)
