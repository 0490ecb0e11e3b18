"""Convolution and pooling kernels against loops over windows, and their gradients against the adjoint identity."""

import numpy as np
import pytest

from kerasish.backend.common import conv, conv_bands, pool, windows
from tests.ops.loops import loop_conv, loop_pool


def draw(rng, low, high, rank):
    return tuple(int(n) for n in rng.integers(low, high, rank))


def conv_case(seed):
    rng = np.random.default_rng(seed)
    rank, groups = 1 + seed % 3, int(rng.choice([1, 1, 2, 3]))
    ins, outs = int(rng.choice([1, 2, 6])), int(rng.choice([1, 2, 5]))
    window = draw(rng, 1, 4, rank)
    steps = dict(strides=draw(rng, 1, 4, rank), padding=tuple(draw(rng, 0, 3, 2) for _ in range(rank)),
                 dilation=draw(rng, 1, 3, rank), groups=groups)
    x = rng.standard_normal((2, *draw(rng, 5, 8, rank), ins * groups))
    return rng, x, rng.standard_normal((*window, ins, outs * groups)), steps


def check_conv(seed):
    rng, x, w, steps = conv_case(seed)
    y = conv.conv(np, x, w, **steps)
    np.testing.assert_allclose(y, loop_conv(x, w, **steps), atol=1e-10)
    g, dx, dw = (rng.standard_normal(a.shape) for a in (y, x, w))
    gx = conv.conv_input_grad(np, g, w, input_shape=x.shape, **steps)
    gw = conv.conv_weight_grad(np, x, g, weight_shape=w.shape, **steps)
    np.testing.assert_allclose(np.vdot(gx, dx), np.vdot(g, loop_conv(dx, w, **steps)), atol=1e-9)
    np.testing.assert_allclose(np.vdot(gw, dw), np.vdot(g, loop_conv(x, dw, **steps)), atol=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_convolution_and_its_gradients_equal_the_loop(seed):
    check_conv(seed)


@pytest.mark.parametrize("seed", range(12))
def test_convolution_in_tiny_tiles_gives_the_same(seed, monkeypatch):
    monkeypatch.setattr(windows, "tile_bytes", lambda xp: 300)
    check_conv(100 + seed)


@pytest.mark.parametrize("seed", range(60))
def test_convolution_by_bands_in_small_products_gives_the_same(seed, monkeypatch):
    monkeypatch.setattr(windows, "tile_bytes", lambda xp: 300 << seed % 8)
    monkeypatch.setattr(conv_bands, "SMALL", 50 << seed % 7)
    monkeypatch.setattr(conv_bands, "NARROW", 1)
    check_conv(300 + seed)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_convolution_keeps_the_dtype_and_sums_halves_in_float32(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = np.dtype(getattr(ml_dtypes, dtype, dtype))
    rng, x, w, steps = conv_case(3)
    x, w = x.astype(kind), w.astype(kind)
    y = conv.conv(np, x, w, **steps)
    assert y.dtype == kind
    wide = loop_conv(x.astype("f8"), w.astype("f8"), **steps)
    np.testing.assert_allclose(y.astype("f8"), wide, rtol=2 * float(ml_dtypes.finfo(kind).eps), atol=1e-4)
    assert conv.conv_input_grad(np, y, w, input_shape=x.shape, **steps).dtype == kind
    assert conv.conv_weight_grad(np, x, y, weight_shape=w.shape, **steps).dtype == kind


@pytest.mark.parametrize("seed", range(6))
def test_convolution_writes_to_out_takes_strided_inputs_and_leaves_them_alone(seed):
    rng, x, w, steps = conv_case(200 + seed)
    spread = np.repeat(x, 2, axis=-1)[..., ::2]
    expected = loop_conv(x, w, **steps)
    before = spread.copy(), w.copy()
    for out in (np.full(expected.shape, 7.0), np.full((*expected.shape, 2), 7.0)[..., 0]):
        assert conv.conv(np, spread, w[:], out=out, **steps) is out
        np.testing.assert_allclose(out, expected, atol=1e-10)
        g = np.asfortranarray(expected)
        gx, gw = np.full((*x.shape, 2), 7.0)[..., 0], np.full(w.shape, 7.0)
        conv.conv_input_grad(np, g, np.asfortranarray(w), input_shape=x.shape, out=gx, **steps)
        conv.conv_weight_grad(np, spread, g, weight_shape=w.shape, out=gw, **steps)
        np.testing.assert_allclose(np.vdot(gx, x), np.vdot(expected, expected), rtol=1e-9)
        np.testing.assert_allclose(np.vdot(gw, w), np.vdot(expected, expected), rtol=1e-9)
    np.testing.assert_array_equal(spread, before[0])
    np.testing.assert_array_equal(w, before[1])


@pytest.mark.parametrize("x_shape, w_shape, groups", [
    ((0, 5, 5, 2), (3, 3, 2, 4), 1), ((2, 2, 2, 2), (3, 3, 2, 4), 1), ((2, 5, 5, 0), (3, 3, 0, 4), 1),
    ((2, 5, 5, 2), (3, 3, 2, 0), 1), ((0, 5, 5, 4), (3, 3, 1, 4), 4), ((2, 2, 5, 4), (3, 3, 1, 4), 4),
])
def test_convolution_of_nothing(x_shape, w_shape, groups):
    steps = dict(strides=(1, 1), padding=((0, 0), (0, 0)), dilation=(1, 1), groups=groups)
    x, w = np.ones(x_shape, "f4"), np.ones(w_shape, "f4")
    y = conv.conv(np, x, w, **steps)
    sizes = tuple(max(0, n - 2) for n in x_shape[1:-1])
    assert y.shape == (x_shape[0], *sizes, w_shape[-1]) and not y.any()
    gx = conv.conv_input_grad(np, y, w, input_shape=x_shape, **steps)
    gw = conv.conv_weight_grad(np, x, y, weight_shape=w_shape, **steps)
    assert gx.shape == x_shape and gw.shape == w_shape and not gx.any() and not gw.any()


@pytest.mark.parametrize("seed", range(30))
def test_pooling_and_its_gradients_equal_the_loop(seed):
    rng = np.random.default_rng(seed)
    rank = 1 + seed % 3
    window = draw(rng, 1, 4, rank)
    steps = dict(window=window, strides=draw(rng, 1, 4, rank),
                 padding=tuple(draw(rng, 0, k, 2) for k in window))
    x = rng.integers(-3, 4, (2, *draw(rng, 4, 8, rank), 3)).astype("f8")  # integers, so that many tie
    y = pool.max_pool(np, x, **steps)
    np.testing.assert_array_equal(y, loop_pool(x, **steps, reduce=np.nanmax))
    np.testing.assert_allclose(pool.avg_pool(np, x, **steps), loop_pool(x, **steps, reduce=np.nanmean))
    index = pool.max_pool_index(np, x, y, **steps)
    np.testing.assert_array_equal(pool.max_pool_gather(np, x, index, **steps), y)
    np.testing.assert_array_equal(
        index, loop_pool(x, **steps, reduce=lambda a, axis: np.argmax(np.nan_to_num(a, nan=-9), axis)))
    g, dx = rng.standard_normal(y.shape), rng.standard_normal(x.shape)
    gx = pool.max_pool_scatter(np, g, index, input_shape=x.shape, **steps)
    np.testing.assert_allclose(np.vdot(gx, dx), np.vdot(g, pool.max_pool_gather(np, dx, index, **steps)))
    np.testing.assert_array_equal(pool.max_pool_grad(np, g, x, y, **steps), gx)
    gx = pool.avg_pool_grad(np, g, input_shape=x.shape, **steps)
    np.testing.assert_allclose(np.vdot(gx, dx), np.vdot(g, loop_pool(dx, **steps, reduce=np.nanmean)))


@pytest.mark.parametrize("dtype", ["int8", "int32", "float16", "bfloat16", "float64"])
def test_max_pooling_keeps_the_dtype_and_pads_with_what_never_wins(dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    x = np.full((1, 3, 2), -100).astype(getattr(ml_dtypes, dtype, dtype))
    steps = dict(window=(2,), strides=(2,), padding=((1, 0),))
    y = pool.max_pool(np, x, **steps)
    assert y.dtype == x.dtype and (y == x[0, 0, 0]).all()
    index = pool.max_pool_index(np, x, y, **steps)
    assert index.dtype == "uint8" and index[0, :, 0].tolist() == [1, 0]


def test_max_pooling_passes_nan_on_and_sends_infinite_gradients_to_one_cell():
    x = np.array([1.0, np.nan, 3.0, 2.0]).reshape(1, 4, 1)
    steps = dict(window=(2,), strides=(2,), padding=((0, 0),))
    y = pool.max_pool(np, x, **steps)
    assert np.isnan(y[0, 0, 0]) and y[0, 1, 0] == 3
    g = np.full(y.shape, np.inf)
    gx = pool.max_pool_scatter(np, g, pool.max_pool_index(np, x, y, **steps), input_shape=x.shape, **steps)
    assert gx[0, :, 0].tolist() == [0, np.inf, np.inf, 0]
    np.testing.assert_array_equal(pool.max_pool_grad(np, g, x, y, **steps), gx)


def test_pooling_of_nothing():
    steps = dict(window=(2,), strides=(2,), padding=((0, 0),))
    for shape, out in (((0, 4, 2), (0, 2, 2)), ((3, 1, 2), (3, 0, 2)), ((3, 4, 0), (3, 2, 0))):
        x = np.ones(shape)
        y = pool.max_pool(np, x, **steps)
        index = pool.max_pool_index(np, x, y, **steps)
        assert y.shape == index.shape == pool.avg_pool(np, x, **steps).shape == out
        assert pool.max_pool_scatter(np, y, index, input_shape=shape, **steps).shape == shape
        assert pool.avg_pool_grad(np, y, input_shape=shape, **steps).shape == shape
