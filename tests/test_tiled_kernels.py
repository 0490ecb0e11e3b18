"""Kernels that work in tiles, or differently on large arrays: the same results however the data are cut."""

import numpy as np
import pytest

from kerasish.backend import device
from kerasish.backend.common import nn, pool
from kerasish.backend.numpy import folds

DEVICE = device.current()


@pytest.fixture(autouse=True)
def tiny_tiles(monkeypatch):
    for module in (nn, folds, pool.windows):
        monkeypatch.setattr(module, "tile_bytes", lambda xp: 600)


def draw(*shape, dtype="float64"):
    return np.random.default_rng(0).standard_normal(shape).astype(dtype)


@pytest.mark.parametrize("shape, axis", [
    ((9, 10, 60), (0, 1)), ((90, 10, 6), (0,)), ((600, 3, 5), (1, 2)), ((90, 64), (1,)), ((90, 64), (0,)),
])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("keepdims", [False, True])
def test_folds_over_first_and_last_axes(shape, axis, dtype, keepdims):
    x = draw(*shape, dtype=dtype) + 3
    close = dict(rtol=1e-5 if dtype == "float32" else 1e-12)
    assert folds._serves(x, axis=axis)
    for name in ("sum", "mean"):
        expected = getattr(np, name)(x.astype("f8"), axis=axis, keepdims=keepdims)
        got = DEVICE.kernel(name)(x, axis=axis, keepdims=keepdims)
        assert got.dtype == x.dtype and got.shape == expected.shape
        np.testing.assert_allclose(got, expected, **close)
        out = np.empty_like(got)
        assert DEVICE.kernel(name)(x, axis=axis, keepdims=keepdims, out=out) is out
        np.testing.assert_array_equal(out, got)
    mean, variance = DEVICE.kernel("moments")(x, axis=axis)
    np.testing.assert_allclose(mean, x.astype("f8").mean(axis, keepdims=True), **close)
    np.testing.assert_allclose(variance, x.astype("f8").var(axis, keepdims=True), **close)


@pytest.mark.parametrize("x, axis", [
    (draw(90, 64).T, (0,)), (draw(90, 64).astype("float16"), (0,)), (draw(9, 10, 60), (1,)), (draw(9, 10, 60), (0, 2)),
    (draw(90, 64), (0, 1)), (draw(90, 64), None), (draw(4, 4), (0,)), (np.zeros((0, 5)), (0,)), (draw(5000, 1), (0,)),
])
def test_other_folds_are_left_to_numpy(x, axis):
    assert not folds._serves(x, axis=axis)
    np.testing.assert_allclose(DEVICE.kernel("sum")(x, axis=axis), x.sum(axis), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize("shape, axis", [((40, 7), -1), ((5, 6, 7), 2), ((5, 6, 7), 1), ((5, 6, 7), (0, 2))])
def test_softmax(shape, axis):
    x, g = draw(*shape), draw(*shape)[::-1].copy()
    p = np.exp(x) / np.exp(x).sum(axis, keepdims=True)
    np.testing.assert_allclose(nn.softmax(np, x, axis=axis), p)
    np.testing.assert_allclose(nn.log_softmax(np, x, axis=axis), np.log(p))
    expected = p * (g - (g * p).sum(axis, keepdims=True))
    np.testing.assert_allclose(nn.softmax_grad(np, g, p, axis=axis), expected, atol=1e-12)
    out = np.empty(shape)
    assert nn.softmax(np, x, axis=axis, out=out) is out
    np.testing.assert_allclose(out, p)


def test_sparse_crossentropy():
    x, target, g = draw(5, 8, 7), np.random.default_rng(1).integers(-1, 8, (5, 8)), draw(5, 8)
    p = np.exp(x) / np.exp(x).sum(-1, keepdims=True)
    hot = (target[..., None] == np.arange(7)).astype("f8")
    loss = nn.sparse_softmax_crossentropy(np, x, target)
    np.testing.assert_allclose(loss, -(hot * np.log(p)).sum(-1))
    expected = g[..., None] * (p * hot.sum(-1, keepdims=True) - hot)
    np.testing.assert_allclose(nn.sparse_softmax_crossentropy_grad(np, g, x, target, loss), expected, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_sparse_crossentropy_gradient_of_large_losses(dtype):
    x = (40 * draw(40, 7)).astype(dtype)
    target, g = np.random.default_rng(1).integers(0, 7, 40), np.ones(40, dtype)
    wide = x.astype("f8") - x.astype("f8").max(-1, keepdims=True)
    expected = np.exp(wide) / np.exp(wide).sum(-1, keepdims=True) - np.eye(7)[target]
    loss = nn.sparse_softmax_crossentropy(np, x, target)
    assert (loss > 40).any() and (loss < 40).any()
    got = nn.sparse_softmax_crossentropy_grad(np, g, x, target, loss)
    assert got.dtype == dtype
    np.testing.assert_allclose(got, expected, atol=1e-3 if dtype == "float16" else 2e-5)


def test_pooling():
    x = draw(7, 6, 6, 3)
    steps = dict(window=(2, 2), strides=(2, 2), padding=((0, 0), (0, 0)))
    cells = x.reshape(7, 3, 2, 3, 2, 3).transpose(0, 1, 3, 5, 2, 4).reshape(7, 3, 3, 3, 4)
    y = pool.max_pool(np, x, **steps)
    np.testing.assert_array_equal(y, cells.max(-1))
    np.testing.assert_allclose(pool.avg_pool(np, x, **steps), cells.mean(-1))
    g = draw(*y.shape)
    expected = np.where(cells == y[..., None], g[..., None], 0).reshape(7, 3, 3, 3, 2, 2)
    expected = expected.transpose(0, 1, 4, 2, 5, 3).reshape(x.shape)
    np.testing.assert_array_equal(pool.max_pool_grad(np, g, x, y, **steps), expected)
