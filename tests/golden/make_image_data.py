"""Makes `data/image.json` with real Keras: `KERAS_BACKEND=jax python tests/golden/make_image_data.py`.

A row holds `op` (a function of `keras.ops.image`), its `args` and `kwargs`, and what it gave, `out`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import keras  # noqa: E402
import numpy as np  # noqa: E402
from golden_io import save  # noqa: E402

RNG = np.random.RandomState(0)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> np.ndarray:
    """float32 with 10 bits after the point."""
    return (np.round(RNG.uniform(low, high, shape) * 1024) / 1024).astype("float32")


def first(x: np.ndarray) -> np.ndarray:
    """Images with their channels first."""
    return np.ascontiguousarray(np.moveaxis(x, -1, -3))


IMAGES, PIXELS, VOLUMES = uniform(2, 7, 6, 3), RNG.randint(0, 256, (1, 6, 5, 3)).astype("uint8"), uniform(1, 5, 4, 6, 2)
TRANSFORMS = np.array([[1, 0.21, 0.3, -0.13, 0.9, -0.43, 0, 0], [0.83, 0, 2.1, 0.31, 1.1, 0.22, 0, 0]], "float32")
START = np.array([[[0, 0], [5, 0], [0, 6], [5, 6]]] * 2, "float32")
END = START + uniform(2, 4, 2)
MODES = ("constant", "nearest", "wrap", "mirror", "reflect")
FIRST = {"data_format": "channels_first"}

ROWS: list[tuple[str, tuple, dict[str, Any]]] = [
    *((op, (x,), {}) for op in ("rgb_to_grayscale", "rgb_to_hsv", "hsv_to_rgb") for x in (IMAGES, IMAGES[0])),
    ("rgb_to_grayscale", (PIXELS,), {}), ("rgb_to_hsv", (first(IMAGES),), FIRST),
    *(("resize", (IMAGES, (5, 9)), {"interpolation": i, "antialias": a})
      for i in ("bilinear", "nearest", "bicubic", "lanczos3", "lanczos5") for a in (False, True)),
    ("resize", (PIXELS, (9, 4)), {"interpolation": "bicubic"}), ("resize", (IMAGES[0], (3, 3)), {}),
    ("resize", (PIXELS, (9, 4)), {"interpolation": "nearest"}), ("resize", (first(IMAGES), (5, 9)), FIRST),
    ("resize", (IMAGES, (4, 9)), {"crop_to_aspect_ratio": True}),
    ("resize", (IMAGES, (4, 9)), {"pad_to_aspect_ratio": True, "fill_value": 2.0}),
    ("resize", (first(IMAGES), (9, 3)), {"pad_to_aspect_ratio": True, **FIRST}),
    ("scale_and_translate", (IMAGES, (2, 7, 9, 3), [1.2, 0.7], [1.0, -2.0], (1, 2), "cubic"), {}),
    *(("affine_transform", (IMAGES, TRANSFORMS), {"interpolation": i, "fill_mode": m, "fill_value": 0.5})
      for i in ("nearest", "bilinear") for m in MODES),
    ("affine_transform", (IMAGES[0], TRANSFORMS[0]), {}), ("affine_transform", (PIXELS, TRANSFORMS[:1]), {}),
    ("affine_transform", (first(IMAGES), TRANSFORMS), FIRST),
    *(("map_coordinates", (IMAGES[0, :, :, 0], uniform(2, 3, 4, low=-9, high=15)), {"order": o, "fill_mode": m})
      for o in (0, 1) for m in MODES),
    ("perspective_transform", (IMAGES, START, END), {}),
    ("perspective_transform", (first(IMAGES)[0], START[0], END[0]), {"interpolation": "nearest", **FIRST}),
    ("pad_images", (IMAGES, 1, 2, 3, 4), {}),
    ("pad_images", (IMAGES[0],), {"top_padding": 1, "right_padding": 2, "target_height": 9, "target_width": 10}),
    ("crop_images", (IMAGES, 1, 2, 3, 1), {}),
    ("crop_images", (first(IMAGES),), {"top_cropping": 1, "left_cropping": 1, "target_height": 4, "target_width": 3,
                                       **FIRST}),
    ("extract_patches", (IMAGES, (3, 2)), {}), ("extract_patches", (first(IMAGES), 3), FIRST),
    ("extract_patches", (IMAGES, 3), {"strides": 2, "padding": "same"}),
    ("extract_patches", (IMAGES[0], (2, 3)), {"strides": 1, "dilation_rate": 2}),
    ("extract_patches_3d", (VOLUMES, 2), {}),
    ("extract_patches_3d", (VOLUMES[0], (2, 1, 3)), {"strides": 1, "padding": "same"}),
    ("gaussian_blur", (IMAGES, (3, 5), (1.0, 2.0)), {"data_format": "channels_last"}),
    ("gaussian_blur", (first(IMAGES)[0],), FIRST), ("sobel_edges", (IMAGES,), {}),
    ("ssim", (uniform(2, 13, 12, 2), uniform(2, 13, 12, 2)), {}),
    ("ssim", (first(IMAGES)[0], first(IMAGES)[1]), {"filter_size": 3, "max_val": 2.0, **FIRST}),
]  # fmt: skip


def run(op: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Call Keras."""
    tensors = [keras.ops.convert_to_tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    if op == "scale_and_translate":
        tensors[2:4] = [keras.ops.convert_to_tensor(a, "float32") for a in args[2:4]]
    out = keras.ops.convert_to_numpy(getattr(keras.ops.image, op)(*tensors, **kwargs))
    return {"op": op, "args": list(args), "kwargs": kwargs, "out": np.asarray(out)}


if __name__ == "__main__":
    save("image", [run(*row) for row in ROWS])
