"""The namespaces of ops hold what Keras lists in them, as the same objects."""

import importlib
import types

import pytest

from kerasish import ops
from tests.golden import golden_io

ROWS = {row["namespace"]: row["names"] for row in golden_io.load("namespaces")}


def public_names(module):
    return sorted(n for n, x in vars(module).items() if not n.startswith("_") and not isinstance(x, types.ModuleType))


@pytest.mark.parametrize("namespace", ROWS)
def test_has_all_of_keras(namespace):
    module = importlib.import_module(f"kerasish.{namespace}")
    assert not set(ROWS[namespace]) - set(public_names(module))


@pytest.mark.parametrize("namespace", ["ops.numpy", "ops.nn", "ops.linalg"])
def test_lists_the_same_objects(namespace):
    module = importlib.import_module(f"kerasish.{namespace}")
    assert public_names(module) == ROWS[namespace]
    assert [n for n in ROWS[namespace] if getattr(module, n) is not getattr(ops, n)] == []
