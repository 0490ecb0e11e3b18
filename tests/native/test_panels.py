"""Products by hand: every way in which they are cut, stored and masked."""

import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS, Plan, lowering
from kerasish.backend.native.kernels import panels
from tests.native.trials import lowered

# Rows, columns, terms; whether the rows are what is cut, with the first matrix too large to stay near.
BY_COLUMNS = [(9, 32, 5), (13, 60, 40), (14, 64, 1), (15, 31, 33), (100, 130, 70), (28, 200, 300)]
BY_ROWS = [(600, 32, 20), (515, 60, 33), (333, 64, 40), (1000, 31, 17)]


@pytest.fixture
def plans(monkeypatch):
    """Parts of small products, by a lowering under a name of its own."""
    monkeypatch.setattr(panels, "SHARE", 50_000)
    monkeypatch.setattr(panels, "NEAR", 9000)
    name = "a product by hand"
    lowering(name)(lambda ins, outs, params: panels.panel_product(
        "i0", "i1", "o0", "s0", bias="i2" if len(ins) > 2 else None, **params))
    yield name
    del LOWERINGS[name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("sizes", [*BY_COLUMNS, *BY_ROWS])
def test_products(plans, sizes, dtype, lanes):
    m, n, k = sizes
    rng = np.random.default_rng(0)
    for turn_a, turn_b, has_bias in itertools.product((False, True), repeat=3):
        if turn_a and sizes in BY_ROWS:
            continue
        ins = [rng.standard_normal((k, m) if turn_a else (m, k)).astype(dtype),
               rng.standard_normal((n, k) if turn_b else (k, n)).astype(dtype)]
        want = (ins[0].T if turn_a else ins[0]) @ (ins[1].T if turn_b else ins[1])
        if has_bias:
            ins.append(rng.standard_normal(n).astype(dtype))
            want = want + ins[2]
        params = dict(kind="f4" if dtype == "float32" else "f8", m=m, n=n, k=k, lda=ins[0].shape[1],
                      ldb=ins[1].shape[1], ldc=n, turn_a=turn_a, turn_b=turn_b)
        plan = LOWERINGS[plans](ins, [want], params)
        assert isinstance(plan, Plan) and len(plan.jobs) == (2 if sizes in BY_ROWS else 1)
        got = lowered(plans, ins, [want], **params)[0]
        np.testing.assert_allclose(got, want, rtol=1e-4 if dtype == "float32" else 1e-11, atol=1e-4)


def test_what_is_left_to_the_library():
    def served(m, n, k, **stored):
        return panels.panel_product("i0", "i1", "o0", "s0", kind="f4", m=m, n=n, k=k, lda=k, ldb=n, ldc=n, **stored)

    assert served(64, 64, 64) is not None
    assert served(1, 64, 64) is None  # one row is worth no panels
    assert served(64, 3, 64) is None  # nor are few columns
    assert served(64, 64, 5000) is None
    assert served(4000, 4000, 4000) is None
    assert served(10_000, 64, 64, turn_a=True) is None


@pytest.mark.parametrize("rows", range(8, 120, 7))
def test_no_part_has_fewer_rows_than_a_tile(monkeypatch, rows):
    monkeypatch.setattr(panels, "SHARE", 1)
    for units, by_rows in ((rows, True), (5, False)):
        grain, height = panels._cut(rows, units, 10**9, by_rows)
        last = units - (units - 1) // grain * grain
        assert height <= (last if by_rows else rows)
