"""Data sets: the one in the package, and the readers of the others on small files of the same form."""

import gzip
import hashlib
import io
import json
import pickle
import tarfile

import numpy as np
import pytest

from kerasish import datasets
from kerasish.datasets import download, text, untrusted
from kerasish.utils import config
from kerasish.utils.files import keras_home


class Server:
    """A folder in place of the servers that the data comes from; `put` makes a loader expect the file."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.monkeypatch = folder, monkeypatch
        folder.mkdir()
        monkeypatch.setattr(download, "ORIGIN", folder.as_uri() + "/")

    def put(self, module, name, content, hash_name="_HASH"):
        (self.folder / name).write_bytes(content)
        if hash_name is not None:
            self.monkeypatch.setattr(module, hash_name, hashlib.sha256(content).hexdigest())
        if hasattr(module, "_ORIGIN"):
            self.monkeypatch.setattr(module, "_ORIGIN", (self.folder / name).as_uri())


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return Server(tmp_path / "server", monkeypatch)


def _npz(**arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def _ragged(*rows):
    return text.as_objects([list(row) for row in rows])


def test_digits():
    (x_train, y_train), (x_test, y_test) = datasets.digits.load_data()
    assert (x_train.shape, y_train.shape) == ((1437, 8, 8, 1), (1437,))
    assert (x_test.shape, y_test.shape) == ((360, 8, 8, 1), (360,))
    x, y = np.concatenate([x_train, x_test]), np.concatenate([y_train, y_test])
    assert (x.dtype, y.dtype, x.min(), x.max()) == ("uint8", "uint8", 0, 16)
    assert len(np.unique(x.reshape(1797, -1), axis=0)) == 1797
    shares = np.bincount(y_test) / np.bincount(y)
    assert np.all(np.abs(shares - 360 / 1797) < 0.003)
    # A nearest neighbour in the training part knows the digit: images and labels belong together.
    flat_train, flat_test = (part.reshape(len(part), -1).astype("float32") for part in (x_train, x_test))
    distances = ((flat_test[:, None] - flat_train[None]) ** 2).sum(-1)
    assert np.mean(y_train[distances.argmin(1)] == y_test) > 0.97


def test_mnist(server):
    arrays = {"x_train": np.zeros((3, 28, 28), "uint8"), "y_train": np.arange(3, dtype="uint8")}
    arrays |= {"x_test": np.ones((2, 28, 28), "uint8"), "y_test": np.arange(2, dtype="uint8")}
    server.put(datasets.mnist, "mnist.npz", _npz(**arrays))
    (x_train, y_train), (x_test, y_test) = datasets.mnist.load_data(path="mine.npz")
    loaded = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
    for name, array in arrays.items():
        np.testing.assert_array_equal(loaded[name], array)
    assert (keras_home() / "datasets" / "mine.npz").exists()


def test_a_changed_file_is_refused(server):
    server.put(datasets.mnist, "mnist.npz", b"something else", hash_name=None)
    with pytest.raises(ValueError, match="was not kept"):
        datasets.mnist.load_data()


def test_fashion_mnist(server):
    rng = np.random.RandomState(0)
    expected = []
    for part, n in (("train", 5), ("t10k", 3)):
        x, y = rng.randint(0, 256, (n, 28, 28), "uint8"), rng.randint(0, 10, n, "uint8")
        for kind, header, array in (("images-idx3", 16, x), ("labels-idx1", 8, y)):
            content = gzip.compress(bytes(header) + array.tobytes())
            server.put(datasets.fashion_mnist, f"{part}-{kind}-ubyte.gz", content, hash_name=None)
        expected.append((x, y))
    for part, (x, y) in zip(datasets.fashion_mnist.load_data(), expected):
        np.testing.assert_array_equal(part[0], x)
        np.testing.assert_array_equal(part[1], y)


def _cifar_archive(folder, batches):
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, batch in batches.items():
            content = pickle.dumps(batch, protocol=3)
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return file.getvalue()


def _pictures(n, seed):
    return np.random.RandomState(seed).randint(0, 256, (n, 3072), "uint8")


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_cifar10(server, data_format):
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    batches = {name: {b"data": _pictures(2, i), b"labels": [i, i + 1]} for i, name in enumerate(names)}
    server.put(datasets.cifar10, "c.tar.gz", _cifar_archive("cifar-10-batches-py", batches))
    config.set_image_data_format(data_format)
    try:
        (x_train, y_train), (x_test, y_test) = datasets.cifar10.load_data()
    finally:
        config.reset()
    if data_format == "channels_last":
        x_train, x_test = x_train.transpose(0, 3, 1, 2), x_test.transpose(0, 3, 1, 2)
    assert (x_train.shape, x_test.shape, x_train.dtype) == ((10, 3, 32, 32), (2, 3, 32, 32), "uint8")
    np.testing.assert_array_equal(x_train[2:4].reshape(2, -1), batches["data_batch_2"][b"data"])
    np.testing.assert_array_equal(y_train[:, 0], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5])
    np.testing.assert_array_equal(y_test, np.array([[5], [6]], "uint8"))


def test_cifar100(server):
    batches = {
        name: {b"data": _pictures(2, 0), b"fine_labels": [70, 80], b"coarse_labels": [7, 8]}
        for name in ("train", "test")
    }
    server.put(datasets.cifar100, "c.tar.gz", _cifar_archive("cifar-100-python", batches))
    (x_train, y_train), _ = datasets.cifar100.load_data()
    assert (x_train.shape, y_train.tolist(), y_train.dtype) == ((2, 32, 32, 3), [[70], [80]], "uint8")
    (_, _), (_, y_test) = datasets.cifar100.load_data("coarse")
    assert y_test.tolist() == [[7], [8]]
    with pytest.raises(ValueError, match="label_mode must be"):
        datasets.cifar100.load_data("all")


@pytest.mark.parametrize("module", [datasets.boston_housing, datasets.california_housing])
def test_housing(server, module):
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10.0)
    server.put(module, module.__name__.rsplit(".")[-1] + ".npz", _npz(x=x, y=y))
    (x_train, y_train), (x_test, y_test) = module.load_data(test_split=0.3)
    order = np.arange(10)
    np.random.RandomState(113).shuffle(order)
    np.testing.assert_array_equal(np.concatenate([y_train, y_test]), order)
    np.testing.assert_array_equal(np.concatenate([x_train, x_test]), x[order])
    assert (len(x_train), len(x_test)) == (7, 3)
    with pytest.raises(ValueError, match="test_split must be .* got 1"):
        module.load_data(test_split=1)


def test_california_versions(server):
    server.put(datasets.california_housing, "california_housing.npz", _npz(x=np.zeros((700, 8)), y=np.arange(700.0)))
    (_, y_train), (_, y_test) = datasets.california_housing.load_data("small")
    assert sorted([*y_train, *y_test]) == list(range(600))
    with pytest.raises(ValueError, match="version must be"):
        datasets.california_housing.load_data("tiny")


@pytest.fixture
def imdb(server):
    train = _ragged([1, 2, 3], [4], [5, 6], [1, 9])
    test = _ragged([7, 8], [1], [2, 3, 4])
    content = _npz(x_train=train, y_train=np.arange(4), x_test=test, y_test=np.arange(10, 13))
    server.put(datasets.imdb, "imdb.npz", content)
    return datasets.imdb


def _by_label(part):
    return dict(zip(part[1].tolist(), part[0]))


def test_imdb(imdb):
    train, test = imdb.load_data(num_words=100)
    assert _by_label(train) == {0: [1, 4, 5, 6], 1: [1, 7], 2: [1, 8, 9], 3: [1, 4, 12]}
    assert _by_label(test) == {10: [1, 10, 11], 11: [1, 4], 12: [1, 5, 6, 7]}
    # One generator shuffles both parts, the training part first.
    rng = np.random.RandomState(113)
    orders = np.arange(4), np.arange(3)
    for order in orders:
        rng.shuffle(order)
    assert train[1].tolist() == orders[0].tolist()
    assert test[1].tolist() == (orders[1] + 10).tolist()


def test_imdb_options(imdb):
    assert _by_label(imdb.load_data(num_words=6, skip_top=4)[0])[0] == [2, 4, 5, 2]
    assert _by_label(imdb.load_data(num_words=6, oov_char=None)[0])[0] == [1, 4, 5]
    assert _by_label(imdb.load_data(start_char=None, index_from=0)[0])[0] == [1, 2, 3]
    # As in Keras: where num_words is not given, the largest number counts as unknown.
    assert _by_label(imdb.load_data()[0])[3] == [1, 4, 2]
    train, test = imdb.load_data(maxlen=4, num_words=100)
    assert (sorted(train[1]), sorted(test[1])) == ([1, 2, 3], [10, 11])
    with pytest.raises(ValueError, match="fewer than maxlen=1 words"):
        imdb.load_data(maxlen=1)
    with pytest.raises(TypeError, match="no argument 'nb_words'"):
        imdb.load_data(nb_words=3)


def test_reuters(server):
    content = _npz(x=_ragged([1, 2], [3], [4, 5, 6], [7], [8]), y=np.arange(5))
    server.put(datasets.reuters, "reuters.npz", content)
    order = np.arange(5)
    np.random.RandomState(113).shuffle(order)
    train, test = datasets.reuters.load_data(num_words=100)
    assert [*train[1], *test[1]] == order.tolist()
    assert (len(train[0]), len(test[0])) == (4, 1)
    assert (_by_label(train) | _by_label(test))[2] == [1, 7, 8, 9]
    short, _ = datasets.reuters.load_data(maxlen=4, test_split=0)
    assert 2 not in short[1]
    names = datasets.reuters.get_label_names()
    assert (len(names), len(set(names)), names[3], names[-1]) == (46, 46, "earn", "lead")


@pytest.mark.parametrize("module", [datasets.imdb, datasets.reuters])
def test_word_index(server, module):
    name = module.__name__.rsplit(".")[-1] + "_word_index.json"
    server.put(module, name, json.dumps({"the": 1, "é": 2}).encode(), "_INDEX_HASH")
    assert module.get_word_index() == {"the": 1, "é": 2}


class Bomb:
    def __reduce__(self):
        return (open, ("bomb-went-off", "w"))


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_cannot_call_anything(tmp_path, monkeypatch, protocol):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(pickle.UnpicklingError, match="Refusing"):
        untrusted.load_pickle(io.BytesIO(pickle.dumps([1, Bomb()], protocol)))
    assert list(tmp_path.iterdir()) == []


def test_object_arrays_cannot_call_anything(tmp_path):
    bombs = np.empty(1, dtype=object)
    bombs[0] = Bomb()
    (tmp_path / "x.npz").write_bytes(_npz(x=bombs))
    with pytest.raises(pickle.UnpicklingError, match="Refusing"):
        untrusted.load_npz(tmp_path / "x.npz")


@pytest.mark.parametrize("core", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_arrays_pickled_by_any_numpy_are_read(core):
    content = pickle.dumps({b"data": np.arange(6).reshape(2, 3)}, protocol=3)
    content = content.replace(b"numpy._core.multiarray", core.encode())
    np.testing.assert_array_equal(untrusted.load_pickle(io.BytesIO(content))[b"data"], [[0, 1, 2], [3, 4, 5]])


def test_npz_round_trip(tmp_path):
    plain, ragged = np.arange(6.0).reshape(2, 3), _ragged([1], [2, 3])
    (tmp_path / "x.npz").write_bytes(_npz(plain=plain, ragged=ragged))
    loaded = untrusted.load_npz(tmp_path / "x.npz")
    np.testing.assert_array_equal(loaded["plain"], plain)
    assert loaded["ragged"].tolist() == [[1], [2, 3]]
