"""Makes `data/bounding_boxes.json` and `.npz` with real Keras: `python tests/golden/make_bounding_boxes_data.py`."""

from __future__ import annotations

import os

os.environ.setdefault("KERAS_BACKEND", "jax")

from typing import Any  # noqa: E402

import keras  # noqa: E402
import numpy as np  # noqa: E402
from golden_io import save  # noqa: E402

FORMATS = ("xyxy", "yxyx", "xywh", "center_xywh", "center_yxhw", "rel_xyxy", "rel_yxyx", "rel_xywh", "rel_center_xywh")
SIZE = {"height": 60, "width": 80}
RNG = np.random.RandomState(5)


def corners(*shape: int) -> np.ndarray:
    """Boxes, left < right and top < bottom, some of them partly outside an image of 60 x 80."""
    start = RNG.uniform(-20, 60, (*shape, 2))
    return np.concatenate([start, start + RNG.uniform(2, 50, (*shape, 2))], axis=-1).astype("float32")


def as_format(boxes: np.ndarray, name: str) -> np.ndarray:
    return np.asarray(keras.utils.bounding_boxes.convert_format(boxes, "xyxy", name, **SIZE))


BOXES, BATCH, MORE = corners(5), corners(2, 5), corners(2, 3)
FAR = np.array([[-9, -8, -5, -4], [1, 2, 9, 8]], "float32")
ANGLES = [np.array(v, "float32") for v in (
    [30.0, -70.0], [0.1, 0.0], [-0.2, 0.3], [1.3, 0.7], [10.0, 0.0], [0.0, 20.0])]  # fmt: skip
IMAGE = (60, 80, 3)

ROWS: list[tuple[str, tuple, dict[str, Any]]] = [
    *(("convert_format", (as_format(BATCH, a), a, b), SIZE) for a in FORMATS for b in FORMATS),
    ("convert_format", ({"boxes": BOXES, "labels": np.arange(5)}, "XYXY", "xywh"), {"dtype": "float16"}),
    ("clip_to_image_size", ({"boxes": np.concatenate([BOXES, FAR]), "labels": np.arange(7)},), SIZE),
    ("clip_to_image_size", ({"boxes": as_format(BATCH, "rel_xyxy"), "labels": np.arange(10).reshape(2, 5)},),
     {"bounding_box_format": "rel_xyxy"}),
    ("affine_transform", (BATCH, *ANGLES, 60, 80), {}),
    ("affine_transform", (BATCH, *ANGLES, 60, 80, 0.2, 0.7), {}),
    ("crop", (BATCH, 4, 7, 30, 40), {}), ("pad", (BOXES, 4, 7), {}), ("pad", (BATCH, 4, 7, 60, 80), {}),
    ("encode_box_to_deltas", (BOXES, BATCH, "xyxy", "xyxy"), {}),
    ("encode_box_to_deltas", (BOXES, as_format(BATCH, "rel_yxyx"), "xyxy", "rel_yxyx", "center_xywh"),
     {"variance": [0.1, 0.2, 0.3, 0.4], "image_shape": IMAGE}),
    ("decode_deltas_to_boxes", (BOXES, BATCH / 100, "xyxy", "xywh"), {}),
    ("decode_deltas_to_boxes", ({"P3": BOXES, "P4": FAR}, {"P3": BOXES / 100, "P4": FAR / 10}, "xywh", "rel_xyxy",
                                "center_xywh"), {"variance": [0.1, 0.2, 0.3, 0.4], "image_shape": IMAGE}),
    *(("compute_iou", (a, b, "xyxy"), {}) for a in (BOXES, BATCH) for b in (MORE, MORE[0])),
    ("compute_iou", (as_format(BOXES, "rel_xywh"), as_format(MORE, "rel_xywh"), "rel_xywh"), {"image_shape": IMAGE}),
    ("compute_iou", (np.concatenate([BOXES, FAR]), MORE[0], "xyxy"), {"use_masking": True, "mask_val": -2}),
    ("compute_ciou", (BATCH, BATCH[:, ::-1], "xyxy"), {}), ("compute_ciou", (BOXES, BOXES + 3, "center_xywh"), {}),
]  # fmt: skip


def run(name: str, args: tuple, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Call Keras, which writes into the dict that it is given."""
    given = [dict(a) if isinstance(a, dict) else a for a in args]
    out = getattr(keras.utils.bounding_boxes, name)(*given, **kwargs)
    return {"function": name, "args": list(args), "kwargs": kwargs, "out": keras.tree.map_structure(np.asarray, out)}


if __name__ == "__main__":
    save("bounding_boxes", [run(*row) for row in ROWS])
