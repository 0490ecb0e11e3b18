"""Layers that move, cut, pad or repeat."""

from make.draws import normal
from make.layers import row

S1, S2, S3 = normal(2, 4, 2), normal(2, 4, 5, 2), normal(1, 3, 4, 3, 2)
FIRST = {"data_format": "channels_first"}
ROWS = [
    row("Reshape", "plain", dict(target_shape=[2, 6]), normal(2, 3, 4)),
    row("Reshape", "unknown", dict(target_shape=[-1, 2]), normal(2, 3, 4)),
    row("Reshape", "flat", dict(target_shape=[12]), normal(2, 3, 4)),
    row("Permute", "swap", dict(dims=[2, 1]), normal(2, 3, 4)),
    row("Permute", "cycle", dict(dims=[3, 1, 2]), normal(2, 3, 4, 2)),
    row("Flatten", "plain", dict(), normal(2, 3, 4)),
    row("Flatten", "channels_first", dict(**FIRST), normal(2, 3, 2, 2)),
    row("Flatten", "rank1", dict(), normal(3)),
    row("RepeatVector", "plain", dict(n=3), normal(2, 4)),
    row("Cropping1D", "plain", dict(), S1),
    row("Cropping1D", "uneven", dict(cropping=[0, 2]), S1),
    row("Cropping2D", "plain", dict(cropping=1), S2),
    row("Cropping2D", "uneven", dict(cropping=[[1, 0], [2, 1]]), S2),
    row("Cropping2D", "channels_first", dict(cropping=[1, 2], **FIRST), normal(1, 2, 4, 5)),
    row("Cropping3D", "plain", dict(), normal(1, 3, 4, 3, 2)),
    row("Cropping3D", "uneven", dict(cropping=[[1, 0], [0, 2], [1, 1]]), S3),
    row("ZeroPadding1D", "plain", dict(), S1),
    row("ZeroPadding1D", "uneven", dict(padding=[0, 2]), S1),
    row("ZeroPadding2D", "plain", dict(), S2),
    row("ZeroPadding2D", "uneven", dict(padding=[[1, 0], [2, 1]]), S2),
    row("ZeroPadding2D", "channels_first", dict(padding=[1, 2], **FIRST), normal(1, 2, 2, 3)),
    row("ZeroPadding3D", "plain", dict(padding=1), normal(1, 2, 2, 2, 2)),
    row("ZeroPadding3D", "uneven", dict(padding=[[1, 0], [0, 1], [0, 2]]), normal(1, 2, 2, 2, 1)),
    row("UpSampling1D", "plain", dict(), S1),
    row("UpSampling1D", "three", dict(size=3), S1),
    row("UpSampling2D", "plain", dict(), normal(2, 2, 3, 2)),
    row("UpSampling2D", "uneven", dict(size=[1, 3]), normal(1, 2, 3, 2)),
    row("UpSampling2D", "bilinear", dict(size=2, interpolation="bilinear"), normal(1, 3, 4, 2)),
    row("UpSampling2D", "bicubic", dict(size=2, interpolation="bicubic"), normal(1, 4, 4, 1)),
    row("UpSampling2D", "lanczos3", dict(size=2, interpolation="lanczos3"), normal(1, 4, 4, 1)),
    row("UpSampling2D", "channels_first", dict(size=2, interpolation="bilinear", **FIRST), normal(1, 2, 2, 3)),
    row("UpSampling3D", "plain", dict(size=[2, 1, 2]), normal(1, 2, 2, 2, 1)),
    row("UpSampling3D", "channels_first", dict(size=2, **FIRST), normal(1, 1, 2, 2, 2)),
]
