"""Regularisation layers: the contract, their noise, and when there is none."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.core.dispatch import to_tensor
from kerasish.layers import (
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from tests.layers.contract import Row, contract

DRAW = dict(call={"training": True}, random=True, gradient=False)
ROWS = [
    Row(Dropout, {"rate": 0.5, "noise_shape": (None, 1), "seed": 3}, (4, 3)),
    Row(Dropout, {"rate": 0.5}, (4, 3), id="training", **DRAW),
    Row(SpatialDropout1D, {"rate": 0.5}, (4, 3, 2), wrong=(4, 3)),
    Row(SpatialDropout1D, {"rate": 0.5}, (4, 3, 2), id="training", **DRAW),
    Row(SpatialDropout2D, {"rate": 0.5}, (4, 3, 3, 2), wrong=(4, 3)),
    Row(SpatialDropout2D, {"rate": 0.5}, (4, 3, 3, 2), id="training", **DRAW),
    Row(SpatialDropout3D, {"rate": 0.5, "data_format": "channels_first"}, (2, 3, 2, 2, 2), wrong=(4, 3)),
    Row(SpatialDropout3D, {"rate": 0.5, "data_format": "channels_first"}, (2, 3, 2, 2, 2), id="training", **DRAW),
    Row(GaussianDropout, {"rate": 0.5}, (4, 3)),
    Row(GaussianDropout, {"rate": 0.5}, (4, 3), id="training", **DRAW),
    Row(GaussianNoise, {"stddev": 0.5}, (4, 3)),
    Row(GaussianNoise, {"stddev": 0.5}, (4, 3), id="training", **DRAW),
    Row(AlphaDropout, {"rate": 0.5}, (4, 3)),
    Row(AlphaDropout, {"rate": 0.5, "noise_shape": (None, 1)}, (4, 3), id="training", **DRAW),
    Row(ActivityRegularization, {"l1": 0.1, "l2": 0.2}, (4, 3)),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


ONES = np.ones((200, 300), "float32")
NOISY = {
    "Dropout": lambda rate, **kw: Dropout(rate, **kw),
    "GaussianDropout": lambda rate, **kw: GaussianDropout(rate, **kw),
    "GaussianNoise": lambda rate, **kw: GaussianNoise(rate, **kw),
    "AlphaDropout": lambda rate, **kw: AlphaDropout(rate, **kw),
}


@pytest.mark.parametrize("name", NOISY)
def test_identity_unless_training(name):
    x = to_tensor(ONES)
    assert NOISY[name](0.5)(x) is x
    assert NOISY[name](0.0)(x, training=True) is x


@pytest.mark.parametrize("name", NOISY)
def test_seed_decides(name):
    first, again = NOISY[name](0.5, seed=7), NOISY[name](0.5, seed=7)
    one = np.asarray(first(ONES, training=True))
    np.testing.assert_array_equal(one, again(ONES, training=True))
    assert np.any(one != np.asarray(first(ONES, training=True))), "the second draw equals the first"
    assert [v.name for v in first.variables] == ["seed_generator_state"] and first.weights == []


def test_dropout_keeps_the_mean():
    out = np.asarray(Dropout(0.25, seed=1)(ONES, training=True))
    assert set(np.unique(out)) == {0.0, np.float32(1 / 0.75)}
    assert abs(out.mean() - 1) < 0.01
    assert not np.any(np.asarray(Dropout(1.0)(ONES, training=True)))


def test_dropout_noise_shape():
    out = np.asarray(Dropout(0.5, noise_shape=(None, 1), seed=1)(ONES, training=True))
    assert np.all(out == out[:, :1]) and len(np.unique(out[:, 0])) == 2


def test_dropout_gradient_has_the_mask_of_the_call():
    x = to_tensor(ONES)
    with GradientTape() as tape:
        tape.watch(x)
        out = Dropout(0.5, seed=1)(x, training=True)
        total = ops.sum(out)
    np.testing.assert_array_equal(tape.gradient(total, x), out)


@pytest.mark.parametrize(("layer", "shape", "axes"), [
    (SpatialDropout1D(0.5, seed=1), (8, 5, 16), (1,)),
    (SpatialDropout2D(0.5, seed=1), (8, 3, 4, 16), (1, 2)),
    (SpatialDropout2D(0.5, data_format="channels_first", seed=1), (8, 16, 3, 4), (2, 3)),
    (SpatialDropout3D(0.5, seed=1), (8, 2, 3, 4, 16), (1, 2, 3)),
], ids=["1d", "2d", "2d_first", "3d"])
def test_spatial_dropout_takes_whole_channels(layer, shape, axes):
    out = np.asarray(layer(np.ones(shape, "float32"), training=True))
    assert np.all(out == out.mean(axes, keepdims=True)) and set(np.unique(out)) == {0.0, 2.0}


def test_gaussian_noise_moments():
    noise = np.asarray(GaussianNoise(0.5, seed=1)(ONES, training=True)) - 1
    assert abs(noise.mean()) < 0.01 and abs(noise.std() - 0.5) < 0.01
    out = np.asarray(GaussianDropout(0.2, seed=1)(ONES, training=True))
    assert abs(out.mean() - 1) < 0.01 and abs(out.std() - 0.5) < 0.01


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).standard_normal((200, 300)).astype("float32")
    out = np.asarray(AlphaDropout(0.3, seed=1)(x, training=True))
    assert abs(out.mean()) < 0.02 and abs(out.std() - 1) < 0.02


def test_alpha_dropout_noise_shape_must_fit():
    with pytest.raises(ValueError, match="alpha_at_fault.*2 axes"):
        AlphaDropout(0.5, noise_shape=(1, 1, 1), name="alpha_at_fault")(ONES, training=True)


def test_activity_regularization_loss():
    layer = ActivityRegularization(l1=0.5, l2=0.25)
    out = layer(np.array([[1.0, -2.0], [0.0, 2.0]], "float32"))
    assert out.shape == (2, 2)
    np.testing.assert_allclose([float(x) for x in layer.losses], [(0.5 * 5 + 0.25 * 9) / 2], rtol=1e-6)


@pytest.mark.parametrize("name", NOISY)
@pytest.mark.parametrize("rate", [-0.1, 1.5, "half", None, True])
def test_rates_refused(name, rate):
    with pytest.raises(ValueError, match="rate|stddev"):
        NOISY[name](rate)


def test_gaussian_dropout_refuses_one():
    with pytest.raises(ValueError, match="less than 1"):
        GaussianDropout(1.0)


@pytest.mark.parametrize("noise_shape", ["ab", (1, -1), (1, 0.5), 3])
def test_noise_shapes_refused(noise_shape):
    with pytest.raises(ValueError, match="noise_shape"):
        Dropout(0.5, noise_shape=noise_shape)


def test_spatial_dropout_config_is_that_of_keras():
    assert SpatialDropout2D(0.5, name="drop").get_config() == {
        "rate": 0.5, "seed": None, "name": "drop", "dtype": "float32", "data_format": "channels_last"}
