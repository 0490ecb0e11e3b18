"""Native convolutions against the array kernels."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.common.windows import out_sizes
from kerasish.backend.native import engine
from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import conv, conv_weights  # noqa: F401  they enter the lowerings
from tests.native.trials import assert_close

# Input, kernel, strides, padding, dilation, groups.
CASES = [
    ((2, 7, 9, 1), (3, 3, 1, 5), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((2, 6, 8, 3), (3, 3, 3, 16), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ((3, 5, 37, 6), (3, 5, 6, 33), (1, 1), ((1, 1), (2, 2)), (1, 1), 1),
    ((2, 8, 8, 16), (3, 3, 16, 40), (2, 2), ((0, 1), (0, 1)), (1, 1), 1),
    ((2, 9, 11, 5), (3, 2, 5, 17), (3, 2), ((1, 1), (0, 1)), (1, 1), 1),
    ((2, 9, 12, 4), (2, 3, 4, 3), (1, 1), ((1, 0), (2, 2)), (3, 2), 1),
    ((1, 11, 13, 2), (3, 3, 2, 8), (2, 3), ((2, 2), (3, 1)), (2, 2), 1),
    ((2, 6, 6, 8), (1, 1, 8, 24), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    ((20, 7, 6, 8), (1, 1, 8, 20), (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    ((1, 4, 3, 2), (5, 7, 2, 4), (1, 1), ((2, 2), (3, 3)), (1, 1), 1),
    ((12, 3, 2, 5), (3, 3, 5, 40), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    ((1, 8, 8, 2), (2, 2, 2, 4), (1, 1), ((-1, 0), (0, -2)), (1, 1), 1),
    ((3, 20, 4), (5, 4, 6), (1,), ((4, 0),), (1,), 1),
    ((2, 50, 3), (3, 3, 70), (2,), ((1, 1),), (2,), 1),
    ((2, 4, 5, 6, 3), (2, 3, 2, 3, 7), (1, 2, 1), ((1, 0), (1, 1), (0, 1)), (1, 1, 2), 1),
    ((2, 6, 7, 6), (3, 3, 2, 12), (1, 2), ((1, 1), (1, 1)), (1, 1), 3),
    ((2, 5, 6, 4), (2, 2, 2, 80), (1, 1), ((0, 1), (0, 1)), (1, 1), 2),
    ((2, 7, 9, 37), (3, 3, 1, 37), (1, 1), ((1, 1), (1, 1)), (1, 1), 37),
    ((3, 8, 8, 6), (3, 3, 1, 6), (2, 2), ((0, 1), (0, 1)), (1, 1), 6),
]
# More taps and a longer stride than registers hold.
WIDE = ((1, 3, 40, 2), (2, 20, 2, 4), (2, 18), ((3, 1), (25, 19)), (1, 1), 1)


_kernels: dict = {}


@pytest.fixture
def lanes(lanes, monkeypatch):
    """As elsewhere, but kernels are compiled once for all tests of this file."""
    monkeypatch.setattr(engine, "_functions", _kernels.setdefault(lanes, {}))
    return lanes


def _arrays(case, dtype="float32"):
    shape, window, strides, padding, dilation, groups = case
    random = np.random.default_rng(0)
    sizes = out_sizes(shape[1:-1], window[:-2], strides, padding, dilation)
    x, w, g = (random.standard_normal(s).astype(dtype) for s in (shape, window, (shape[0], *sizes, window[-1])))
    return x, w, g, dict(strides=strides, padding=padding, dilation=dilation, groups=groups)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv(case, lanes):
    x, w, g, params = _arrays(case)
    assert_close("conv", [x, w], **params)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_input_grad(case, lanes):
    x, w, g, params = _arrays(case)
    assert_close("conv_input_grad", [g, w], input_shape=x.shape, **params)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_conv_weight_grad(case, lanes):
    x, w, g, params = _arrays(case)
    assert_close("conv_weight_grad", [x, g], weight_shape=w.shape, **params)


@pytest.mark.parametrize("case", CASES, ids=str)
@np.errstate(all="ignore")
def test_what_is_not_finite(case, lanes):
    """Padding is zeros, and 0 times NaN is NaN: so at borders a weight reaches cells that its tap does not meet."""
    x, w, g, params = _arrays(case)
    w[(0,) * w.ndim], w[(-1,) * w.ndim] = np.nan, np.inf
    assert_close("conv", [x, w], **params)
    assert_close("conv_input_grad", [g, w], input_shape=x.shape, **params)
    x, w, g, params = _arrays(case)
    g[(0,) * g.ndim], g[(-1,) * g.ndim] = np.inf, np.nan
    assert_close("conv_weight_grad", [x, g], weight_shape=w.shape, **params)
    x[(0,) * x.ndim], x[(-1,) * x.ndim] = np.nan, -np.inf
    assert_close("conv", [x, w], **params)


@pytest.mark.parametrize("case", CASES[2:4] + CASES[-2:], ids=str)
def test_float64(case, lanes):
    x, w, g, params = _arrays(case, "float64")
    assert_close("conv", [x, w], 1e-14, **params)
    assert_close("conv_input_grad", [g, w], 1e-14, input_shape=x.shape, **params)
    assert_close("conv_weight_grad", [x, g], 1e-14, weight_shape=w.shape, **params)


def test_what_is_left_to_the_array_kernels(lanes):
    x, w, g, params = _arrays(WIDE)
    assert_close("conv", [x, w], **params)
    assert LOWERINGS["conv_input_grad"]([g, w], [x], dict(params, input_shape=x.shape)) is None
    assert LOWERINGS["conv_weight_grad"]([x, g], [w], dict(params, weight_shape=w.shape)) is None
    long = np.zeros((1, 9000, 1), "float32"), np.zeros((400, 1, 4), "float32"), np.zeros((1, 9000, 4), "float32")
    steps = dict(strides=(1,), padding=((199, 200),), dilation=(1,), groups=1)
    assert LOWERINGS["conv"](list(long[:2]), list(long[2:]), steps) is None, "its code would be too long"
    half = [a.astype(np.float16) for a in (x, w, g)]
    assert LOWERINGS["conv"](half[:2], half[2:], params) is None
    x, w, g, params = _arrays(((1, 4, 4, 3), (2, 2, 1, 6), (1, 1), ((0, 0), (0, 0)), (1, 1), 3))
    assert LOWERINGS["conv"]([x, w], [g], params) is None
