"""Rows of golden numbers on disk: `NAME.json` holds the structure, `NAME.npz` the arrays.

In the JSON an array stands as `{"$array": [dtype, offset, shape]}`, a place in the flat array of that dtype in the
`.npz`; an array of text as `{"$strings": nested lists}`; a serialised object (a layer, a schedule) as
`{"$object": config}`. Tuples are written as lists.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DATA = Path(__file__).parent / "data"


def save(name: str, rows: Any, folder: Path = DATA) -> None:
    """Writes rows (dicts, lists, plain values and arrays) as `name.json` and `name.npz`."""
    blobs: dict[str, list[np.ndarray]] = {}
    sizes: dict[str, int] = {}

    def pack(node: Any) -> Any:
        if isinstance(node, dict):
            return {str(key): pack(value) for key, value in node.items()}
        if isinstance(node, list | tuple):
            return [pack(value) for value in node]
        if isinstance(node, np.ndarray | np.generic):
            array = np.asarray(node)
            if array.dtype.kind in "SUO":
                return {"$strings": array.astype(str).tolist()}
            kind = str(array.dtype)
            offset = sizes.get(kind, 0)
            sizes[kind] = offset + array.size
            blobs.setdefault(kind, []).append(array.ravel())
            return {"$array": [kind, offset, list(array.shape)]}
        return node

    packed = pack(rows)
    folder.mkdir(exist_ok=True, parents=True)
    lines = ",\n".join(json.dumps(row, separators=(",", ":")) for row in packed)
    (folder / f"{name}.json").write_text(f"[\n{lines}\n]\n")
    if blobs:
        np.savez_compressed(folder / f"{name}.npz", **{kind: np.concatenate(b) for kind, b in blobs.items()})


def load(name: str, folder: Path = DATA) -> list[dict]:
    """Reads rows back; serialised objects stay configs, see `objects_in`."""
    blobs = {}
    if (folder / f"{name}.npz").exists():
        with np.load(folder / f"{name}.npz") as stored:
            blobs = {kind: stored[kind] for kind in stored.files}

    def unpack(node: Any) -> Any:
        if isinstance(node, dict):
            if "$array" in node:
                kind, offset, shape = node["$array"]
                size = int(np.prod(shape, dtype=int))
                return blobs[kind][offset : offset + size].reshape(shape)
            if "$strings" in node:
                return np.array(node["$strings"], dtype=str)
            return {key: unpack(value) for key, value in node.items()}
        if isinstance(node, list):
            return [unpack(value) for value in node]
        return node

    return unpack(json.loads((folder / f"{name}.json").read_text()))


def objects_in(node: Any, make_object: Callable[[dict], Any]) -> Any:
    """The tree with each `{"$object": config}` replaced by `make_object(config)`: a fresh object at each call."""
    if isinstance(node, dict):
        if "$object" in node:
            return make_object(node["$object"])
        return {key: objects_in(value, make_object) for key, value in node.items()}
    if isinstance(node, list):
        return [objects_in(value, make_object) for value in node]
    return node


def leaves(node: Any) -> list:
    """The leaves of nested dicts (keys in order), lists and tuples, from left to right; None is a leaf."""
    if isinstance(node, dict):
        return [leaf for key in sorted(node) for leaf in leaves(node[key])]
    if isinstance(node, list | tuple):
        return [leaf for value in node for leaf in leaves(value)]
    return [node]


def cotangent(shape: tuple[int, ...], index: int = 0) -> np.ndarray:
    """The fixed weights by which output number `index` is multiplied before it is summed and differentiated."""
    size = int(np.prod(shape, dtype=int))
    return np.sin(0.7 * np.arange(size) + 1.0 + index).reshape(shape).astype("float32")


def assert_close(actual: Any, expected: np.ndarray, tol: float = 1e-5, what: str = "") -> None:
    """Asserts equal shapes, and values that differ by at most `tol` times the largest finite expected magnitude."""
    actual, expected = np.asarray(actual), np.asarray(expected)
    assert actual.shape == expected.shape, f"{what}: shape {actual.shape}, expected {expected.shape}"
    if expected.dtype.kind in "biuSU":
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    finite = np.abs(expected[np.isfinite(expected)])
    scale = max(float(finite.max(initial=0.0)), 1e-3)
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tol * scale, err_msg=what)


def assert_same_config(actual: Any, expected: Any, where: str = "config") -> None:
    """Asserts equal configs: tuples count as lists, floats agree to 1e-6 (Keras rounds some to float32)."""
    if isinstance(expected, dict):
        assert isinstance(actual, dict), f"{where}: got {actual!r}, expected {expected}"
        missing, extra = expected.keys() - actual.keys(), actual.keys() - expected.keys()
        assert not missing and not extra, f"{where}: lacks {sorted(missing)}, has {sorted(extra)} too many"
        for key, value in expected.items():
            assert_same_config(actual[key], value, f"{where}[{key!r}]")
    elif isinstance(expected, list | tuple):
        same_length = isinstance(actual, list | tuple) and len(actual) == len(expected)
        assert same_length, f"{where}: got {actual!r}, expected {expected}"
        for i, pair in enumerate(zip(actual, expected, strict=True)):
            assert_same_config(*pair, where=f"{where}[{i}]")
    elif isinstance(expected, float) and not isinstance(actual, bool | str | None):
        assert abs(actual - expected) <= 1e-6 * max(1.0, abs(expected)), f"{where}: got {actual}, expected {expected}"
    else:
        assert type(actual) is type(expected) and actual == expected, f"{where}: got {actual!r}, expected {expected!r}"
