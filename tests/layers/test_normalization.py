"""Normalizations: the contract, moments that move, and arguments."""

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.layers import (
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    GroupNormalization,
    Input,
    Layer,
    LayerNormalization,
    RMSNormalization,
    SpectralNormalization,
    UnitNormalization,
)
from tests.layers.contract import Row, contract

BATCH = ["gamma", "beta", "moving_mean", "moving_variance"]
RENORM = {"renorm": True, "renorm_clipping": {"rmax": 2.0, "rmin": 0.5, "dmax": 1.0}}

ROWS = [
    Row(BatchNormalization, {}, (4, 3), BATCH, call={"training": True}, wrong=()),
    Row(BatchNormalization, {"axis": 1, "epsilon": 0.1}, (2, 3, 2, 2), BATCH, call={"training": True}, id="axis"),
    # A moving variance must not be negative, as filled() would have it: its own row of values is in the golden files.
    Row(BatchNormalization, {"trainable": False, "epsilon": 2.0}, (4, 3), BATCH, id="frozen"),
    Row(BatchNormalization, {**RENORM, "epsilon": 0.1}, (4, 3), dtypes=(), gradient=False, id="renorm",
        call={"training": True}, weights=[*BATCH, "moving_stddev", "renorm_mean", "renorm_stddev"]),
    Row(LayerNormalization, {}, (4, 3), ["gamma", "beta"], wrong=()),
    Row(LayerNormalization, {"axis": [1, 2], "center": False}, (2, 3, 4), ["gamma"], wrong=(2, 3), id="axes"),
    Row(GroupNormalization, {"groups": 2}, (2, 3, 4), ["gamma", "beta"], wrong=(2, 3)),
    Row(GroupNormalization, {"groups": -1, "axis": 1, "scale": False}, (2, 3, 4, 2), ["beta"], id="instance"),
    Row(RMSNormalization, {"epsilon": 0.1}, (4, 3), ["scale"], wrong=()),
    Row(RMSNormalization, {"axis": [1, 2]}, (2, 3, 4), ["scale"], wrong=(2, 3), id="axes"),
    Row(UnitNormalization, {}, (4, 3)),
    Row(UnitNormalization, {"axis": [1, 2]}, (2, 3, 4), wrong=(2, 3), id="axes"),
    Row(SpectralNormalization, lambda: {"layer": Dense(3, name="dense")}, (4, 2),
        ["dense/kernel", "vector_u", "dense/bias"], wrong=(2,)),
    Row(SpectralNormalization, lambda: {"layer": Embedding(5, 2, name="table")}, (4, 3),
        ["table/embeddings", "vector_u"], integers=5, id="embedding"),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


# ---- batch normalization ----------------------------------------------------------------------

X = np.random.default_rng(0).normal(3.0, 2.0, (64, 5)).astype("float32")


def test_moments_of_the_batch_in_training():
    layer = BatchNormalization(epsilon=1e-6)
    out = np.asarray(layer(X, training=True))
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(out.std(0), 1, atol=1e-4)
    np.testing.assert_allclose(layer.moving_mean, 0.01 * X.mean(0), rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, 0.99 + 0.01 * X.var(0), rtol=1e-4)


def test_moving_moments_in_inference():
    layer = BatchNormalization(momentum=0.5)
    for _ in range(30):
        layer(X, training=True)
    before = layer.moving_mean.numpy()
    np.testing.assert_allclose(layer(X), layer(X, training=True), atol=1e-4)
    layer(X + 100)
    np.testing.assert_allclose(layer.moving_mean, before, rtol=1e-4)


def test_frozen_layer_infers():
    layer = BatchNormalization()
    layer.build((None, 5))
    layer.trainable = False
    out = layer(X, training=True)
    np.testing.assert_allclose(out, X / np.sqrt(1 + 1e-3), rtol=1e-5)
    assert not np.any(layer.moving_mean)
    assert layer.trainable_variables == [] and len(layer.non_trainable_variables) == 4
    layer.trainable = True
    assert [v.name for v in layer.trainable_variables] == ["gamma", "beta"]


def test_training_is_the_surrounding_layers():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.norm = BatchNormalization()

        def call(self, x):
            return self.norm(x)

    outer = Outer()
    outer(X, training=True)
    assert np.any(outer.norm.moving_mean)


def test_masked_steps_do_not_count():
    layer, plain = BatchNormalization(), BatchNormalization()
    x = np.stack([X, X + 100], axis=1)
    mask = np.stack([np.ones(64, bool), np.zeros(64, bool)], axis=1)
    layer(x, training=True, mask=mask)
    plain(X, training=True)
    np.testing.assert_allclose(layer.moving_mean, plain.moving_mean, rtol=1e-4)
    np.testing.assert_allclose(layer.moving_variance, plain.moving_variance, rtol=1e-4)
    with pytest.raises(ValueError, match=f"{layer.name}.*mask"):
        layer(x, training=True, mask=mask[:, 0])


def test_mask_of_one_channel():
    layer = BatchNormalization()
    layer(X[:, :1, None], training=True, mask=np.ones((64, 1), bool))
    assert layer.moving_mean.shape == (1,)


def test_half_precision_keeps_its_moments_in_single():
    layer = BatchNormalization(dtype="mixed_float16")
    out = layer((X * 100).astype("float16"), training=True)
    assert out.dtype == "float16" and layer.moving_variance.dtype == "float32"
    assert np.isfinite(np.asarray(layer.moving_variance)).all()


def test_statelessly():
    layer = BatchNormalization()
    layer.build((None, 5))
    before = [np.asarray(v) for v in layer.non_trainable_variables]
    _, after = layer.stateless_call(layer.trainable_variables, before, X, training=True)
    np.testing.assert_allclose(after[0], 0.01 * X.mean(0), rtol=1e-4)
    np.testing.assert_array_equal(layer.moving_mean, before[0])


def test_renorm_starts_like_plain_and_then_follows_its_moments():
    """Bounds of r = 1 and d = 0 make it the plain normalization."""
    plain = BatchNormalization(momentum=0.9)
    bound = BatchNormalization(momentum=0.9, renorm=True, renorm_clipping={"rmax": 1.0, "rmin": 1.0, "dmax": 0.0})
    np.testing.assert_allclose(bound(X, training=True), plain(X, training=True), rtol=1e-5)
    free = BatchNormalization(renorm=True, renorm_momentum=0.0, momentum=0.0)
    free(X, training=True)
    # Its moments are now those of the batch, with which the next one is normalized.
    deviation = np.sqrt(X.var(0) + 1e-3)
    np.testing.assert_allclose(free(X + 1, training=True), (X + 1 - X.mean(0)) / deviation, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(free.moving_variance, X.var(0), rtol=1e-3)


@pytest.mark.parametrize("clipping", [{"rmax": 1.0, "rmin": 2.0}, {"dmax": -1.0}, {"rmux": 1.0}])
def test_renorm_bounds_refused(clipping):
    with pytest.raises(ValueError, match="renorm_clipping"):
        BatchNormalization(renorm=True, renorm_clipping=clipping)


def test_processes_refused():
    with pytest.raises(ValueError, match="synchronized"):
        BatchNormalization(synchronized=True)


# ---- others -----------------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [BatchNormalization(axis=2), LayerNormalization(axis=2), GroupNormalization(axis=2),
                                   RMSNormalization(axis=2), UnitNormalization(axis=2)])
def test_axis_out_of_bounds(layer):
    for x in (X, Input((5,))):
        with pytest.raises(ValueError, match=layer.name + r".*axis \[?2"):
            layer(x)


@pytest.mark.parametrize("layer", [BatchNormalization(), LayerNormalization(), GroupNormalization(1)])
def test_unknown_channels_are_refused(layer):
    with pytest.raises(ValueError, match=layer.name):
        layer(Input((3, None)))


@pytest.mark.parametrize("layer", [LayerNormalization, RMSNormalization, UnitNormalization])
@pytest.mark.parametrize("axis", [1.5, None, "last", []])
def test_axis_refused(layer, axis):
    with pytest.raises(TypeError, match="axis"):
        layer(axis=axis)


@pytest.mark.parametrize("groups", [0, -2, 1.5])
def test_groups_refused(groups):
    with pytest.raises(ValueError, match="groups"):
        GroupNormalization(groups)


def test_groups_must_divide_the_channels():
    with pytest.raises(ValueError, match="3 groups"):
        GroupNormalization(3)(X[:, :4])


def test_older_scaling_warns():
    with pytest.warns(UserWarning, match="RMSNormalization"):
        layer = LayerNormalization(rms_scaling=True)
    layer(X)
    assert [w.name for w in layer.weights] == ["gamma"]


def test_layer_normalization_of_large_half_precision():
    x = np.array([[30000.0, -30000.0, 100.0, 0.0]], "float16")
    out = np.asarray(LayerNormalization(dtype="float16")(x))
    assert np.isfinite(out).all() and abs(float(out.sum())) < 0.05


@pytest.mark.parametrize("inner", [Dense(4), Conv2D(4, 2)])
def test_spectral_norm_becomes_one(inner):
    layer = SpectralNormalization(inner, power_iterations=50)
    x = np.ones((1, 3, 3, 2), "float32")
    layer.build(x.shape)
    with GradientTape() as tape:
        out = ops.sum(layer(x, training=True))
    matrix = inner.kernel.numpy().reshape(-1, 4)
    assert np.linalg.norm(matrix, 2) == pytest.approx(1, rel=1e-3)
    assert tape.gradient(out, inner.kernel).shape == inner.kernel.shape
    before = inner.kernel.numpy()
    layer(x)
    np.testing.assert_array_equal(inner.kernel, before)


def test_spectral_norm_of_zeros():
    layer = SpectralNormalization(Dense(3, kernel_initializer="zeros"))
    np.testing.assert_array_equal(layer(X, training=True), np.zeros((64, 3)))
    assert not np.any(layer.layer.kernel)


def test_spectral_norm_refuses():
    with pytest.raises(ValueError, match="neither a `kernel` nor `embeddings`"):
        SpectralNormalization(UnitNormalization())(X)
    with pytest.raises(ValueError, match="power_iterations"):
        SpectralNormalization(Dense(2), power_iterations=0)
