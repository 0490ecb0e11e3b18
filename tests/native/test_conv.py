"""Native convolutions against the array kernels."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.common.windows import out_sizes
from kerasish.backend.native.kernels import conv, conv_weights  # noqa: F401  they enter the lowerings
from tests.native.trials import assert_close

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
