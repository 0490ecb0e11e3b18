"""No exported layer goes without its row in a contract table."""

import importlib
import inspect
from pathlib import Path

from kerasish import layers
from kerasish.layers.base.layer import Layer
from tests.layers.contract import Row

# What has no row: bases that compute nothing, and the layer that is fed.
WITHOUT_ROW = {"Layer", "Wrapper", "InputLayer"}


def test_every_layer_has_a_row():
    modules = [importlib.import_module(f"tests.layers.{file.stem}") for file in Path(__file__).parent.glob("test_*.py")]
    have = {row.layer for module in modules for row in getattr(module, "ROWS", [])
            if isinstance(row, Row)}
    exported = {obj for obj in vars(layers).values() if inspect.isclass(obj) and issubclass(obj, Layer)}
    assert exported, "kerasish.layers exports no layers"
    missing = {layer.__name__ for layer in exported - have} - WITHOUT_ROW
    assert not missing, f"layers without a row in tests/layers/test_<family>.py: {sorted(missing)}"
