"""One-hot labels, unit vectors, padding, batches, images and named values."""

import copy
import io
import json
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import kerasish as keras
from kerasish.utils import config
from kerasish.utils.arguments import pack_x_y_sample_weight, unpack_x_y_sample_weight
from kerasish.utils.image import array_to_img, img_to_array, load_img, save_img
from kerasish.utils.named_values import Config
from kerasish.utils.numerical import normalize, to_categorical
from kerasish.utils.sequence import pad_sequences


@given(hnp.arrays("int64", hnp.array_shapes(max_dims=3, max_side=4), elements=st.integers(0, 6)))
def test_one_hot_rows_point_at_their_class(labels):
    out = to_categorical(labels, 7)
    expected = labels[..., 0] if labels.ndim > 1 and labels.shape[-1] == 1 else labels
    assert out.shape == (*expected.shape, 7)
    assert out.dtype == "float64"
    np.testing.assert_array_equal(out.argmax(-1), expected)
    np.testing.assert_array_equal(out.sum(-1), 1)


def test_one_hot_counts_the_classes_itself():
    assert to_categorical([0, 3]).tolist() == [[1, 0, 0, 0], [0, 0, 0, 1]]
    assert to_categorical(2).tolist() == [0, 0, 1]
    assert to_categorical([], 3).shape == (0, 3)
    for labels in ([5], [-1]):
        with pytest.raises(ValueError, match="class numbers from 0 to 2"):
            to_categorical(labels, 3)


def test_tensors_stay_tensors():
    rows = keras.utils.to_categorical(keras.ops.array([[2], [0]]), 3)
    assert keras.ops.is_tensor(rows) and np.array(rows).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert keras.utils.to_categorical(keras.ops.array([1, 0])).tolist() == [[0, 1], [1, 0]]
    assert keras.utils.to_categorical(keras.KerasTensor((None, 1)), 3).shape == (None, 3)
    units = keras.utils.normalize(keras.ops.array([[3.0, 4.0], [0.0, 0.0]]))
    assert keras.ops.is_tensor(units) and np.allclose(units, [[0.6, 0.8], [0.0, 0.0]])
    assert isinstance(keras.utils.normalize([[3.0, 4.0]]), np.ndarray)


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("order", [1, 2, 3, np.inf])
def test_normalized_vectors_have_norm_one(axis, order):
    x = np.random.RandomState(0).normal(size=(3, 4, 5)).astype("float32")
    x[:, 1, :] = 0
    out = normalize(x, axis=axis, order=order)
    assert (out.shape, out.dtype) == (x.shape, x.dtype)
    norms = np.linalg.norm(out, order, axis)
    np.testing.assert_allclose(norms, np.linalg.norm(x, order, axis) != 0, rtol=1e-6)
    np.testing.assert_allclose(normalize([3, 4]), [0.6, 0.8])


ragged = st.lists(st.lists(st.integers(-99, 99), max_size=6), max_size=6)
side = st.sampled_from(["pre", "post"])


@given(ragged, st.none() | st.integers(0, 5), side, side)
def test_padding(sequences, maxlen, padding, truncating):
    out = pad_sequences(sequences, maxlen, padding=padding, truncating=truncating, value=7)
    steps = max(map(len, sequences), default=0) if maxlen is None else maxlen
    assert (out.shape, out.dtype) == ((len(sequences), steps), "int32")
    for row, sequence in zip(out.tolist(), sequences):
        kept = sequence[max(len(sequence) - steps, 0) :] if truncating == "pre" else sequence[:steps]
        fill = [7] * (steps - len(kept))
        assert row == (fill + kept if padding == "pre" else kept + fill)


def test_padding_of_vectors_and_strings():
    out = pad_sequences([[[1, 2]], [], [[3, 4], [5, 6]]], dtype="float32")
    assert out.tolist() == [[[0, 0], [1, 2]], [[0, 0], [0, 0]], [[3, 4], [5, 6]]]
    assert pad_sequences([["a", "bc"], ["d"]], dtype=object, value="-").tolist() == [["a", "bc"], ["-", "d"]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sequences": 5}, "holds sequences, in a list, got int"),
        ({"sequences": [[1], 2]}, "item 1 is 2"),
        ({"sequences": [[1]], "padding": "left"}, "padding must be 'pre' or 'post', got 'left'"),
        ({"sequences": [[1]], "truncating": "left"}, "truncating must be"),
        ({"sequences": [[1]], "value": "x"}, "use dtype=object"),
        ({"sequences": [[[1, 2]], [[1]]]}, r"sequence 1 have shape \(1,\), expected \(2,\)"),
    ],
)
def test_padding_of_wrong_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        pad_sequences(**arguments)


def test_batches():
    assert pack_x_y_sample_weight(1) == 1
    assert pack_x_y_sample_weight([1, 2]) == ([1, 2],)
    for batch in ((1, 2), (1, 2, 3), ([1, 2],)):
        unpacked = unpack_x_y_sample_weight(batch)
        assert unpacked == (*batch, None, None)[:3]
        assert pack_x_y_sample_weight(*unpacked) == batch
    assert unpack_x_y_sample_weight({"a": 1}) == ({"a": 1}, None, None)
    for batch in ((), (1, 2, 3, 4)):
        with pytest.raises(ValueError, match=f"tuple of {len(batch)} items"):
            unpack_x_y_sample_weight(batch)


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_images_survive_a_file(tmp_path, channels, data_format):
    x = np.random.RandomState(0).randint(0, 256, (5, 4, channels)).astype("float32")
    x = x if data_format == "channels_last" else x.transpose(2, 0, 1)
    path = tmp_path / "x.png"
    save_img(path, x, data_format=data_format, scale=False)
    mode = {1: "grayscale", 3: "rgb", 4: "rgba"}[channels]
    for source in (path, str(path), io.BytesIO(path.read_bytes())):
        out = img_to_array(load_img(source, color_mode=mode), data_format=data_format)
        assert out.dtype == "float32"
        np.testing.assert_array_equal(out, x)


def test_image_scaling_and_dtypes():
    x = np.array([[[-1.0], [0.0], [1.0]]])
    assert np.asarray(array_to_img(x)).tolist() == [[0, 127, 255]]
    assert np.asarray(array_to_img(np.zeros((1, 2, 1)))).tolist() == [[0, 0]]
    deep = array_to_img(np.array([[[1000.0]]]), scale=False)
    assert (deep.mode, np.asarray(deep).item()) == ("I", 1000)
    config.set_floatx("bfloat16")
    try:
        assert img_to_array(np.ones((2, 2))).dtype == "bfloat16"
        assert array_to_img(x).size == (3, 1)
    finally:
        config.reset()


def test_image_resizing(tmp_path):
    x = np.zeros((4, 8, 3))
    x[:, 2:6] = 255
    path = tmp_path / "x.png"
    save_img(path, x, scale=False)
    assert load_img(path, target_size=(2, 6)).size == (6, 2)
    middle = img_to_array(load_img(path, target_size=(2, 2), keep_aspect_ratio=True))
    assert middle.shape == (2, 2, 3)
    assert middle.min() == 255


def test_jpeg_drops_transparency(tmp_path):
    with pytest.warns(UserWarning, match="no transparency"):
        save_img(tmp_path / "x.jpg", np.zeros((2, 2, 4)))
    assert load_img(tmp_path / "x.jpg").mode == "RGB"


def test_wrong_images(tmp_path):
    with pytest.raises(ValueError, match=r"three axes, got shape \(2, 2\)"):
        array_to_img(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="1, 3 or 4 channels, got 2"):
        array_to_img(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="two or three axes"):
        img_to_array(np.zeros(3))
    with pytest.raises(ValueError, match="color_mode must be"):
        load_img("x.png", color_mode="cmyk")
    with pytest.raises(ValueError, match="interpolation must be"):
        load_img("x.png", interpolation="cubic")
    with pytest.raises(TypeError, match="a path or a BytesIO, got int"):
        load_img(3)
    with pytest.raises(FileNotFoundError):
        load_img(tmp_path / "none.png")


def test_config_holds_named_values():
    values = Config(rate=0.1)
    values.steps = 3
    values["keys"] = 1
    assert (values.rate, values["steps"], values.get("none", 5), list(values)) == (0.1, 3, 5, ["keys", "rate", "steps"])
    assert values.as_dict() == json.loads(values.to_json()) == {"rate": 0.1, "steps": 3, "keys": 1}
    assert copy.deepcopy(values) == values == pickle.loads(pickle.dumps(values))
    values.freeze()
    for change in (lambda: values.update(rate=1), lambda: values.pop("rate"), lambda: setattr(values, "rate", 1)):
        with pytest.raises(ValueError, match="'rate' cannot be changed"):
            change()
    values.unfreeze()
    assert values.pop("rate") == 0.1
    with pytest.raises(AttributeError, match="no entry 'step'; did you mean 'steps'"):
        values.step  # noqa: B018
    with pytest.raises(AttributeError, match="a name of the class"):
        values.keys = 2
