"""TensorBoard's event files: records of protocol-buffer messages with checksums, written by hand.

The messages are few and flat, so their wire format takes fewer lines than a dependency. Field numbers are those of
TensorFlow's `event.proto` and `summary.proto`; the framing is that of `TFRecord`.
"""

import itertools
import os
import socket
import struct
import time
from pathlib import Path

import numpy as np

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_STRING_DTYPE = 7  # DT_STRING
_files = itertools.count()


def _crc_table() -> list[int]:
    table = []
    for value in range(256):
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)  # Castagnoli's polynomial, reflected
        table.append(value)
    return table


_CRC = _crc_table()


def masked_crc(data: bytes) -> int:
    """Return the CRC-32C of the data, rotated and shifted as `TFRecord` wants it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _CRC[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _key(field: int, kind: int) -> bytes:
    return _varint(field << 3 | kind)


def _integer(field: int, number: int) -> bytes:
    return _key(field, _VARINT) + _varint(number)


def _double(field: int, number: float) -> bytes:
    return _key(field, _DOUBLE) + struct.pack("<d", number)


def _float(field: int, number: float) -> bytes:
    with np.errstate(over="ignore"):  # what float32 cannot hold is drawn as infinite
        return _key(field, _FLOAT) + np.float32(number).astype("<f4").tobytes()


def _nested(field: int, content: bytes) -> bytes:
    return _key(field, _BYTES) + _varint(len(content)) + content


def _doubles(field: int, numbers: np.ndarray) -> bytes:
    return _nested(field, np.asarray(numbers, "<f8").tobytes())


def _histogram(values: np.ndarray, buckets: int) -> bytes:
    values = np.asarray(values, "float64").ravel()
    values = values[np.isfinite(values)]
    counts, edges = np.histogram(values, buckets) if values.size else (np.zeros(1), np.zeros(2))
    facts = (edges[0], edges[-1], values.size, values.sum(), np.square(values).sum())
    head = b"".join(_double(field, float(fact)) for field, fact in enumerate(facts, 1))
    return head + _doubles(6, edges[1:]) + _doubles(7, counts)


class EventFile:
    """A file that TensorBoard reads while it is written.

    Args:
        folder: where it is made, with parents.
    """

    def __init__(self, folder: str | os.PathLike):
        Path(folder).mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{next(_files)}"
        self._file = open(Path(folder, name), "wb")  # noqa: SIM115 (closed by close)
        self._write(_nested(3, b"brain.Event:2"), step=0)

    def _write(self, content: bytes, step: int) -> None:
        record = _double(1, time.time()) + (_integer(2, step) if step else b"") + content
        length = struct.pack("<Q", len(record))
        frame = length, struct.pack("<I", masked_crc(length)), record, struct.pack("<I", masked_crc(record))
        self._file.write(b"".join(frame))

    def _write_value(self, tag: str, value: bytes, step: int) -> None:
        self._write(_nested(5, _nested(1, _nested(1, tag.encode()) + value)), step)

    def scalar(self, tag: str, value: float, step: int) -> None:
        """Write one number."""
        self._write_value(tag, _float(2, value), step)

    def histogram(self, tag: str, values: np.ndarray, step: int, buckets: int = 30) -> None:
        """Write the distribution of an array's finite values."""
        self._write_value(tag, _nested(5, _histogram(values, buckets)), step)

    def images(self, tag: str, pngs: list[bytes], height: int, width: int, step: int) -> None:
        """Write pictures of one size, each a PNG file."""
        texts = [str(width).encode(), str(height).encode(), *pngs]
        shape = _nested(2, _integer(1, len(texts)))
        tensor = _integer(1, _STRING_DTYPE) + _nested(2, shape) + b"".join(_nested(8, text) for text in texts)
        plugin = _nested(9, _nested(1, _nested(1, b"images")))
        self._write_value(tag, _nested(8, tensor) + plugin, step)

    def keras_graph(self, tag: str, json_text: str) -> None:
        """Write a model's JSON, which TensorBoard draws as a graph of layers."""
        plugin = _nested(9, _nested(1, _nested(1, b"graph_keras_model") + _nested(2, b"1")))
        tensor = _nested(8, _integer(1, _STRING_DTYPE) + _nested(2, b"") + _nested(8, json_text.encode()))
        self._write_value(tag, tensor + plugin, step=0)

    def flush(self) -> None:
        """Make what is written readable for others."""
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()
