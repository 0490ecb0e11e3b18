"""The kernels of attention, which make its scores piece by piece, against the ops that hold all of them."""

import tracemalloc

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.autodiff.functional import grad
from kerasish.autodiff.tape import GradientTape
from kerasish.backend import device
from kerasish.backend.common import attention as kernels
from kerasish.core import dispatch
from kerasish.core.dispatch import to_tensor
from kerasish.ops import attention as composite
from tests.ops import harness

DEVICE = device.current()
RNG = np.random.default_rng(0)


def draws(batch, targets, sources, heads, groups, depth, value_depth, dtype):
    shapes = (batch, targets, heads, depth), (batch, sources, groups, depth), (batch, sources, groups, value_depth)
    return [RNG.standard_normal(s).astype(dtype) for s in shapes]


def mask_of(*shape):
    mask = RNG.random(shape) < 0.6
    mask[:, :, :: max(2, shape[2] // 3)] = False  # targets that see nothing
    return mask


@pytest.mark.parametrize("room", [200, 2000, 1 << 20])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize(("lengths", "mask"), [
    ((2, 7, 5, 4, 2, 3, 2), None), ((3, 5, 9, 2, 2, 4, 4), (3, 1, 1, 9)), ((2, 6, 6, 4, 1, 2, 5), (1, 4, 6, 6)),
    ((2, 6, 7, 4, 4, 2, 1), (2, 4, 6, 1)), ((1, 1, 1, 1, 1, 1, 1), None), ((0, 3, 2, 2, 1, 2, 2), None),
    ((2, 0, 3, 2, 2, 2, 2), None)])
def test_kernels_are_the_ops(monkeypatch, room, causal, lengths, mask):
    monkeypatch.setattr(kernels, "tile_bytes", lambda xp: room)
    q, k, v = draws(*lengths, "float64")
    masks = [] if mask is None else [mask_of(*mask)]
    settings = dict(scale=0.4, causal=causal)
    out, lse = DEVICE.kernel("attention")(q, k, v, *masks, **settings)
    g = RNG.standard_normal(out.shape)
    found = DEVICE.kernel("attention_grad")(g, q, k, v, out, lse, *masks, **settings)
    tensors = [to_tensor(x) for x in (q, k, v)]
    of = to_tensor(masks[0]) if masks else None
    np.testing.assert_allclose(out, composite._by_products(*tensors, None, of, **settings), atol=1e-12)
    assert lse.shape == (lengths[0], lengths[3], lengths[1])
    for a, b in zip(found, composite._gradients_by_products(to_tensor(g), *tensors, of, **settings), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-12)


def test_gradient_of_a_tensor_as_scale():
    q, k, v = draws(1, 3, 4, 2, 1, 2, 2, "float64")
    slope = grad(lambda s: ops.sum(ops.square(ops.dot_product_attention(q, k, v, scale=s))))(np.float64(0.7))
    ends = [float(ops.sum(ops.square(ops.dot_product_attention(q, k, v, scale=0.7 + e)))) for e in (1e-6, -1e-6)]
    np.testing.assert_allclose(slope, (ends[0] - ends[1]) / 2e-6, rtol=1e-6)


def test_scores_are_never_all_there():
    q, k, v = (to_tensor(x) for x in draws(1, 1024, 1024, 4, 4, 8, 8, "float32"))  # the scores: 16 MiB
    tracemalloc.start()
    try:
        with GradientTape() as tape:
            tape.watch([q, k, v])
            out = ops.dot_product_attention(q, k, v, is_causal=True)
        tape.gradient(out, [q, k, v])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20, f"attention of 1024 targets took {peak >> 20} MiB"


def test_mask_of_too_many_axes():
    q, k, v = draws(1, 2, 2, 1, 1, 2, 2, "float32")
    with pytest.raises(ValueError, match=r"mask.*\(1, 1, 1, 2, 2\)"):
        ops.dot_product_attention(q, k, v, mask=np.ones((1, 1, 1, 2, 2), bool))


def test_layer_in_inference_needs_no_scores():
    layer = layers.MultiHeadAttention(2, 3, dropout=0.5)
    x = RNG.standard_normal((2, 5, 4)).astype("float32")
    layer(x, x)
    spy = harness.Spy()
    with dispatch.scope(tapes=(spy,)):
        layer(x, x, use_causal_mask=True)
    assert "attention" in spy.names and "softmax" not in spy.names
    with dispatch.scope(tapes=(spy,)):
        layer(x, x, training=True)
    assert "softmax" in spy.names
