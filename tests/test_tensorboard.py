"""What is written for TensorBoard."""

import io
import json
from pathlib import Path

import numpy as np
import pytest

import kerasish as keras
from kerasish import callbacks
from kerasish.callbacks import Callback, CallbackList, event_file
from kerasish.callbacks.logs import LazyLogs
from kerasish.callbacks.weight_pictures import grey_png, pictures_of
from tests.callback_doubles import Model, Weight, run

GOLDEN = json.loads((Path(__file__).parent / "golden/data/callbacks.json").read_text())


def test_event_files_take_numbers_beyond_float32(tmp_path):
    file = event_file.EventFile(tmp_path)
    file.scalar("loss", 1e300, 1)
    file.close()
    (path,) = tmp_path.iterdir()
    assert np.float32(np.inf).tobytes() in path.read_bytes()


def test_event_files_are_those_of_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setattr(event_file.time, "time", lambda: 1.5)
    file = event_file.EventFile(tmp_path)
    file.scalar("epoch_loss", 0.25, 300)
    file.histogram("w", np.array([1.0, np.nan, 2.0, 4.0], "float32"), 2, buckets=3)
    file.keras_graph("keras", "{}")
    file.close()
    (path,) = tmp_path.iterdir()
    assert path.name.startswith("events.out.tfevents.0000000001.")
    assert path.read_bytes() == (Path(__file__).parent / "golden/data/events.tfevents").read_bytes()


def test_checksum():
    # The check value of CRC-32C is 0xE3069283.
    assert event_file.masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


class Written:
    """Stands in for the event files and notes what is written."""

    values: list = []

    def __init__(self, folder):
        self.name = Path(folder).name

    def scalar(self, tag, value, step):
        self.values.append((self.name, tag, value, step))

    def histogram(self, tag, values, step):
        self.values.append((self.name, tag, values.tolist(), step))

    def keras_graph(self, tag, text):
        self.values.append((self.name, tag, text, 0))

    def flush(self):
        pass

    def close(self):
        self.values.append((self.name, "closed"))


class Sequential(Model):
    def to_json(self):
        return "{}"


def test_what_is_written_for_tensorboard(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasish.callbacks.tensorboard.EventFile", Written)
    monkeypatch.setattr(Written, "values", [])
    model = Sequential()
    weight = Weight([1.0, 2.0])
    weight.path = "dense/kernel"
    layer = Callback()
    layer.weights = [weight]
    model.layers = [layer]
    told = CallbackList(callbacks.TensorBoard(tmp_path, histogram_freq=2, update_freq=2), model=model)
    told.on_train_begin()
    lazy = [LazyLogs(lambda: {"loss": 0.5}) for _ in range(4)]
    for batch, logs in enumerate(lazy):
        told.on_train_batch_begin(batch)
        told.on_train_batch_end(batch, logs)
    told.on_test_begin()
    told.on_test_end({"loss": 4.0})
    told.on_epoch_end(0, {"loss": 0.25, "val_loss": 4.0})
    told.on_epoch_end(1, {"loss": 0.125})
    told.on_train_end()
    assert [logs.is_read for logs in lazy] == [False, True, False, True]
    assert Written.values == [
        ("train", "keras", "{}", 0),
        ("train", "batch_loss", 0.5, 2),
        ("train", "batch_loss", 0.5, 4),
        ("validation", "evaluation_loss_vs_iterations", 4.0, 7),
        ("train", "epoch_loss", 0.25, 0),
        ("train", "epoch_learning_rate", 1.0, 0),
        ("validation", "epoch_loss", 4.0, 0),
        ("train", "dense/kernel/histogram", [1.0, 2.0], 0),
        ("train", "epoch_loss", 0.125, 1),
        ("train", "epoch_learning_rate", 1.0, 1),
        ("train", "closed"),
        ("validation", "closed"),
    ]


def test_steps_per_second_and_evaluation_alone(tmp_path, monkeypatch):
    monkeypatch.setattr("kerasish.callbacks.tensorboard.EventFile", Written)
    monkeypatch.setattr(Written, "values", [])
    run(callbacks.TensorBoard(tmp_path, update_freq="batch", write_steps_per_second=True), [0.5], batches=1)
    speeds = {tag: value for _, tag, value, *_ in (v for v in Written.values if len(v) == 4) if "per_second" in tag}
    assert set(speeds) == {"batch_steps_per_second", "epoch_steps_per_second"}
    assert min(speeds.values()) > 0
    Written.values.clear()
    CallbackList(callbacks.TensorBoard(tmp_path), model=Model()).on_test_end({"loss": 1.0})
    assert [v[1] for v in Written.values] == ["evaluation_loss_vs_iterations", "closed"]


def test_pictures_of_weights():
    assert pictures_of(np.float32(3.0)) is None
    assert pictures_of(np.zeros((2, 2, 2, 2))) is None
    assert pictures_of(np.array([0.0, 1.0, 2.0])).tolist() == [[[0], [128], [255]]]
    assert pictures_of(np.ones((1, 4, 1))).tolist() == [[[0], [0], [0], [0]]]
    assert pictures_of(np.array([[-1.0], [3.0]]) * [1.0, 0.0]).shape == (1, 2, 2)
    kernel = np.arange(24.0).reshape(2, 3, 4)
    assert pictures_of(kernel).shape == (4, 2, 3)
    assert pictures_of(kernel, channels_first=True).shape == (2, 3, 4)


def test_grey_png_is_a_png():
    pixels = np.arange(6, dtype="uint8").reshape(2, 3) * 50
    image = pytest.importorskip("PIL.Image").open(io.BytesIO(grey_png(pixels)))
    assert np.array_equal(np.asarray(image), pixels)


def test_pictures_and_embeddings_for_tensorboard(tmp_path):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Embedding(4, 3, name="words"), keras.layers.Flatten(),
                              keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    board = callbacks.TensorBoard(tmp_path, histogram_freq=1, write_images=True, embeddings_freq=1,
                                  embeddings_metadata={"words": "labels.tsv"})
    model.fit(np.zeros((4, 2)), np.ones((4, 1)), epochs=1, verbose=0, callbacks=[board])
    table = np.loadtxt(tmp_path / "words_embeddings.tsv", delimiter="\t")
    assert np.allclose(table, model.layers[0].embeddings)
    assert (tmp_path / "projector_config.pbtxt").read_text().split() == [
        "embeddings", "{", "tensor_name:", '"words"', "tensor_path:", '"words_embeddings.tsv"', "metadata_path:",
        '"labels.tsv"', "}"]
    (events,) = (tmp_path / "train").iterdir()
    assert events.read_bytes().count(b"\x89PNG") == 2
    board.embeddings_metadata = {"letters": "labels.tsv"}
    with pytest.raises(ValueError, match="Unrecognized `Embedding` layer names.*letters"):
        board.on_train_begin()


@pytest.mark.parametrize(
    "arguments", [{"profile_batch": 2}, {"update_freq": 0}], ids=str
)
def test_what_tensorboard_does_not_do_raises(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        callbacks.TensorBoard(**arguments)
