"""Rows of the image ops; the expected numbers are Keras's, in `tests/golden/data/image.json`."""

import sys
from pathlib import Path

import numpy as np

from tests.ops.case import Case, normal, uniform

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
from golden_io import load  # noqa: E402

# Ops that round a coordinate, or divide by small numbers: in half precision they may answer otherwise.
SENSITIVE = ("affine_transform", "map_coordinates", "perspective_transform", "rgb_to_hsv", "ssim")


def golden(number: int, row: dict) -> Case:
    """The row of one call of Keras; the batch may be unknown where nothing else has its length."""
    op, smooth = row["op"], row["op"] not in SENSITIVE
    dynamic = row["args"][0].ndim == 4 and op not in ("affine_transform", "perspective_transform")
    return Case(
        f"image.{op}", row["args"], row["kwargs"], reference=lambda *_, **__: row["out"], rtol=3e-5, atol=3e-5,
        dtypes=("float32", "float16", "bfloat16") if smooth else ("float32",), differentiable=False,
        dynamic=dynamic, id=str(number),
    )  # fmt: skip


def exact(op: str, *inputs, **kwargs) -> Case:
    """A row for the gradients, in float64; the forward check is that of the golden rows."""
    return Case(f"image.{op}", inputs, kwargs, check=lambda out, *_, **__: np.isfinite(out).all(), id="gradient",
                dtypes=("float64",), dynamic=False)  # fmt: skip


SMALL = uniform(1, 5, 4, 3, low=0.2, high=0.8)
AFFINE = np.array([0.913, 0.107, 0.271, -0.203, 1.131, 0.317, 0.011, 0.023])
START = np.array([[0.0, 0], [4, 0], [0, 5], [4, 5]])

CASES = [
    *[golden(n, row) for n, row in enumerate(load("image"))],
    exact("resize", SMALL, (3, 6), interpolation="bicubic", antialias=True),
    exact("resize", SMALL, (3, 6), interpolation="nearest"),
    exact("scale_and_translate", SMALL, (1, 6, 4, 3), (1.2,), (0.3,), (1,), "lanczos3"),
    exact("rgb_to_grayscale", SMALL),
    exact("rgb_to_hsv", SMALL),
    exact("hsv_to_rgb", SMALL),
    exact("affine_transform", SMALL, AFFINE),
    exact("map_coordinates", normal(5, 4), uniform(2, 6, low=0.1, high=2.9), 1, fill_mode="reflect"),
    exact("perspective_transform", SMALL, START, START + 0.37),
    exact("pad_images", SMALL, 1, 2, 0, 1),
    exact("crop_images", SMALL, 1, 2, 0, 1),
    exact("extract_patches", SMALL, 2, strides=1, padding="same"),
    exact("extract_patches_3d", uniform(1, 4, 2, 2, 1), 2),
    exact("gaussian_blur", SMALL),
    exact("sobel_edges", SMALL),
    exact("ssim", SMALL, uniform(1, 5, 4, 3), filter_size=3),
    exact("elastic_transform", SMALL, seed=3, sigma=1.0, alpha=2.0),
]
