"""Weights as pictures, for TensorBoard."""

import struct
import zlib

import numpy as np

_GREY = 0  # PNG's colour type


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def grey_png(pixels: np.ndarray) -> bytes:
    """Return an array of bytes, shape (height, width), as a grey PNG file."""
    height, width = pixels.shape
    rows = np.zeros((height, 1 + width), "uint8")  # before each row the number of its filter, 0 for none
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, _GREY, 0, 0, 0)
    body = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows.tobytes())) + _chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def pictures_of(weight: np.ndarray, channels_first: bool = False) -> np.ndarray | None:
    """Return a weight as grey pictures from its least value (black) to its greatest (white).

    Args:
        weight: a bias becomes a column, a matrix a picture wider than high, a kernel of three axes (others than
            those of length 1) a picture for each entry of its channels.
        channels_first: whether channels are the first of three axes, not the last.

    Returns:
        Bytes of shape (pictures, height, width); None for a scalar, and where there are more axes.
    """
    w = np.squeeze(np.asarray(weight, "float32"))
    if w.ndim == 1:
        w = w[None, :, None]
    elif w.ndim == 2:
        w = (w.T if w.shape[0] > w.shape[1] else w)[None]
    elif w.ndim == 3 and not channels_first:
        w = np.moveaxis(w, 2, 0)
    if w.ndim != 3:
        return None
    low, span = w.min(), np.ptp(w)
    scaled = np.nan_to_num((w - low) / (span or 1.0))
    return np.round(255.0 * np.clip(scaled, 0.0, 1.0)).astype("uint8")
