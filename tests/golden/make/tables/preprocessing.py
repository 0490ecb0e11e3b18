"""Preprocessing layers that draw nothing at random."""

import numpy as np

from make.draws import ints, normal, uniform
from make.layers import row

IMAGE = uniform(1, 4, 6, 2, high=8)
ROWS = [
    row("Rescaling", "scale", dict(scale=0.5), normal(2, 3)),
    row("Rescaling", "offset", dict(scale=0.5, offset=-1.0), normal(2, 3)),
    row("Rescaling", "per_channel", dict(scale=[0.5, 2.0, 1.0], offset=[0.0, 1.0, -1.0]), normal(2, 2, 2, 3)),
    row("CenterCrop", "crop", dict(height=2, width=3), IMAGE),
    row("CenterCrop", "enlarge", dict(height=6, width=6), IMAGE),
    row("CenterCrop", "unbatched", dict(height=2, width=2), uniform(4, 5, 1), symbolic=False),
    row("Normalization", "given", dict(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25]), normal(2, 3)),
    row("Normalization", "scalar", dict(axis=None, mean=2.0, variance=4.0), normal(2, 3)),
    row("Normalization", "invert", dict(mean=[1.0, 2.0, 3.0], variance=[4.0, 1.0, 0.25], invert=True), normal(2, 3)),
    row("Normalization", "adapt", dict(), normal(2, 3), adapt=normal(7, 3, mean=2, std=3)),
    row("Normalization", "adapt_axis1", dict(axis=1), normal(2, 3, 2), adapt=normal(5, 3, 2, mean=-1)),
    row("Normalization", "adapt_no_axis", dict(axis=None), normal(2, 3), adapt=normal(7, 3, mean=2, std=3)),
    row("Discretization", "boundaries", dict(bin_boundaries=[-1.0, 0.0, 1.0]),
        np.array([[-1.5, -1.0, -0.5], [0.0, 1.0, 3.0]], "float32"), grad=False),
    row("Discretization", "one_hot", dict(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="one_hot"),
        np.array([[-1.5], [0.5], [3.0]], "float32"), grad=False),
    row("Discretization", "multi_hot", dict(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="multi_hot"),
        np.array([[-1.5, 0.5], [0.5, 3.0]], "float32"), grad=False),
    row("Discretization", "count", dict(bin_boundaries=[-1.0, 0.0, 1.0], output_mode="count"),
        np.array([[-1.5, 0.5], [0.5, 0.25]], "float32"), grad=False),
    row("CategoryEncoding", "multi_hot", dict(num_tokens=4), ints(3, 2, high=4), grad=False),
    row("CategoryEncoding", "one_hot", dict(num_tokens=4, output_mode="one_hot"), ints(3, 1, high=4), grad=False),
    row("CategoryEncoding", "one_hot_rank1", dict(num_tokens=4, output_mode="one_hot"), ints(3, high=4), grad=False),
    row("CategoryEncoding", "count", dict(num_tokens=4, output_mode="count"), ints(3, 5, high=4), grad=False),
    row("CategoryEncoding", "weights", dict(num_tokens=4, output_mode="count"), ints(3, 5, high=4),
        count_weights=uniform(3, 5), grad=False),
]
for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    ROWS += [
        row("Resizing", f"{interpolation}_up", dict(height=7, width=9, interpolation=interpolation), IMAGE),
        row("Resizing", f"{interpolation}_down", dict(height=3, width=2, interpolation=interpolation), IMAGE),
    ]
ROWS += [
    row("Resizing", "antialias", dict(height=3, width=2, antialias=True), IMAGE),
    row("Resizing", "antialias_bicubic", dict(height=2, width=3, antialias=True, interpolation="bicubic"), IMAGE),
    row("Resizing", "crop_to_aspect", dict(height=3, width=3, crop_to_aspect_ratio=True), IMAGE),
    row("Resizing", "pad_to_aspect", dict(height=5, width=5, pad_to_aspect_ratio=True, fill_value=2.0), IMAGE),
    row("Resizing", "unbatched", dict(height=3, width=3), uniform(4, 5, 2), symbolic=False),
    row("Resizing", "channels_first", dict(height=3, width=4, data_format="channels_first"), uniform(1, 2, 4, 6)),
]
