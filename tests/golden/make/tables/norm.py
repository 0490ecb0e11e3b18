"""Normalization layers that have weights or normalise activations."""

from make.draws import bools, normal
from make.layers import inner, row

X, S2 = normal(6, 4, mean=0.5), normal(2, 3, 4, 4)
TRAIN = [{"training": True}, {"training": True}]
ROWS = [
    row("BatchNormalization", "training", dict(), X, calls=TRAIN),
    row("BatchNormalization", "train_then_infer", dict(momentum=0.7), X, calls=[*TRAIN, {"training": False}]),
    row("BatchNormalization", "inference", dict(epsilon=1e-2), X, training=False),
    row("BatchNormalization", "image", dict(momentum=0.9), S2, calls=TRAIN),
    row("BatchNormalization", "axis1", dict(axis=1), S2, training=True),
    row("BatchNormalization", "no_scale", dict(scale=False), X, training=True),
    row("BatchNormalization", "no_center", dict(center=False), X, training=True),
    row("BatchNormalization", "neither", dict(center=False, scale=False), X, training=True),
    row("BatchNormalization", "mask", dict(momentum=0.8), normal(3, 4, 2), training=True, mask=bools(3, 4, rate=0.7)),
    row("BatchNormalization", "not_trainable", dict(trainable=False), X, training=True),
    row("LayerNormalization", "plain", dict(), normal(3, 5)),
    row("LayerNormalization", "rank3", dict(epsilon=1e-5), normal(2, 3, 4)),
    row("LayerNormalization", "axes", dict(axis=[1, 2]), normal(2, 3, 4)),
    row("LayerNormalization", "axis1", dict(axis=1), normal(2, 3, 4)),
    row("LayerNormalization", "no_scale", dict(scale=False), normal(3, 5)),
    row("LayerNormalization", "no_center", dict(center=False), normal(3, 5)),
    row("LayerNormalization", "neither", dict(center=False, scale=False), normal(3, 5)),
    row("GroupNormalization", "two", dict(groups=2), normal(2, 3, 3, 4)),
    row("GroupNormalization", "instance", dict(groups=-1), normal(2, 5, 4)),
    row("GroupNormalization", "one", dict(groups=1), normal(2, 3, 4)),
    row("GroupNormalization", "axis1", dict(groups=2, axis=1), normal(2, 4, 3, 2)),
    row("GroupNormalization", "plain_rank2", dict(groups=2, center=False, scale=False), normal(3, 6)),
    row("RMSNormalization", "plain", dict(), normal(3, 5)),
    row("RMSNormalization", "rank3", dict(epsilon=1e-3), normal(2, 3, 4)),
    row("UnitNormalization", "plain", dict(), normal(3, 5)),
    row("UnitNormalization", "axes", dict(axis=[1, 2]), normal(2, 3, 4)),
    row("SpectralNormalization", "dense", dict(layer=inner("Dense", units=3)), normal(2, 4), training=True, grad=False),
    row("SpectralNormalization", "conv", dict(layer=inner("Conv2D", filters=3, kernel_size=2), power_iterations=3),
        normal(1, 3, 3, 2), training=True, grad=False),
    row("SpectralNormalization", "inference", dict(layer=inner("Dense", units=3)), normal(2, 4), training=False),
]
