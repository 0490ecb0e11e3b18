"""Matrix products: whichever side is cut into parts, the result is NumPy's."""

import itertools

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS, Plan, lowering
from kerasish.backend.native.kernels.products import long_product
from tests.native.trials import lowered

SIZES = [(3, 5, 7), (300, 40, 700), (40, 300, 700), (64, 48, 3001), (5, 3, 1), (1, 300, 20_011)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_products_that_are_cut_somewhere(monkeypatch, dtype):
    monkeypatch.setattr("kerasish.backend.native.kernels.products.SHARE", 100_000)
    name = "a product for this test"
    lowering(name)(lambda ins, outs, params: long_product("i0", "i1", "o0", "s0", **params))
    try:
        rng, parts = np.random.default_rng(0), 0
        for (m, n, k), turn_a, turn_b in itertools.product(SIZES, (False, True), (False, True)):
            a, b = (rng.standard_normal(s).astype(dtype) for s in ((k, m) if turn_a else (m, k),
                                                                   (n, k) if turn_b else (k, n)))
            params = dict(kind="f4" if dtype == "float32" else "f8", m=m, n=n, k=k, lda=a.shape[1], ldb=b.shape[1],
                          turn_a=turn_a, turn_b=turn_b)
            want = (a.T if turn_a else a) @ (b.T if turn_b else b)
            (got,) = lowered(name, [a, b], [want], **params)
            np.testing.assert_allclose(got, want, rtol=1e-4 if dtype == "float32" else 1e-10, atol=1e-3)
            plan = LOWERINGS[name]([a, b], [want], params)
            assert isinstance(plan, Plan)
            parts += len(plan.jobs) == 2
        assert parts == 8  # two shapes have sums that are long enough
    finally:
        del LOWERINGS[name]
