"""Attention and its gradient against the array kernels: lengths, heads in groups, masks, targets that see nothing."""

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native.jobs import LOWERINGS
from kerasish.backend.native.kernels import attention  # noqa: F401
from tests.native.trials import assert_close, lowered, reference

# batch, targets, sources, heads, groups, depth, depth of the value
LENGTHS = [
    (1, 1, 1, 1, 1, 1, 1), (2, 7, 5, 2, 2, 8, 8), (2, 33, 33, 4, 2, 32, 32), (1, 70, 133, 2, 1, 20, 9),
    (1, 131, 64, 2, 2, 64, 40), (2, 40, 150, 3, 1, 17, 33), (1, 150, 150, 1, 1, 128, 128), (1, 260, 300, 1, 1, 3, 2),
]


def draw(lengths, seed=0):
    batch, targets, sources, heads, groups, depth, value_depth = lengths
    rng = np.random.default_rng(seed)
    shapes = (batch, targets, heads, depth), (batch, sources, groups, depth), (batch, sources, groups, value_depth)
    return [rng.standard_normal(s).astype("f4") for s in (*shapes, (batch, targets, heads, value_depth))]


def masks_of(lengths):
    """Masks of every kind, with targets that see nothing and sources that nobody sees."""
    batch, targets, sources, heads, *_ = lengths
    rng = np.random.default_rng(1)
    for shape in ((batch, 1, 1, sources), (1, 1, targets, sources), (batch, heads, targets, sources),
                  (1, heads, 1, sources)):
        mask = rng.random(shape) < 0.7
        mask[:, :, ::3] = shape[2] == 1
        mask[..., sources // 2:: 4] = False
        yield mask


def check(lengths, masks, causal):
    q, k, v, g = draw(lengths)
    params = dict(scale=0.6, causal=causal)
    assert_close("attention", [q, k, v, *masks], 5e-6, **params)
    out, lse = reference("attention", [q, k, v, *masks], **params)
    assert_close("attention_grad", [g, q, k, v, out, lse, *masks], 1e-5, **params)


@pytest.mark.parametrize("causal", [False, True])
def test_without_mask(lanes, causal):
    for lengths in LENGTHS:
        check(lengths, [], causal)


@pytest.mark.parametrize("causal", [False, True])
def test_masks(lanes, causal):
    for lengths in LENGTHS[:6]:
        for mask in masks_of(lengths):
            check(lengths, [mask], causal)


def test_nan_and_large_scores(lanes):
    q, k, v, g = draw((2, 9, 40, 2, 2, 8, 8))
    q[0, 3] = np.nan
    q[1] *= 1e4
    k[1, 5] *= 1e4
    params = dict(scale=1.0, causal=False)
    assert_close("attention", [q, k, v], 5e-6, **params)
    out, lse = reference("attention", [q, k, v], **params)
    found = lowered("attention_grad", [g, q, k, v, out, lse], [q, k, v], **params)
    assert all(np.isnan(x[0]).any() and np.isfinite(x[1]).all() for x in found)


@pytest.mark.parametrize(("change", "mask"), [
    (lambda x: x.astype("f8"), []), (lambda x: x.repeat(17, axis=-1), []), (lambda x: x[:0], []),
    (lambda x: x, [np.ones((2, 1, 7, 1), bool)])])
def test_what_is_left_to_the_array_kernels(change, mask):
    q, k, v, g = (change(x) for x in draw(LENGTHS[1]))
    params = dict(scale=1.0, causal=False)
    assert LOWERINGS["attention"]([q, k, v, *mask], [], params) is None
    assert LOWERINGS["attention_grad"]([g, q, k, v, g, g, *mask], [], params) is None
