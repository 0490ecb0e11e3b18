"""Layers for strings: hashes, vocabularies, texts, and models that are fed with strings."""

import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.core.tensor import Tensor
from kerasish.data import Dataset
from kerasish.layers import HashedCrossing, Hashing, IntegerLookup, StringLookup, TextVectorization
from kerasish.layers.core.input_layer import Input
from kerasish.layers.preprocessing.fingerprint import crossed, fingerprint, siphash
from kerasish.models import Model, Sequential
from kerasish.saving import load_model, register_keras_serializable

sys.path.insert(0, str(Path(__file__).parents[1] / "golden"))
import golden_io  # noqa: E402

HASHES, *ROWS_OF_TEXT = golden_io.load("texts")
TEXTS = np.array(["the cat sat", "a dog ran fast", "the dog sat", "a cat ran"] * 4, dtype=object)
LABELS = np.array([0, 1, 0, 1] * 4)


# ---- hashes ----


@pytest.mark.parametrize("i", range(len(HASHES["strings"])), ids=lambda i: f"{len(HASHES['strings'][i].encode())}B")
def test_hashes_are_those_of_tensorflow(i):
    data, size = HASHES["strings"][i].encode(), 1 << 62
    assert fingerprint(data) % size == HASHES["fast"][i]
    for strong in HASHES["strong"]:
        assert siphash(data, tuple(strong["key"])) % size == strong["hash"][i]
    assert crossed([fingerprint(data), i - 3]) % size == HASHES["crossed"][i]


def test_siphash_vector_of_the_paper():
    key = tuple(int.from_bytes(bytes(range(n, n + 8)), "little") for n in (0, 8))
    assert siphash(bytes(range(15)), key) == 0xA129CA6149BE45E5


def test_hashing_of_numbers_and_strings_agrees():
    layer = Hashing(11)
    as_text = np.asarray(layer(np.array(["3", "-7"])))
    for numbers in (np.array([3, -7]), ops.convert_to_tensor([3, -7]), np.array([3.9, -7.2])):
        np.testing.assert_array_equal(layer(numbers), as_text)
    assert layer(numbers).dtype == "int64"


@pytest.mark.parametrize("kwargs", [{"num_bins": 0}, {"num_bins": 3, "salt": "s"}, {"num_bins": 3, "output_mode": "x"},
                                    {"num_bins": 3, "dtype": "float32"}, {"num_bins": 3, "sparse": True}])
def test_hashing_refuses(kwargs):
    with pytest.raises(ValueError, match=list(kwargs)[-1]):
        Hashing(**kwargs)


def test_crossing_refuses():
    layer = HashedCrossing(5, name="at_fault")
    for wrong in (["a"], [np.array(["a"]), np.array(["a", "b"])], [np.zeros((2, 2), int)] * 2, [np.zeros(2)] * 2):
        with pytest.raises(ValueError, match="at_fault"):
            layer(wrong)


# ---- vocabularies ----


@pytest.mark.parametrize("row", ROWS_OF_TEXT, ids=[f"{r['class']}-{i}" for i, r in enumerate(ROWS_OF_TEXT)])
def test_rows_of_keras(row):
    kwargs = {k: tuple(v) if k == "ngrams" and isinstance(v, list) else v for k, v in row["kwargs"].items()}
    layer = getattr(layers, row["class"])(**kwargs)
    layer.adapt(row["adapt"])
    assert layer.get_vocabulary() == row["vocabulary"] and layer.vocabulary_size() == len(row["vocabulary"])
    out = layer(row["x"])
    assert isinstance(out, Tensor) and out.dtype == row["out"].dtype
    golden_io.assert_close(np.asarray(out), row["out"])


@pytest.mark.parametrize("make", [
    lambda: np.array(["b", "a", "b", "c"]), lambda: ["b", "a", "b", "c"], lambda: [b"b", b"a", b"b", b"c"],
    lambda: Dataset.from_tensor_slices(np.array(["b", "a", "b", "c"])).batch(3),
    lambda: (batch for batch in (["b", "a"], ["b", "c"])),
], ids=["array", "list", "bytes", "dataset", "generator"])
def test_vocabulary_is_learned_from(make):
    layer = StringLookup()
    layer.adapt(make())
    assert layer.get_vocabulary() == ["[UNK]", "b", "c", "a"]
    assert layer.get_vocabulary(include_special_tokens=False) == ["b", "c", "a"]
    text = TextVectorization()
    text.adapt(make())
    assert text.get_vocabulary() == ["", "[UNK]", "b", "c", "a"]


def test_adapt_forgets_and_takes_steps():
    layer = StringLookup()
    layer.adapt(["x", "y"])
    layer.adapt(Dataset.from_tensor_slices(np.array(["a", "b"])).batch(1).repeat(), steps=2)
    assert sorted(layer.get_vocabulary()) == ["[UNK]", "a", "b"]


def test_lookup_there_and_back():
    there, back = StringLookup(vocabulary=["a", "b"]), StringLookup(vocabulary=["a", "b"], invert=True)
    out = back(there(np.array([["a", "z"], ["b", "a"]])))
    assert out.tolist() == [["a", "[UNK]"], ["b", "a"]]
    assert back(np.array([-5, 1, 99])).tolist() == ["[UNK]", "a", "[UNK]"]
    there, back = IntegerLookup(vocabulary=[12, 36]), IntegerLookup(vocabulary=[12, 36], invert=True)
    assert np.asarray(back(there(np.array([36, 5, 12])))).tolist() == [36, -1, 12]


def test_vocabulary_from_a_file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("b\u2028c\nü\n", encoding="utf-8")
    layer = StringLookup(vocabulary=str(path))
    assert layer.get_vocabulary() == ["[UNK]", "b\u2028c", "ü"]
    assert layer.get_config()["vocabulary"] is None
    with pytest.raises(ValueError, match="refusing"):
        StringLookup.from_config({**layer.get_config(), "vocabulary": str(path)})
    with pytest.raises(ValueError, match="no vocabulary file"):
        StringLookup(vocabulary=str(tmp_path / "none.txt"))


@pytest.mark.parametrize(("kwargs", "message"), [
    ({"vocabulary": ["a", "a"]}, "more than once"), ({"vocabulary": []}, "empty"), ({"max_tokens": 1}, "max_tokens"),
    ({"vocabulary": ["a", "b"], "max_tokens": 2}, "max_tokens"), ({"num_oov_indices": -1}, "num_oov_indices"),
    ({"vocabulary": ["a", "m"], "mask_token": "m"}, "reserved"), ({"pad_to_max_tokens": True}, "max_tokens"),
    ({"vocabulary": ["a", "[UNK]"], "invert": True}, "reserved"), ({"output_mode": "other"}, "output_mode"),
    ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "idf_weights"), ({"sparse": True}, "sparse"),
    ({"vocabulary": ["a"], "idf_weights": [1.0]}, "idf_weights"), ({"invert": True, "output_mode": "count"}, "invert"),
    ({"vocabulary": ["a"], "idf_weights": [1.0, 2.0], "output_mode": "tf_idf"}, "one number"), ({"salt": 1.5}, "salt"),
])  # fmt: skip
def test_lookup_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        StringLookup(**kwargs)


def test_lookup_refuses_inputs():
    known = StringLookup(vocabulary=["a"], num_oov_indices=0, name="at_fault")
    assert np.asarray(known(["a"])).tolist() == [0]
    with pytest.raises(ValueError, match="at_fault.*num_oov_indices"):
        known(["z"])
    with pytest.raises(TypeError, match="at_fault.*strings"):
        known(np.array([1, 2]))
    with pytest.raises(ValueError, match="at_fault.*different lengths"):
        known([["a"], ["a", "a"]])
    numbers = IntegerLookup(vocabulary=[3], num_oov_indices=0, name="at_fault")
    with pytest.raises(ValueError, match="at_fault.*num_oov_indices"):
        numbers(np.array([3, 4]))
    with pytest.raises(TypeError, match="at_fault.*integers"):
        numbers(np.array([3.0]))
    with pytest.raises(RuntimeError, match="no vocabulary"):
        StringLookup(output_mode="count")(["a"])
    with pytest.raises(ValueError, match="cannot adapt"):
        known.adapt(["a"])


def test_length_of_vectors_is_fixed():
    layer = StringLookup(output_mode="count")
    layer.adapt(["a", "b"])
    with pytest.raises(RuntimeError, match="cannot change"):
        layer.adapt(["a", "b", "c"])


# ---- texts ----


def test_functions_for_standardize_and_split():
    layer = TextVectorization(standardize=lambda x: np.char.replace(np.char.upper(x), "!", ""),
                              split=lambda x: [s.split("-") for s in x], output_sequence_length=3)
    layer.adapt(["ä-b!", "b"])
    assert layer.get_vocabulary() == ["", "[UNK]", "B", "Ä"]
    assert np.asarray(layer([["B-ä"], ["z"]])).tolist() == [[2, 3, 0], [1, 0, 0]]


@register_keras_serializable("tests")
def shout(x):
    return np.char.upper(x)


def test_functions_are_saved_by_name(tmp_path):
    layer = TextVectorization(standardize=shout, vocabulary=["A", "B"])
    model = Sequential([Input((1,), dtype="string"), layer])
    model.save(tmp_path / "m.keras")
    again = load_model(tmp_path / "m.keras")
    assert again.predict(np.array(["a b"]), verbose=0).tolist() == [[2, 3]]


def test_one_text_and_texts_in_a_table():
    layer = TextVectorization(vocabulary=["a", "b"])
    assert np.asarray(layer("b a z")).tolist() == [3, 2, 1]
    assert np.asarray(layer(np.array([[["a"], ["b b"]]]))).tolist() == [[[2, 0], [3, 3]]]
    with pytest.raises(ValueError, match="last axis"):
        layer(np.array([["a", "b"]]))


def test_text_output_lengths():
    layer = TextVectorization(vocabulary=["a", "b"], output_sequence_length=2)
    assert np.asarray(layer(["a b a", ""])).tolist() == [[2, 3], [0, 0]]
    assert layer(Input((), dtype="string")).shape == layer(Input((1,), dtype="string")).shape == (None, 2)
    assert layer(Input((1,), dtype="string")).dtype == "int64"
    hot = TextVectorization(vocabulary=["a"], output_mode="multi_hot")
    assert hot(Input((1,), dtype="string")).shape == (None, 2)


@pytest.mark.parametrize(("kwargs", "message"), [
    ({"standardize": "other"}, "standardize"), ({"split": 3}, "split"), ({"ngrams": 0}, "ngrams"),
    ({"ngrams": "2"}, "ngrams"), ({"output_mode": "count", "output_sequence_length": 3}, "output_sequence_length"),
    ({"output_sequence_length": -1}, "output_sequence_length"), ({"ragged": True}, "ragged"),
])
def test_text_vectorization_refuses(kwargs, message):
    with pytest.raises(ValueError, match=message):
        TextVectorization(**kwargs)


# ---- models fed with strings ----


def text_model(layer, shape, kind):
    embed = [layers.Embedding(layer.vocabulary_size(), 8), layers.GlobalAveragePooling1D()]
    stack = [layer, *embed, layers.Dense(1, activation="sigmoid")]
    if kind == "sequential":
        model = Sequential([Input(shape, dtype="string"), *stack])
    else:
        x = source = Input(shape, dtype="string")
        for part in stack:
            x = part(x)
        model = Model(source, x)
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    return model


@pytest.mark.parametrize("kind", ["sequential", "functional"])
@pytest.mark.parametrize("shape", [(), (1,)])
def test_model_is_fed_with_strings(kind, shape, tmp_path):
    layer = TextVectorization(output_sequence_length=5)
    layer.adapt(TEXTS)
    model = text_model(layer, shape, kind)
    before = model.evaluate(TEXTS, LABELS, verbose=0)[0]
    for texts in (TEXTS, TEXTS.astype(str), TEXTS[:, None]):
        model.fit(texts, LABELS, epochs=3, batch_size=4, verbose=0)
    assert model.evaluate(TEXTS, LABELS, verbose=0)[0] < before
    out = model.predict(TEXTS.reshape(-1, *shape), verbose=0)
    assert out.shape == (16, 1)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras").predict(TEXTS, verbose=0), out)


def test_learned_weights_of_words_are_saved(tmp_path):
    layer = TextVectorization(output_mode="tf_idf")
    layer.adapt(TEXTS)
    model = Sequential([layer, layers.Dense(1)])
    out = model.predict(TEXTS, verbose=0)
    model.save(tmp_path / "model.keras")
    np.testing.assert_array_equal(load_model(tmp_path / "model.keras").predict(TEXTS, verbose=0), out)


def test_line_break_in_a_token_is_not_lost(tmp_path):
    layer = TextVectorization(split=None, standardize=None)
    layer.adapt(["a\nb"])
    model = Sequential([Input((1,), dtype="string"), layer])
    with pytest.raises(ValueError, match="line break"):
        model.save(tmp_path / "model.keras")


def test_strings_inside_a_dataset():
    layer = TextVectorization(output_sequence_length=4)
    data = Dataset.from_tensor_slices((TEXTS, LABELS)).batch(8)
    layer.adapt(data.map(lambda x, y: x))
    batches = list(data.map(lambda x, y: (layer(x), y)))
    assert [x.shape for x, _ in batches] == [(8, 4)] * 2 and batches[0][0].dtype == "int64"
    model = Sequential([layers.Embedding(layer.vocabulary_size(), 2), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(data.map(lambda x, y: (layer(x), y)), verbose=0)
