"""Makes `data/wide_dtypes.json` with Keras on TensorFlow: `python tests/golden/make_wide_dtypes_data.py`.

Rows as in `dtypes.json`, for 64-bit types, which Keras on JAX narrows, and unsigned and short integers.
"""

from __future__ import annotations

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from functools import partial  # noqa: E402
from typing import Any  # noqa: E402

import keras  # noqa: E402
from golden_io import save  # noqa: E402
from make.dtypes import BINARY, UNARY, agreed, call_binary  # noqa: E402

ONE = ("int64", "float64", "uint16", "int16", "uint32")
OTHERS = ("bool", "uint8", "int32", "int64", "float16", "float32", "float64")


def dtype_of_result(fn: Any, *dtypes: str) -> str | None:
    """The dtype, or None where TensorFlow has no kernel for the operands."""
    try:
        return agreed(fn, *dtypes)
    except Exception:
        return None


def row(kind: str, op: str, fn: Any, operands: list[tuple[str, ...]]) -> dict:
    found = {" ".join(dtypes): dtype_of_result(fn, *dtypes) for dtypes in operands}
    return {"kind": kind, "op": op, "is": {key: dtype for key, dtype in found.items() if dtype}}


if __name__ == "__main__":
    pairs = [(a, b) for a in ("int64", "float64") for b in OTHERS]
    rows = [row("unary", op, getattr(keras.ops, op), [(d,) for d in ONE]) for op in UNARY]
    rows += [row("binary", op, partial(call_binary, op), pairs) for op in BINARY]
    save("wide_dtypes", rows)
