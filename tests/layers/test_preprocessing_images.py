"""Image layers: the contract, Keras's results for equal draws, seeds, single images, what goes along with images."""

import inspect
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.data import Dataset
from kerasish.layers.preprocessing.base_image import ImageLayer
from kerasish.models import Sequential
from kerasish.ops import random
from tests.layers.contract import Row, contract

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import golden_io  # noqa: E402

SHAPE = (3, 6, 5, 3)
DRAW = dict(call={"training": True}, random=True, gradient=False)
KWARGS = {
    "AugMix": {}, "CutMix": {}, "MixUp": {}, "RandAugment": {}, "RandomBrightness": {"factor": 0.2},
    "RandomColorDegeneration": {"factor": 0.2}, "RandomContrast": {"factor": 0.3},
    "RandomColorJitter": dict(brightness_factor=0.1, contrast_factor=0.1, saturation_factor=0.4, hue_factor=0.1),
    "RandomCrop": {"height": 4, "width": 3}, "RandomElasticTransform": {}, "RandomErasing": {}, "RandomFlip": {},
    "RandomGaussianBlur": {}, "RandomGrayscale": {}, "RandomHue": {"factor": 0.3}, "RandomInvert": {"factor": 0.5},
    "RandomPerspective": {}, "RandomPosterization": {"factor": 4}, "RandomRotation": {"factor": 0.2},
    "RandomSaturation": {"factor": [0.3, 0.7]}, "RandomSharpness": {"factor": 0.5}, "RandomShear": {"x_factor": 0.3},
    "RandomTranslation": {"height_factor": 0.2, "width_factor": 0.2}, "RandomZoom": {"height_factor": 0.3},
    "Solarization": {"threshold_factor": 0.5},
}  # fmt: skip
FIXED = {"gradient": False, "wrong": (5, 5)}
CLAHE = layers.ContrastLimitedAdaptiveHistogramEqualization
ROWS = [
    *(Row(getattr(layers, name), kwargs, SHAPE, wrong=(5, 5), eager=name == "RandomElasticTransform", **DRAW)
      for name, kwargs in KWARGS.items()),
    Row(layers.CenterCrop, {"height": 4, "width": 3}, SHAPE, wrong=(5, 5)),
    Row(layers.CenterCrop, {"height": 9, "width": 3}, SHAPE, id="larger"),
    Row(layers.Resizing, {"height": 4, "width": 8}, SHAPE, wrong=(5, 5)),
    Row(layers.Resizing, {"height": 4, "width": 8, "pad_to_aspect_ratio": True, "interpolation": "bicubic"}, SHAPE,
        id="pad"),
    Row(layers.AutoContrast, {"value_range": (-3, 3)}, SHAPE, rtol=2e-2, **FIXED),
    Row(layers.Equalization, {}, SHAPE, dtypes=("float64",), **FIXED),
    Row(CLAHE, {"tile_grid_size": (2, 2)}, SHAPE, dtypes=("float64",), **FIXED),
    Row(layers.MaxNumBoundingBoxes, {"max_number": 3}, SHAPE, **FIXED),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


# ---- Keras's results ----


@pytest.fixture
def sequence_instead_of_draws(monkeypatch):
    """Uniform draws take the next numbers of a sequence, as where the golden rows were made."""
    drawn = [0]

    def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
        count = int(np.prod(shape, dtype=int))
        numbers = np.modf(0.618034 * np.arange(drawn[0] + 1, drawn[0] + count + 1))[0].reshape(tuple(shape))
        drawn[0] += count
        return ops.convert_to_tensor((minval + numbers * (maxval - minval)).astype("float32"))

    monkeypatch.setattr(random, "uniform", uniform)


GOLDEN = golden_io.load("drawn_images")


@pytest.mark.parametrize("row", GOLDEN, ids=[f"{r['class']}-{i}" for i, r in enumerate(GOLDEN)])
def test_equal_draws_give_the_images_of_keras(row, sequence_instead_of_draws):
    layer = getattr(layers, row["class"])(**row["kwargs"])
    golden_io.assert_close(np.asarray(layer(row["x"], training=True)), row["out"], 2e-5)


# ---- all layers that draw ----


IMAGES = np.random.default_rng(0).integers(0, 256, (4, 8, 10, 3)).astype("uint8")


@pytest.mark.parametrize("name", KWARGS)
def test_seed_decides(name):
    make = getattr(layers, name)
    first, again = make(seed=7, **KWARGS[name]), make(seed=7, **KWARGS[name])
    drawn = [np.asarray(first(IMAGES, training=True)) for _ in range(6)]
    for one in drawn:
        np.testing.assert_array_equal(one, again(IMAGES, training=True))
    assert any(np.any(drawn[0] != one) for one in drawn[1:]), "all draws are equal"
    assert np.all(np.isfinite(drawn)) and first.weights == []
    if name not in ("RandomCrop", "MixUp", "CutMix"):
        assert drawn[0].min() >= 0 and drawn[0].max() <= 255.001


@pytest.mark.parametrize("name", sorted(set(KWARGS) - {"RandomCrop"}))
def test_identity_unless_training(name):
    out = getattr(layers, name)(**KWARGS[name])(IMAGES, training=False)
    assert out.dtype == "float32"
    np.testing.assert_array_equal(out, IMAGES)


@pytest.mark.parametrize("name", KWARGS)
def test_single_image_and_channels_first(name):
    layer = getattr(layers, name)(seed=3, **KWARGS[name])
    alone = np.asarray(layer(IMAGES[0], training=True))
    again = np.asarray(getattr(layers, name)(seed=3, **KWARGS[name])(IMAGES[:1], training=True))
    np.testing.assert_array_equal(alone, again[0])
    if name in ("RandomErasing",):
        return  # its noise is drawn in the order of the channels
    first = getattr(layers, name)(seed=3, data_format="channels_first", **KWARGS[name])
    out = np.moveaxis(np.asarray(first(np.moveaxis(IMAGES[:1], -1, 1), training=True)), 1, -1)
    np.testing.assert_allclose(out, again, atol=2e-3)


def test_every_image_layer_is_tested_for_draws():
    drawing = {n for n, c in inspect.getmembers(layers) if isinstance(c, type) and issubclass(c, ImageLayer)}
    fixed = {row.layer.__name__ for row in ROWS} - set(KWARGS)
    assert drawing == set(KWARGS) | fixed


# ---- what goes along with images ----


BOXES = {"boxes": np.array([[[1, 1, 4, 3], [6, 2, 9, 8]]] * 4, "float32"), "labels": np.array([[0, 1]] * 4)}


def image_of(boxes, height=8, width=10):
    """Images with ones where the boxes are."""
    out = np.zeros((len(boxes), height, width, 1), "float32")
    for image, four in zip(out, boxes):
        for left, top, right, bottom in four.astype(int):
            image[top:bottom, left:right] = 1
    return out


MOVING = [
    ("RandomFlip", {}), ("RandomFlip", {"mode": "vertical"}),
    ("RandomTranslation", {"height_factor": 0.25, "width_factor": 0.2}),
    ("CenterCrop", {"height": 6, "width": 8}), ("RandomCrop", {"height": 6, "width": 8}),
    ("Resizing", {"height": 16, "width": 20}),
    ("Resizing", {"height": 16, "width": 16, "crop_to_aspect_ratio": True}),
    ("Resizing", {"height": 20, "width": 20, "pad_to_aspect_ratio": True}),
    ("RandomRotation", {"factor": [0.25, 0.25]}), ("RandomZoom", {"height_factor": [-0.5, -0.5]}),
    ("RandomShear", {"x_factor": 0.2}), ("RandomPerspective", {"scale": 0.3}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "kwargs"), MOVING, ids=[f"{n}-{i}" for i, (n, _) in enumerate(MOVING)])
def test_boxes_move_with_the_images(name, kwargs):
    """What was one in the image, and lies in it still, lies in the box."""
    extra = {"fill_mode": "constant"} if name in ("RandomTranslation", "RandomRotation", "RandomZoom",
                                                   "RandomShear") else {}
    one = {"boxes": BOXES["boxes"][:, 1:], "labels": BOXES["labels"][:, 1:]}
    layer = getattr(layers, name)(bounding_box_format="xyxy", **kwargs, **extra)
    out = layer({"images": image_of(one["boxes"]), "bounding_boxes": one}, training=True)
    seen = 0
    for image, (box,), (label,) in zip(np.asarray(out["images"]), np.asarray(out["bounding_boxes"]["boxes"]),
                                       np.asarray(out["bounding_boxes"]["labels"])):
        rows, columns = np.nonzero(image[:, :, 0] > 0.6)
        if len(rows) == 0:
            continue
        seen += 1
        assert label == 1
        found = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert np.all(np.abs(box - found) <= (1.6 if name in ("RandomShear", "RandomPerspective") else 1.01)), (
            box, found)
    assert seen > 0


def test_box_formats_and_empty_boxes():
    for name, boxes in (("xywh", [[6, 2, 3, 6]]), ("rel_yxyx", [[0.25, 0.6, 1.0, 0.9]])):
        layer = layers.CenterCrop(4, 4, bounding_box_format=name)
        data = {"images": np.zeros((8, 10, 1)), "bounding_boxes": {"boxes": np.array(boxes), "labels": np.array([5])}}
        out = layer(data)["bounding_boxes"]
        assert out["boxes"].shape == (1, 4) and np.asarray(out["labels"]).tolist() == [5]
    gone = layers.CenterCrop(2, 2, bounding_box_format="xyxy")(
        {"images": np.zeros((1, 8, 10, 1)), "bounding_boxes": {k: v[:1] for k, v in BOXES.items()}})
    assert np.asarray(gone["bounding_boxes"]["labels"]).tolist() == [[-1, -1]]
    with pytest.raises(ValueError, match="bounding_box_format"):
        layers.RandomFlip()({"images": IMAGES, "bounding_boxes": BOXES})
    with pytest.raises(ValueError, match="bounding_box_format"):
        layers.RandomFlip(bounding_box_format="corners")


@pytest.mark.parametrize("name", sorted(set(KWARGS) - {"MixUp", "CutMix"}))
def test_masks_keep_their_values(name):
    masks = np.random.default_rng(1).integers(0, 4, (4, 8, 10, 1)).astype("int32")
    data = {"images": IMAGES, "segmentation_masks": masks, "labels": np.arange(4), "other": np.arange(4)}
    out = getattr(layers, name)(seed=1, **KWARGS[name])(data, training=True)
    assert set(np.unique(out["segmentation_masks"])) <= {0, 1, 2, 3} and out["other"].shape == (4,)
    assert out["segmentation_masks"].shape[:3] == out["images"].shape[:3]
    assert np.asarray(out["labels"]).tolist() == [0, 1, 2, 3] and data["images"] is IMAGES


def test_masks_move_with_the_images():
    data = {"images": IMAGES.astype("float32"), "segmentation_masks": IMAGES.astype("float32")}
    for layer in (layers.RandomFlip(), layers.RandomRotation(0.3, interpolation="nearest"), layers.RandomCrop(4, 4),
                  layers.RandomElasticTransform(interpolation="nearest"), layers.CutMix(),
                  layers.RandomPerspective(interpolation="nearest")):
        out = layer(data, training=True)
        np.testing.assert_array_equal(out["images"], out["segmentation_masks"])


@pytest.mark.parametrize("make", [layers.MixUp, layers.CutMix])
def test_labels_are_mixed_as_images_are(make):
    images = np.eye(4, dtype="float32")[:, :, None, None] * np.ones((1, 4, 20, 20), "float32")
    layer = make(seed=5, data_format="channels_first")
    out = layer({"images": images, "labels": np.eye(4, dtype="float32")}, training=True)
    share = np.asarray(out["images"]).mean((2, 3))
    np.testing.assert_allclose(np.asarray(out["labels"]), share, atol=0.15 if make is layers.CutMix else 1e-5)
    assert np.any(share != np.eye(4))


def test_max_num_bounding_boxes():
    for number in (1, 3):
        out = layers.MaxNumBoundingBoxes(number, bounding_box_format="xyxy")(
            {"images": IMAGES, "bounding_boxes": BOXES})["bounding_boxes"]
        assert out["boxes"].shape == (4, number, 4) and out["labels"].shape == (4, number)
        assert np.asarray(out["labels"])[0].tolist() == [0, 1, -1][:number] if number == 3 else [0]
    with pytest.raises(NotImplementedError, match="CutMix"):
        layers.CutMix(bounding_box_format="xyxy")({"images": IMAGES, "bounding_boxes": BOXES}, training=True)


# ---- single layers ----


def test_integers_stay_integers_in_resizing():
    out = layers.Resizing(4, 4)(IMAGES)
    assert out.dtype == "uint8" and layers.Resizing(4, 4)(layers.Input((8, 10, 3), dtype="uint8")).dtype == "uint8"


def test_crop_shows_a_part():
    layer, places = layers.RandomCrop(3, 4, seed=1), set()
    index = np.arange(80, dtype="float32").reshape(1, 8, 10, 1)
    for _ in range(200):
        out = np.asarray(layer(index, training=True))[0, :, :, 0]
        start = int(out[0, 0])
        np.testing.assert_array_equal(out, start + 10 * np.arange(3)[:, None] + np.arange(4))
        places.add(start)
    assert len(places) == 42  # every one of 6 x 7 places
    assert layer(index, training=False).shape == (1, 3, 4, 1)
    assert layers.RandomCrop(20, 20)(index, training=True).shape == (1, 20, 20, 1)


def test_flips_are_even():
    x = np.tile(np.array([0.0, 1.0], "float32").reshape(1, 1, 2, 1), (2000, 1, 1, 1))
    out = np.asarray(layers.RandomFlip("horizontal", seed=1)(x, training=True))
    assert abs(out[:, 0, 0, 0].mean() - 0.5) < 0.05


def test_posterization_keeps_bits():
    out = np.asarray(layers.RandomPosterization((3, 3))(IMAGES, training=True)).astype(int)
    np.testing.assert_array_equal(out, IMAGES & 0b11100000)


@pytest.mark.parametrize(("make", "message"), [
    (lambda: layers.RandomFlip("sideways"), "mode"), (lambda: layers.RandomRotation(1.5), "factor"),
    (lambda: layers.RandomZoom(-1.0), "height_factor"), (lambda: layers.RandomZoom("x"), "height_factor"),
    (lambda: layers.RandomTranslation(0.1, [0.1, 0.2, 0.3]), "width_factor"),
    (lambda: layers.RandomContrast(-0.1), "factor"), (lambda: layers.CenterCrop(0, 3), "height"),
    (lambda: layers.RandomBrightness(0.1, value_range=3), "value_range"),
    (lambda: layers.RandomPosterization(9), "factor"),
    (lambda: layers.RandomGaussianBlur(kernel_size=2), "kernel_size"),
    (lambda: layers.Resizing(3, 3, interpolation="x"), "interpolation"),
    (lambda: layers.Resizing(3, 3, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "not both"),
])  # fmt: skip
def test_arguments_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_unknown_fill_modes_refused():
    with pytest.raises(NotImplementedError, match="fill_mode"):
        layers.RandomRotation(0.1, fill_mode="other")
    with pytest.raises(NotImplementedError, match="interpolation"):
        layers.RandomZoom(0.1, interpolation="bicubic")


def test_augmentation_in_a_model_and_in_a_dataset():
    augment = Sequential([layers.RandomFlip(seed=1), layers.RandomRotation(0.1, seed=2), layers.Rescaling(1 / 255)])
    model = Sequential([layers.Input((8, 10, 3)), augment, layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = IMAGES.astype("float32"), np.arange(4.0)
    model.fit(x, y, epochs=2, batch_size=2, verbose=0)
    np.testing.assert_allclose(model.predict(x, verbose=0), model.predict(x, verbose=0), rtol=1e-5)
    batches = Dataset.from_tensor_slices((x, y)).batch(2).map(lambda a, b: (augment(a, training=True), b))
    assert [a.shape for a, _ in batches] == [(2, 8, 10, 3)] * 2
    assert [a.shape for a in Dataset.from_tensor_slices(x).map(layers.RandomZoom(0.2))] == [(8, 10, 3)] * 4
