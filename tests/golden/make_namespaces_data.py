"""Makes `data/namespaces.json` with real Keras: `python tests/golden/make_namespaces_data.py`.

A row names a namespace of ops and lists what Keras has in it.
"""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from operator import attrgetter  # noqa: E402

import keras  # noqa: E402
from golden_io import save  # noqa: E402

NAMESPACES = ("ops", "ops.numpy", "ops.nn", "ops.linalg", "ops.image", "random")


def names(namespace: str) -> list[str]:
    """The public names of a namespace, modules aside."""
    module = attrgetter(namespace)(keras)
    return sorted(n for n, value in vars(module).items() if not n.startswith("_") and callable(value))


if __name__ == "__main__":
    save("namespaces", [{"namespace": n, "names": names(n)} for n in NAMESPACES])
