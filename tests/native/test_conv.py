"""Native convolutions against the array kernels."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.common import conv as array_kernels
from kerasish.backend.common.windows import out_sizes
from kerasish.backend.native import engine
from kerasish.backend.native.kernels import conv as _conv  # noqa: F401  enters the lowerings
from kerasish.backend.native.trial import Trial

# Input, kernel, strides, padding, dilation.
CASES = [
    ((2, 7, 9, 1), (3, 3, 1, 5), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((2, 6, 8, 3), (3, 3, 3, 16), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    ((3, 5, 37, 6), (3, 5, 6, 33), (1, 1), ((1, 1), (2, 2)), (1, 1)),
    ((2, 8, 8, 16), (3, 3, 16, 40), (2, 2), ((0, 1), (0, 1)), (1, 1)),
    ((2, 9, 11, 5), (3, 2, 5, 17), (3, 2), ((1, 1), (0, 1)), (1, 1)),
    ((2, 9, 12, 4), (2, 3, 4, 3), (1, 1), ((1, 0), (2, 2)), (3, 2)),
    ((1, 11, 13, 2), (3, 3, 2, 8), (2, 3), ((2, 2), (3, 1)), (2, 2)),
    ((2, 6, 6, 8), (1, 1, 8, 24), (1, 1), ((0, 0), (0, 0)), (1, 1)),
    ((2, 7, 6, 8), (1, 1, 8, 20), (2, 2), ((0, 0), (0, 0)), (1, 1)),
    ((1, 4, 3, 2), (5, 7, 2, 4), (1, 1), ((2, 2), (3, 3)), (1, 1)),
    ((1, 8, 8, 2), (2, 2, 2, 4), (1, 1), ((-1, 0), (0, -2)), (1, 1)),
    ((3, 20, 4), (5, 4, 6), (1,), ((4, 0),), (1,)),
    ((2, 50, 3), (3, 3, 70), (2,), ((1, 1),), (2,)),
    ((2, 4, 5, 6, 3), (2, 3, 2, 3, 7), (1, 2, 1), ((1, 0), (1, 1), (0, 1)), (1, 1, 2)),
]


def _arrays(case):
    shape, window, strides, padding, dilation = case
    random = np.random.default_rng(0)
    x, w = (random.standard_normal(s).astype(np.float32) for s in (shape, window))
    sizes = out_sizes(shape[1:-1], window[:-2], strides, padding, dilation)
    g = random.standard_normal((shape[0], *sizes, window[-1])).astype(np.float32)
    return x, w, g, dict(strides=strides, padding=padding, dilation=dilation, groups=1)


def _check(name, inputs, like, **params):
    out = np.full_like(like, np.nan)
    Trial(name, inputs, [out], **params).run()
    expected = getattr(array_kernels, name)(np, *inputs, **params)
    np.testing.assert_allclose(out, expected, rtol=0, atol=2e-6 * np.abs(expected).max() + 1e-6)


@pytest.fixture(params=[4, 8, 16])
def lanes(request, monkeypatch):
    """Kernels for vectors of each length."""
    if request.param > engine.lanes():
        pytest.skip("the machine's vectors are shorter")
    monkeypatch.setattr(engine, "lanes", lambda: request.param)
    monkeypatch.setattr(engine, "_functions", {})
    monkeypatch.setenv("KERASISH_CACHE_DIR", "")


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv(case, lanes):
    x, w, g, params = _arrays(case)
    _check("conv", [x, w], g, **params)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_input_grad(case, lanes):
    x, w, g, params = _arrays(case)
    _check("conv_input_grad", [g, w], x, input_shape=x.shape, **params)
