"""The gradient of an embedding is read through numbers of rows, and is what the array kernels make."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.compiler.passes import decompose
from tests.native.test_fusion import held_to_eager, tensors
from tests.native.trials import lowered


@pytest.fixture(autouse=True)
def _small_is_large(monkeypatch):
    monkeypatch.setattr(decompose, "LARGE", 1)


def gradient(table, indices, weights):
    with GradientTape() as tape:
        tape.watch(table)
        out = ops.sum(ops.take(table, indices, axis=0) * weights)
    return tape.gradient(out, table)


def drawn(length, width, at, dtype="int32"):
    rng = np.random.default_rng(length)
    indices = ops.convert_to_tensor(rng.integers(-length, length, at).astype(dtype))
    table, moment, weights = tensors((length, width), (length, width), (*at, width))
    return table, moment, indices, weights


def names(ready):
    """Ops of a prepared program, those within fused ones too."""
    return [j.card.name for i in ready.instructions for j in (i.card.body if i.card.name == "fused" else [i])]


def update(table, moment, indices, weights):
    g = gradient(table, indices, weights)
    moment = moment + (g - moment) * 0.1
    return moment, table - moment / (ops.sqrt(g * g) + 1e-3)


@pytest.mark.parametrize("length, width, at, dtype", [
    (90, 16, (40,), "int32"), (500, 33, (7, 9), "int64"), (40, 3, (3,), "int32"), (1000, 128, (300,), "int32"),
])
def test_an_update_reads_rows(length, width, at, dtype):
    ready = held_to_eager(update, *drawn(length, width, at, dtype), fused=2)
    assert {"number_rows", "take"} <= set(names(ready))
    made = [ready.specs[o].shape for i in ready.instructions for o in i.outputs if i.card.name == "scatter_item"]
    assert made == [(int(np.prod(at)) + 1, width)]


USES = [
    lambda g, m: g,
    lambda g, m: (g, g + m),
    lambda g, m: ops.sum(g * g),
    lambda g, m: (ops.sum(ops.exp(g), axis=0), m + g),
    lambda g, m: ops.softmax(g + m, axis=-1),
    lambda g, m: ops.max(g, axis=-1),
    lambda g, m: m * (g / ops.sqrt(ops.sum(g * g))),
    lambda g, m: ops.matmul(ops.transpose(g), m),
    lambda g, m: ops.reshape(g, (-1,)) * 2,
]


@pytest.mark.parametrize("use", USES, ids=range(len(USES)))
def test_whatever_reads_it(use):
    table, moment, indices, weights = drawn(120, 20, (5, 11))
    held_to_eager(lambda t, m, i, w: use(gradient(t, i, w), m), table, moment, indices, weights, rtol=1e-5)


def test_numbers_of_rows(lanes):
    indices = np.array([[4, -1, 4], [7, 20, 0], [-1, -8, -9]], "int64")
    slots, numbers = lowered("number_rows", [indices], [np.empty(8, "int32"), np.empty((3, 3), "int32")], rows=8)
    np.testing.assert_array_equal(slots, [3, 0, 0, 0, 1, 0, 0, 2])
    np.testing.assert_array_equal(numbers, [[1, 2, 1], [2, 10, 3], [2, 3, 10]])  # 10: out of range


def test_many_rows_narrow_rows_and_small_tables_are_made(monkeypatch):
    for length, width, at in ((10, 16, (40,)), (90, 1, (4,))):
        assert "number_rows" not in names(held_to_eager(update, *drawn(length, width, at)))
    monkeypatch.setattr(decompose, "LARGE", 1 << 18)
    assert "number_rows" not in names(held_to_eager(update, *drawn(90, 16, (4,))))
