"""Data sets from folders, arrays and series: against Keras's numbers, and against plain loops."""

import json
import re
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from kerasish.data import (
    Dataset,
    audio_dataset_from_directory,
    image_dataset_from_directory,
    split_dataset,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from kerasish.data.directory import index_directory
from kerasish.data.image_directory import _cropped, _padded, _resized
from kerasish.data.split import _sizes

GOLDEN = json.loads((Path(__file__).parent / "golden/data/batches.json").read_text())


@pytest.fixture
def texts(tmp_path):
    for name in GOLDEN["directories"][0]["files"]:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_text(f"{name} é")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    for i in range(10):
        path = tmp_path / "ab"[i % 2] / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (6 + i % 3, 8, 3), "uint8")).save(path)
    return tmp_path


@pytest.mark.parametrize("case", GOLDEN["directories"], ids=lambda c: f"{c['shuffle']}-{c['class_names']}")
def test_files_come_in_the_order_of_keras(case, texts):
    files, found = index_directory(
        str(texts), "inferred", (".txt",), case["class_names"], case["shuffle"], case["seed"], False, False
    )
    assert [str(Path(path).relative_to(texts)) for path in files.paths] == case["paths"]
    assert files.labels.tolist() == case["labels"]
    assert found == case["found"]


@pytest.mark.parametrize("case", GOLDEN["images"], ids=lambda c: f"{c['kind']}-{c['method']}-{c['size']}")
def test_images_are_resized_as_by_keras(case):
    size = tuple(case["size"])
    fit = {"plain": lambda img, size: img, "crop": _cropped, "pad": _padded}[case["kind"]]
    out = _resized(fit(np.array(case["image"], "float32"), size), size, case["method"])
    np.testing.assert_allclose(out, case["out"], atol=2e-3)


@pytest.mark.parametrize("case", GOLDEN["split_sizes"], ids=lambda c: f"{c['left']}-{c['right']}-{c['total']}")
def test_split_sizes_are_those_of_keras(case):
    arguments = case["left"], case["right"], case["total"]
    if isinstance(case["sizes"], str):
        with pytest.raises({"TypeError": TypeError, "ValueError": ValueError}[case["sizes"]]):
            _sizes(*arguments)
    else:
        assert list(_sizes(*arguments)) == case["sizes"]


# ----- texts


def test_texts(texts, capsys):
    data = text_dataset_from_directory(texts, batch_size=5, shuffle=False)
    assert capsys.readouterr().out == "Found 13 files belonging to 3 classes.\n"
    assert data.class_names == ["a", "b", "c d"]
    assert [Path(p).name for p in data.file_paths[:2]] == ["1.txt", "10.txt"]
    batches = list(data)
    assert [len(x) for x, _ in batches] == [5, 5, 3]
    x, y = batches[0]
    assert (x[0], x.dtype, y.dtype, y.tolist()) == ("a/1.txt é", object, "int32", [0] * 5)


def test_texts_without_labels_or_batches(texts):
    data = text_dataset_from_directory(texts, label_mode=None, batch_size=None, max_length=3, verbose=False)
    assert sorted(set(data)) == ["a/1", "a/2", "a/d", "a/x", "b/1", "b/2", "b/x", "c d"]
    assert data.class_names is None


def test_shuffled_texts_come_in_another_order_every_time_but_the_same_for_a_seed(texts):
    first, second = (text_dataset_from_directory(texts, seed=3, batch_size=4, verbose=False) for _ in range(2))
    orders = [[text for x, _ in data for text in x] for data in (first, first, second)]
    assert orders[0] != orders[1]
    assert orders[0] == orders[2]
    assert len(set(orders[0])) == 13


def test_the_order_of_grain_is_the_same_at_every_iteration(texts):
    data = text_dataset_from_directory(texts, seed=3, batch_size=4, format="grain", verbose=False)
    orders = [[text for x, _ in data for text in x] for _ in range(2)]
    assert orders[0] == orders[1] != sorted(orders[0])


@pytest.mark.parametrize("subset", ["training", "validation", "both"])
def test_subsets_do_not_overlap(texts, subset, capsys):
    data = text_dataset_from_directory(texts, validation_split=0.25, subset=subset, seed=1, batch_size=4)
    parts = data if subset == "both" else [data]
    sizes = [sum(len(x) for x, _ in part) for part in parts]
    assert sizes == {"training": [10], "validation": [3], "both": [10, 3]}[subset]
    paths = [path for part in parts for path in part.file_paths]
    assert len(paths) == len(set(paths))
    assert f"Using {sizes[-1]} files for" in capsys.readouterr().out


LABELS = {
    "int": ("int32", [1, 0, 1]),
    "binary": ("float32", [[1], [0], [1]]),
    "categorical": ("float32", [[0, 1], [1, 0], [0, 1]]),
}


@pytest.mark.parametrize("mode", LABELS)
def test_label_modes_with_given_labels(tmp_path, mode):
    for name in "xyz":
        (tmp_path / f"{name}.txt").write_text(name)
    dtype, expected = LABELS[mode]
    data = text_dataset_from_directory(tmp_path, labels=[1, 0, 1], label_mode=mode, shuffle=False, verbose=False)
    ((x, y),) = data
    assert (x.tolist(), y.dtype, y.tolist()) == (["x", "y", "z"], dtype, expected)
    assert data.class_names == ["0", "1"]


ERRORS = {
    "labels": (dict(labels="other"), "`labels` argument should be"),
    "label mode": (dict(label_mode="one"), "`label_mode` argument must be"),
    "format": (dict(format="np"), "`format` should be"),
    "names": (dict(labels=None, class_names=["a"]), 'only pass `class_names` if `labels="inferred"`, got labels=None'),
    "unknown names": (dict(class_names=["z"]), r"\['z'\] names folders that .* does not have"),
    "binary": (dict(label_mode="binary"), "label_mode='binary' tells two classes apart"),
    "count": (dict(labels=[1, 2]), "one label for each file in .* 2 labels for 13 files"),
    "fraction": (dict(validation_split=1.5, subset="both", seed=1), "above 0 and below 1, got 1.5"),
    "split alone": (dict(validation_split=0.5), "`subset` must be set"),
    "subset alone": (dict(subset="training"), "`validation_split` must be set"),
    "subset": (dict(subset="test", validation_split=0.5), "`subset` is one of 'training'"),
    "seed": (dict(subset="both", validation_split=0.5), "must provide a `seed`"),
    "too little": (dict(subset="validation", validation_split=0.01, seed=1), "No text files found .* for validation"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case, texts):
    arguments, message = ERRORS[case]
    with pytest.raises(ValueError, match=message):
        text_dataset_from_directory(texts, verbose=False, **arguments)


# ----- images


def test_images(images):
    data = image_dataset_from_directory(images, image_size=(4, 5), batch_size=4, shuffle=False, verbose=False)
    batches = list(data)
    assert [x.shape for x, _ in batches] == [(4, 4, 5, 3), (4, 4, 5, 3), (2, 4, 5, 3)]
    assert batches[0][0].dtype == "float32"
    assert np.concatenate([y for _, y in batches]).tolist() == [0] * 5 + [1] * 5
    whole = image_dataset_from_directory(images, image_size=(6, 8), batch_size=None, shuffle=False, verbose=False)
    np.testing.assert_array_equal(next(iter(whole))[0], np.asarray(Image.open(data.file_paths[0]), "float32"))


@pytest.mark.parametrize("mode, channels", [("grayscale", 1), ("rgb", 3), ("rgba", 4)])
def test_color_modes_and_formats(images, mode, channels):
    data = image_dataset_from_directory(
        images, labels=None, color_mode=mode, image_size=3, data_format="channels_first", verbose=False
    )
    assert next(iter(data)).shape == (10, channels, 3, 3)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (dict(image_size=(1, 2, 3)), "image_size must be"),
        (dict(color_mode="cmyk"), "`color_mode` must be one of 'rgb'"),
        (dict(interpolation="area"), "`interpolation` must be one of 'bilinear'"),
        (dict(crop_to_aspect_ratio=True, pad_to_aspect_ratio=True), "cannot both be true"),
    ],
)
def test_image_errors(images, arguments, message):
    with pytest.raises(ValueError, match=message):
        image_dataset_from_directory(images, **arguments)


def test_a_broken_image_is_named(images):
    (images / "a" / "0.png").write_bytes(b"no image")
    with pytest.raises(Exception, match="cannot identify image file"):
        list(image_dataset_from_directory(images, verbose=False))


# ----- audio


def write_wav(path, samples, rate=8000, width=2):
    path.parent.mkdir(exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(samples.astype({1: "u1", 2: "<i2"}[width]).tobytes())


def test_audio_is_filled_up(tmp_path):
    samples = {name: np.arange(2 * n).reshape(n, 2) * 1024 for name, n in (("a/1", 3), ("b/2", 5))}
    for name, array in samples.items():
        write_wav(tmp_path / f"{name}.wav", array)
    ((x, y),) = audio_dataset_from_directory(tmp_path, shuffle=False, verbose=False, sampling_rate=8000)
    assert (x.shape, x.dtype, y.tolist()) == ((2, 5, 2), "float32", [0, 1])
    np.testing.assert_array_equal(x[1], samples["b/2"] / 32768)
    np.testing.assert_array_equal(x[0, 3:], 0)
    (x,) = audio_dataset_from_directory(tmp_path, None, output_sequence_length=4, shuffle=False, verbose=False)
    assert x.shape == (2, 4, 2)
    np.testing.assert_array_equal(x[1], samples["b/2"][:4] / 32768)


def test_audio_errors(tmp_path):
    write_wav(tmp_path / "a" / "1.wav", np.zeros((2, 1)))
    with pytest.raises(ValueError, match="8000 samples a second, expected 16000"):
        list(audio_dataset_from_directory(tmp_path, sampling_rate=16000, verbose=False))
    write_wav(tmp_path / "a" / "1.wav", np.zeros((2, 1)), width=1)
    with pytest.raises(ValueError, match="8 bits, expected 16"):
        list(audio_dataset_from_directory(tmp_path, verbose=False))
    for arguments in ({"ragged": True}, {"sampling_rate": 0}, {"output_sequence_length": 1.5}):
        with pytest.raises(ValueError, match=next(iter(arguments))):
            audio_dataset_from_directory(tmp_path, **arguments)


# ----- split_dataset


def test_split_of_arrays():
    x, y = np.arange(10), np.arange(10) * 2
    left, right = split_dataset((x, y), left_size=0.8)
    assert [(a.item(), b.item()) for a, b in right] == [(8, 16), (9, 18)]
    assert (len(left), len(right)) == (8, 2)
    left, right = split_dataset([x, y], right_size=3, shuffle=True, seed=5)
    assert type(next(iter(left))) is tuple
    assert sorted(int(a) for part in (left, right) for a, _ in part) == list(range(10))
    again, _ = split_dataset([x, y], right_size=3, shuffle=True, seed=5)
    assert [int(a) for a, _ in again] == [int(a) for a, _ in left] != list(range(7))


def test_split_of_data_sets_keeps_their_batches():
    data = Dataset.from_tensor_slices({"a": np.arange(10)}).batch(4)
    left, right = split_dataset(data, left_size=5)
    assert [batch["a"].tolist() for batch in left] == [[0, 1, 2, 3], [4]]
    assert [batch["a"].tolist() for batch in right] == [[5, 6, 7, 8], [9]]
    left, _ = split_dataset(((np.full(2, i), i) for i in range(4)), left_size=0.5)
    assert [(x.tolist(), int(y)) for x, y in left] == [([0, 0], 0), ([1, 1], 1)]


def test_splits_of_samples_by_number():
    class Numbered:
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return np.full(2, i), {"label": i * 10}

    left, right = split_dataset(Numbered(), left_size=3)
    assert [(x.tolist(), int(y["label"])) for x, y in left] == [([0, 0], 0), ([1, 1], 10), ([2, 2], 20)]
    assert [int(y["label"]) for _, y in right] == [30]


@pytest.mark.parametrize(
    "dataset, arguments, error, message",
    [
        (np.arange(4), {}, ValueError, "needs left_size or right_size"),
        (3, dict(left_size=1), TypeError, "dataset must be an array"),
        ((np.arange(4), np.arange(3)), dict(left_size=1), ValueError, r"dataset\[0\] has 4, dataset\[1\] has 3"),
        (Dataset.range(3).repeat(), dict(left_size=1), ValueError, "without end"),
        (Dataset.range(0), dict(left_size=1), ValueError, "no elements"),
    ],
    ids=["sizes", "type", "lengths", "endless", "empty"],
)
def test_split_errors(dataset, arguments, error, message):
    with pytest.raises(error, match=message):
        split_dataset(dataset, **arguments)


# ----- time series


@settings(max_examples=100, deadline=None)
@given(
    steps=st.integers(4, 40),
    length=st.integers(1, 4),
    stride=st.integers(1, 3),
    rate=st.integers(1, 3),
    batch_size=st.sampled_from([None, 1, 3, 128]),
    bounds=st.tuples(st.none() | st.integers(0, 3), st.none() | st.integers(30, 39)),
    with_targets=st.booleans(),
    shuffle=st.booleans(),
)
def test_windows_are_those_of_a_plain_loop(steps, length, stride, rate, batch_size, bounds, with_targets, shuffle):
    start, end = bounds
    end = None if end is None or end >= steps else end
    data = np.arange(steps * 2).reshape(steps, 2)
    targets = np.arange(steps) * 10 if with_targets else None
    out = timeseries_dataset_from_array(
        data, targets, length, stride, rate, batch_size, shuffle, start_index=start, end_index=end
    )
    first, last = start or 0, end or steps
    expected = [
        (data[i : i + (length - 1) * rate + 1 : rate].tolist(), i * 10)
        for i in range(first, last, stride)
        if i + (length - 1) * rate < last and (i - first < last - first)
    ]
    elements = list(out) if batch_size is None else list(out.unbatch())
    found = [(e[0].tolist(), int(e[1])) if with_targets else (e.tolist(), None) for e in elements]
    if not with_targets:
        expected = [(window, None) for window, _ in expected]
    if shuffle:
        found, expected = sorted(found), sorted(expected)
    assert found == expected
    if batch_size is not None and elements:
        assert out.batch_size == batch_size


@pytest.mark.parametrize(
    "arguments",
    [dict(sequence_stride=0), dict(sampling_rate=10), dict(start_index=10), dict(end_index=11), dict(format="np")],
    ids=str,
)
def test_time_series_errors(arguments):
    with pytest.raises(ValueError, match=re.escape(next(iter(arguments)))):
        timeseries_dataset_from_array(np.arange(10), None, 2, **arguments)
