"""Local and global pooling."""

from make.draws import bools, normal
from make.layers import row

S1, S2, S3 = normal(2, 7, 2), normal(2, 5, 6, 2), normal(1, 4, 5, 4, 2)
FIRST = {"data_format": "channels_first"}
ROWS = []
for kind in ("MaxPooling", "AveragePooling"):
    ROWS += [
        row(f"{kind}1D", "plain", dict(pool_size=2), S1),
        row(f"{kind}1D", "same", dict(pool_size=3, strides=2, padding="same"), S1),
        row(f"{kind}1D", "overlap", dict(pool_size=3, strides=1), S1),
        row(f"{kind}1D", "channels_first", dict(pool_size=2, **FIRST), normal(2, 2, 6)),
        row(f"{kind}2D", "plain", dict(pool_size=2), S2),
        row(f"{kind}2D", "same", dict(pool_size=3, strides=2, padding="same"), S2),
        row(f"{kind}2D", "same_default_stride", dict(pool_size=2, padding="same"), S2),
        row(f"{kind}2D", "uneven", dict(pool_size=[2, 3], strides=[1, 2]), S2),
        row(f"{kind}2D", "same_overlap", dict(pool_size=3, strides=1, padding="same"), S2),
        row(f"{kind}2D", "channels_first", dict(pool_size=2, padding="same", **FIRST), normal(1, 2, 5, 4)),
        row(f"{kind}3D", "plain", dict(pool_size=2), S3),
        row(f"{kind}3D", "same", dict(pool_size=[2, 3, 2], strides=2, padding="same"), S3),
        row(f"{kind}3D", "channels_first", dict(pool_size=2, **FIRST), normal(1, 2, 4, 2, 3)),
    ]
for kind in ("GlobalMaxPooling", "GlobalAveragePooling"):
    for rank, shape, first in ((1, (2, 4, 3), (2, 3, 4)), (2, (2, 3, 4, 2), (2, 2, 3, 4)),
                               (3, (1, 2, 3, 2, 2), (1, 2, 2, 3, 2))):
        ROWS += [
            row(f"{kind}{rank}D", "plain", dict(), normal(*shape)),
            row(f"{kind}{rank}D", "keepdims", dict(keepdims=True), normal(*shape)),
            row(f"{kind}{rank}D", "channels_first", dict(**FIRST), normal(*first)),
        ]
ROWS += [row(f"MaxPooling{rank}D", "defaults", dict(), shape) for rank, shape in ((1, S1), (2, S2), (3, S3))]
ROWS.append(row("GlobalAveragePooling1D", "mask", dict(), normal(2, 5, 3), mask=bools(2, 5, rate=0.6)))
for kind in ("AdaptiveMaxPooling", "AdaptiveAveragePooling"):
    ROWS += [
        row(f"{kind}1D", "uneven", dict(output_size=3), S1),
        row(f"{kind}1D", "channels_first", dict(output_size=2, **FIRST), normal(2, 2, 6)),
        row(f"{kind}2D", "uneven", dict(output_size=[2, 4]), S2),
        row(f"{kind}2D", "square", dict(output_size=3), S2),
        row(f"{kind}3D", "uneven", dict(output_size=[2, 3, 1]), S3),
    ]
