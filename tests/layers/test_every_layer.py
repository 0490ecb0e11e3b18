"""No exported layer goes without its row in a contract table, nor without the data that a check needs."""

import importlib
import inspect
from pathlib import Path

from kerasish import layers
from kerasish.layers.base.layer import Layer
from tests.layers import contract

# What has no row: bases that compute nothing, and the layer that is fed.
WITHOUT_ROW = {"Layer", "Wrapper", "InputLayer"}

# What takes inputs of any shape.
TAKES_ANYTHING = {
    "Activation", "ActivityRegularization", "AlphaDropout", "Dropout", "ELU", "Embedding", "Flatten", "GaussianDropout",
    "GaussianNoise", "Identity", "Lambda", "LeakyReLU", "Masking", "ReLU", "ReversibleEmbedding", "Softmax",
}  # fmt: skip


def exported():
    found = {obj for _, obj in inspect.getmembers(layers) if inspect.isclass(obj) and issubclass(obj, Layer)}
    assert found, "kerasish.layers exports no layers"
    return found


def names_of(classes):
    return {cls.__name__ for cls in classes}


def rows_under_test():
    for file in Path(__file__).parent.glob("test_*.py"):
        importlib.import_module(f"tests.layers.{file.stem}")
    return contract.TESTED


def networks():
    """The layers that networks are made of: all but those that prepare data."""
    return {cls for cls in exported() if not cls.__module__.startswith("kerasish.layers.preprocessing")}


def test_every_layer_has_a_row():
    assert names_of(exported() - {row.layer for row in rows_under_test()}) == WITHOUT_ROW


def test_every_layer_of_a_network_refuses_what_does_not_fit():
    refusing = {row.layer for row in rows_under_test() if row.wrong is not None}
    assert names_of(networks() - refusing) == WITHOUT_ROW | TAKES_ANYTHING


def test_every_layer_of_a_network_has_its_gradient_checked():
    assert names_of(networks() - {row.layer for row in rows_under_test() if row.gradient}) == WITHOUT_ROW


def test_every_layer_of_a_network_has_its_numbers_checked_in_half_precision():
    checked = {row.layer for row in rows_under_test() if row.dtypes and not row.random}
    assert names_of(networks() - checked) == WITHOUT_ROW
