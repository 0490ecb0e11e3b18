"""Boxes: the answers of Keras, gradients, unknown numbers of boxes, errors."""

import importlib

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops, tree
from kerasish.utils import bounding_boxes as boxes
from tests.golden import golden_io

ROWS = golden_io.load("bounding_boxes")
BOXES = np.array([[1.0, 2.0, 5.0, 9.0], [0.0, 1.0, 3.0, 2.0]], "float32")


def is_text(x):
    return isinstance(x, str)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "-".join([row["function"], *filter(is_text, row["args"])]))
def test_answers_as_keras(row):
    before = tree.map_structure(np.copy, row["args"])
    out = getattr(boxes, row["function"])(*row["args"], **row["kwargs"])
    tree.assert_same_structure(out, row["out"])
    for got, want in zip(tree.flatten(out), tree.flatten(row["out"]), strict=True):
        got = np.asarray(got)
        assert got.dtype.kind == want.dtype.kind and (want.dtype.kind != "f" or got.dtype == want.dtype)
        tolerance = 2e-2 if want.dtype == "float16" else 2e-5
        np.testing.assert_allclose(got.astype("float64"), want, rtol=tolerance, atol=tolerance)
    assert all((a == b).all() for a, b in zip(tree.flatten(row["args"]), tree.flatten(before), strict=True)
               if isinstance(a, np.ndarray))


def test_every_function_has_a_row():
    assert {row["function"] for row in ROWS} == set(boxes.__all__)
    assert importlib.import_module("kerasish.utils.bounding_boxes") is keras.utils.bounding_boxes


def test_encode_and_decode():
    anchors = BOXES + np.array([1, -1, 2, 3], "float32")
    deltas = boxes.encode_box_to_deltas(anchors, BOXES, "xyxy", "xyxy", variance=[0.1, 0.1, 0.2, 0.2])
    back = boxes.decode_deltas_to_boxes(anchors, deltas, "xyxy", "xyxy", variance=[0.1, 0.1, 0.2, 0.2])
    np.testing.assert_allclose(back, BOXES, atol=1e-5)


def test_iou_of_known_boxes():
    a = np.array([[0.0, 0.0, 2.0, 2.0]])
    b = np.array([[1.0, 1.0, 3.0, 3.0], [0.0, 0.0, 2.0, 2.0], [5.0, 5.0, 6.0, 6.0]])
    np.testing.assert_allclose(boxes.compute_iou(a, b, "xyxy"), [[1 / 7, 1.0, 0.0]], atol=1e-6)


def test_symbolic_and_gradient():
    symbol = keras.Input((None, 4))
    assert boxes.compute_iou(symbol, BOXES, "xywh").shape == (None, None, 2)
    clipped = boxes.clip_to_image_size({"boxes": symbol}, bounding_box_format="rel_xyxy")
    assert clipped["boxes"].shape == (None, None, 4)
    assert boxes.convert_format(symbol, "rel_xyxy", "center_xywh", height=5, width=6).shape == (None, None, 4)
    loss = lambda x: ops.sum(1 - boxes.compute_ciou(x, BOXES, "xyxy"))
    start = BOXES + np.array([0.5, -0.3, 0.7, 0.4], "float32")
    moved = start - 0.1 * np.asarray(keras.grad(loss)(start))
    assert float(loss(moved)) < float(loss(start))


REFUSED = [
    (lambda: boxes.convert_format(BOXES, "xyxy", "xxyy"), ValueError, "unknown format of boxes 'xxyy'"),
    (lambda: boxes.convert_format(BOXES[:, :3], "xyxy", "xywh"), ValueError, r"got a tensor of shape \(2, 3\)"),
    (lambda: boxes.convert_format(BOXES, "xyxy", "rel_xywh"), ValueError, "`height` and `width`"),
    (lambda: boxes.compute_iou(BOXES, BOXES, "rel_xyxy"), ValueError, "`height` and `width`"),
    (lambda: boxes.compute_iou(BOXES[0], BOXES, "xyxy"), ValueError, r"got shapes \(4,\) and \(2, 4\)"),
    (lambda: boxes.clip_to_image_size({"boxes": BOXES}), ValueError, "`height` and `width`"),
    (lambda: boxes.crop(BOXES, 1, 1, 2, 2, "xywh"), NotImplementedError, "format xyxy, got 'xywh'"),
    (lambda: boxes.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", "xywh"), ValueError, "`encoding_format`"),
    (lambda: boxes.encode_box_to_deltas(BOXES, BOXES, "xyxy", "xyxy", variance=[1.0]), ValueError, "`variance`"),
    (lambda: boxes.affine_transform(BOXES, 1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 5, 5), ValueError, r"\(batch, n, 4\)"),
]  # fmt: skip


@pytest.mark.parametrize("row", range(len(REFUSED)))
def test_refused(row):
    call, error, words = REFUSED[row]
    with pytest.raises(error, match=words):
        call()
