"""Preprocessing layers: the contract of all of them; numbers, categories and sounds."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from kerasish.data import Dataset, PyDataset
from kerasish.layers import (
    CategoryEncoding,
    Discretization,
    HashedCrossing,
    Hashing,
    IntegerLookup,
    MelSpectrogram,
    Normalization,
    Pipeline,
    Rescaling,
    STFTSpectrogram,
    StringLookup,
    TextVectorization,
)
from kerasish.layers.core.input_layer import Input
from kerasish.models import Model
from kerasish.saving import load_model
from tests.layers.contract import Row, contract

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import golden_io  # noqa: E402

WORDS = ("a", "b", "c d", "")
NUMBERS = dict(gradient=False, dtypes=())
MOMENTS = {"mean": [1.0, 0.5, -1.0], "variance": [4.0, 1.0, 0.25]}
ROWS = [
    Row(Rescaling, {"scale": 0.5, "offset": [1.0, 0.0, -1.0]}, (4, 3)),
    Row(Normalization, MOMENTS, (4, 3), wrong=(4, 2)),
    Row(Normalization, {"invert": True, **MOMENTS}, (4, 2, 3), id="invert"),
    Row(Normalization, {"axis": 1}, (4, 3, 2), weights=["mean", "variance", "count"], id="learned"),
    Row(Discretization, {"bin_boundaries": [-1.0, 0.0, 1.0]}, (4, 3), gradient=False),
    Row(Discretization, {"bin_boundaries": [-1.0, 1.0], "output_mode": "count"}, (4, 3), gradient=False, id="count"),
    Row(CategoryEncoding, {"num_tokens": 5}, (4, 3), integers=5, gradient=False),
    Row(CategoryEncoding, {"num_tokens": 5, "output_mode": "one_hot"}, (4, 1), integers=5, gradient=False, id="hot"),
    Row(CategoryEncoding, {"num_tokens": 5, "output_mode": "count"}, (4, 3, 2), integers=5, gradient=False, id="3d"),
    Row(Hashing, {"num_bins": 7, "salt": 3, "mask_value": ""}, (4, 3), strings=WORDS, **NUMBERS),
    Row(Hashing, {"num_bins": 7, "output_mode": "multi_hot"}, (4, 3), integers=9, eager=True, id="hot", **NUMBERS),
    Row(HashedCrossing, {"num_bins": 7}, [(4, 1), (4, 1)], strings=WORDS, wrong=[(4, 2), (4, 2)], **NUMBERS),
    Row(HashedCrossing, {"num_bins": 7, "output_mode": "one_hot"}, [(4,), (4,)], strings=WORDS, id="hot", **NUMBERS),
    Row(StringLookup, {"vocabulary": ["b", "a"], "num_oov_indices": 2, "salt": [1, 2]}, (4, 3), strings=WORDS,
        **NUMBERS),
    Row(StringLookup, {"vocabulary": ["a"], "idf_weights": [0.5], "output_mode": "tf_idf"}, (4, 3), strings=WORDS,
        id="idf", **NUMBERS),
    Row(IntegerLookup, {"vocabulary": [3, 5], "mask_token": 0}, (4, 3), integers=9, **NUMBERS),
    Row(IntegerLookup, {"vocabulary": [3, 5], "invert": True}, (4, 3), integers=9, id="invert", **NUMBERS),
    Row(IntegerLookup, {"vocabulary": [3, 5], "output_mode": "count"}, (4, 3), integers=9, id="count", **NUMBERS),
    Row(TextVectorization, {"output_sequence_length": 3, "ngrams": 2, "vocabulary": ["a", "c d"]}, (4, 1),
        strings=WORDS, **NUMBERS),
    Row(TextVectorization, {"max_tokens": 9, "pad_to_max_tokens": True, "output_mode": "count"}, (4,), strings=WORDS,
        id="count", **NUMBERS),
    Row(MelSpectrogram, {"fft_length": 16, "sequence_stride": 6, "num_mel_bins": 3}, (2, 30), rtol=5e-2),
    Row(STFTSpectrogram, {"frame_length": 8, "mode": "magnitude"}, (2, 30, 2),
        weights=["real_kernel", "imag_kernel"], wrong=(2, 30)),
    Row(STFTSpectrogram, {"frame_length": 8, "frame_step": 3, "mode": "imag", "expand_dims": True, "padding": "same"},
        (2, 30, 1), weights=["imag_kernel"], id="imag"),
    Row(Pipeline, lambda: {"layers": [Rescaling(0.5), layers.CenterCrop(3, 3)]}, (2, 5, 5, 1), gradient=False,
        dtypes=()),
]


@contract(ROWS)
def test_contract(row, check):
    check(row)


@pytest.mark.parametrize("row", golden_io.load("spectrograms"), ids=lambda row: row["class"])
def test_spectrograms_are_those_of_keras(row):
    layer = getattr(layers, row["class"])(**row["kwargs"])
    out = layer(row["x"])
    golden_io.assert_close(np.asarray(out), row["out"], 2e-5)
    assert layer.compute_output_shape(row["x"].shape) == out.shape


DATA = np.random.default_rng(0).normal([1, -2, 5], [1, 2, 3], (50, 3)).astype("float32")


class Batches(PyDataset):
    """DATA and targets in two batches."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        return DATA[25 * index : 25 * index + 25], np.zeros(25)


@pytest.mark.parametrize("data", [
    DATA, ops.convert_to_tensor(DATA), Dataset.from_tensor_slices(DATA).batch(7),
    Dataset.from_tensor_slices((DATA, np.arange(50))).batch(7), Batches(), [DATA[:30], DATA[30:]],
], ids=["array", "tensor", "dataset", "pairs", "py_dataset", "list"])
def test_normalization_adapts(data):
    layer = Normalization()
    layer.adapt(data)
    np.testing.assert_allclose(layer.adapt_mean, DATA.mean(0), rtol=1e-5)
    np.testing.assert_allclose(layer.adapt_variance, DATA.var(0), rtol=1e-5)
    out = np.asarray(layer(DATA))
    np.testing.assert_allclose(out.mean(0), 0, atol=1e-5)
    np.testing.assert_allclose(Normalization(mean=DATA.mean(0), variance=DATA.var(0), invert=True)(out), DATA,
                               rtol=1e-4, atol=1e-4)


def test_normalization_of_everything():
    layer = Normalization(axis=None)
    layer.adapt(DATA)
    assert layer.adapt_mean.shape == () and abs(float(layer.adapt_mean) - DATA.mean()) < 1e-5


@pytest.mark.parametrize("kwargs", [{"mean": 1.0}, {"mean": [1.0], "variance": [1.0, 2.0]},
                                    {"mean": [1.0], "variance": [1.0], "axis": None}])
def test_normalization_refuses_arguments(kwargs):
    with pytest.raises(ValueError, match="mean"):
        Normalization(**kwargs)


def test_normalization_refuses_data():
    with pytest.raises(ValueError, match="cannot adapt"):
        Normalization(mean=0.0, variance=1.0).adapt(DATA)
    layer = Normalization(name="at_fault")
    layer.adapt(DATA)
    with pytest.raises(ValueError, match="at_fault.*shape"):
        layer.adapt(DATA[:, :2])
    with pytest.raises(ValueError, match="no batches"):
        Normalization().adapt([])
    with pytest.raises(ValueError, match="All `axis` values to be kept apart need a known length"):
        Normalization()(Input((None,)))


def test_discretization_learns_quantiles():
    values = np.random.default_rng(1).uniform(0, 10, 4000).astype("float32")
    layer = Discretization(num_bins=4, epsilon=0.005)
    layer.adapt(Dataset.from_tensor_slices(values).batch(500))
    np.testing.assert_allclose(layer.bin_boundaries, [2.5, 5.0, 7.5], atol=0.2)
    again = Discretization.from_config(layer.get_config())
    np.testing.assert_array_equal(again(values), layer(values))
    np.testing.assert_allclose(np.bincount(np.asarray(layer(values))) / 4000, 0.25, atol=0.02)


def test_discretization_refuses():
    with pytest.raises(ValueError, match="either"):
        Discretization()
    with pytest.raises(ValueError, match="cannot adapt"):
        Discretization(bin_boundaries=[0.0]).adapt(DATA)
    with pytest.raises(ValueError, match="no bins yet"):
        Discretization(num_bins=3)(DATA)


def test_category_encoding_refuses():
    layer = CategoryEncoding(3, name="at_fault")
    for wrong in ([[0, 3]], [[-1, 0]]):
        with pytest.raises(ValueError, match="at_fault.*num_tokens"):
            layer(np.array(wrong))
    with pytest.raises(ValueError, match="count_weights"):
        layer(np.array([[0]]), count_weights=np.array([[1.0]]))
    with pytest.raises(ValueError, match="num_tokens"):
        CategoryEncoding()
    with pytest.raises(ValueError, match="sparse"):
        CategoryEncoding(3, sparse=True)


def test_lookup_in_a_model(tmp_path):
    lookup = IntegerLookup(output_mode="count")
    lookup.adapt(np.array([7, 7, 9, 12]))
    x = Input((2,), dtype="int64")
    model = Model(x, layers.Dense(1)(lookup(x)))
    data = np.array([[7, 9], [1, 12]])
    model.save(tmp_path / "model.keras")
    again = load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(again.predict(data, verbose=0), model.predict(data, verbose=0))


def test_pipeline_passes_training_on():
    pipeline = Pipeline([layers.RandomBrightness([0.5, 0.5]), Rescaling(2.0)])
    x = np.full((1, 2, 2, 1), 10.0, "float32")
    np.testing.assert_allclose(pipeline(x, training=False), 20.0)
    np.testing.assert_allclose(pipeline(x, training=True), 275.0)
    assert [b.shape for b in Dataset.from_tensor_slices(x).batch(1).map(pipeline)] == [(1, 2, 2, 1)]
    with pytest.raises(ValueError, match="layers"):
        Pipeline.from_config({"name": "p"})


@pytest.mark.parametrize("kwargs", [{"mode": "loud"}, {"frame_step": 300}, {"fft_length": 100}, {"padding": "causal"},
                                    {"scaling": "other"}, {"window": "none_such"}])
def test_spectrogram_refuses(kwargs):
    with pytest.raises(ValueError, match=next(iter(kwargs))):
        STFTSpectrogram(**kwargs)


def test_rescaling_by_arrays():
    layer = Rescaling(np.array([1.0, 2.0, 3.0]), np.float32(1))
    x = np.ones((2, 3, 4, 5), "float32")
    keras.config.set_image_data_format("channels_first")
    try:
        np.testing.assert_array_equal(layer(x)[0, :, 0, 0], [2, 3, 4])
    finally:
        keras.config.set_image_data_format("channels_last")
    twin = layers.deserialize(json.loads(json.dumps(layers.serialize(layer))))
    np.testing.assert_array_equal(twin([[1.0, 1.0, 1.0]]), [[2, 3, 4]])


def test_numbers_and_lists_of_them_are_taken():
    assert float(Rescaling(2.0)(3)) == 6
    np.testing.assert_array_equal(Discretization(bin_boundaries=[0.0, 1.0])([[-1, 0.5, 2]]), [[0, 1, 2]])


def test_adapting_to_what_has_no_shape():
    with pytest.raises(TypeError, match="`.shape`"):
        Normalization().adapt(iter([42]))


def test_spectrograms_are_of_floats():
    with pytest.raises(TypeError, match="floating-point"):
        keras.layers.STFTSpectrogram(frame_length=4)(np.ones((1, 9, 1), "int32"))
