"""Makes `data/callbacks.json` and `data/batches.json` with real Keras (run it with `KERAS_BACKEND=jax`)."""

import json
import os
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras.src.trainers.data_adapters.array_slicing import train_validation_split  # noqa: E402
from keras.src.trainers.data_adapters.data_adapter_utils import class_weight_to_sample_weights  # noqa: E402
from keras.src.trainers.epoch_iterator import EpochIterator  # noqa: E402
from keras.src.utils.dataset_utils import _rescale_dataset_split_sizes, index_directory  # noqa: E402

DATA = Path(__file__).parent / "data"
rng = np.random.default_rng(0)


class Optimizer:
    learning_rate = 1.0


class Model:
    """What callbacks touch; the weights say which epoch they belong to."""

    metrics = ()
    built = True

    def __init__(self):
        self.optimizer = Optimizer()
        self.stop_training = False
        self.saved = []
        self.weights = [np.array(-1.0)]

    def get_weights(self):
        return [w.copy() for w in self.weights]

    def set_weights(self, weights):
        self.weights = weights

    def save(self, path, overwrite=True):
        self.saved.append(os.path.basename(path))


def scripted(callback, values, batches=0):
    """Runs a callback over epochs whose `val_loss` is given; returns the model and the epochs that were run."""
    model = Model()
    callback.set_model(model)
    callback.set_params({"epochs": len(values), "steps": batches, "verbose": 0})
    callback.on_train_begin()
    rates, epochs = [], 0
    for epoch, value in enumerate(values):
        callback.on_epoch_begin(epoch)
        for batch in range(batches):
            callback.on_train_batch_end(batch, {"val_loss": value})
        model.weights = [np.array(float(epoch))]
        callback.on_epoch_end(epoch, {"val_loss": value})
        rates.append(model.optimizer.learning_rate)
        epochs += 1
        if model.stop_training:
            break
    callback.on_train_end()
    return model, rates, epochs


def sequences(count):
    for i in range(count):
        values = np.round(rng.uniform(0, 1, int(rng.integers(3, 14))), int(rng.integers(1, 4)))
        yield i, [float(v) for v in values]


def early_stopping():
    for i, values in sequences(60):
        config = {
            "monitor": "val_loss",
            "min_delta": [0, 0.1, 0.05][i % 3],
            "patience": i % 5,
            "mode": ["min", "max", "auto"][i % 3],
            "baseline": [None, 0.5][i % 2],
            "restore_best_weights": i % 4 > 1,
            "start_from_epoch": [0, 0, 2][i % 3],
        }
        callback = keras.callbacks.EarlyStopping(**config)
        model, _, epochs = scripted(callback, values)
        yield {
            "config": config,
            "values": values,
            "epochs": epochs,
            "stopped_epoch": callback.stopped_epoch,
            "best": callback.best,
            "best_epoch": callback.best_epoch,
            "wait": callback.wait,
            "weight": float(model.weights[0]),
        }


def reduce_lr():
    for i, values in sequences(60):
        config = {
            "monitor": "val_loss",
            "factor": [0.5, 0.1][i % 2],
            "patience": 1 + i % 3,
            "mode": ["min", "max"][i % 2],
            "min_delta": [1e-4, 0.1, 0][i % 3],
            "cooldown": i % 3,
            "min_lr": [0.0, 0.2][i % 2],
        }
        _, rates, _ = scripted(keras.callbacks.ReduceLROnPlateau(**config), values)
        yield {"config": config, "values": values, "rates": rates}


def checkpoint():
    for i, values in sequences(30):
        config = {
            "filepath": "{epoch:02d}-{val_loss:.3f}.keras",
            "save_best_only": i % 3 == 0,
            "mode": ["min", "max"][i % 2],
            "save_freq": ["epoch", 2, "epoch", 3, 7][i % 5] if i % 3 else "epoch",
            "initial_value_threshold": [None, None, 0.5][i % 3],
        }
        model, _, _ = scripted(keras.callbacks.ModelCheckpoint(**config), values, batches=4)
        yield {"config": config, "values": values, "saved": model.saved}


def csv_logger():
    for separator in (",", ";"):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "log.csv")
            for append in (False, True):
                callback = keras.callbacks.CSVLogger(path, separator=separator, append=append)
                scripted_logs(callback)
            yield {"separator": separator, "text": Path(path).read_bytes().decode()}


def scripted_logs(callback):
    callback.set_model(Model())
    callback.on_train_begin()
    for epoch, logs in enumerate([{"loss": 0.5, "acc": 0.25}, {"loss": 0.25, "val_loss": 1.5, "val_acc": 0.5}]):
        callback.on_epoch_end(epoch, logs)
    callback.on_train_end()


def epochs_of(iterator, epochs):
    out = []
    for _ in range(epochs):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            steps = [[np.asarray(b[0]).ravel().tolist() for b in batches] for _, _, batches in iterator]
        out.append({"steps": steps, "warned": bool(caught)})
    return out


def array_epochs():
    for i in range(40):
        rows, batch_size = int(rng.integers(1, 40)), [None, 1, 3, 8, 50][i % 5]
        arguments = {
            "batch_size": batch_size,
            "steps_per_epoch": [None, None, 2, 3, 5][i % 5 if i % 2 else 0],
            "shuffle": [False, True, "batch"][i % 3],
            "steps_per_execution": 1 if i % 4 else 2,
        }
        if arguments["steps_per_epoch"]:
            arguments["steps_per_execution"] = 1  # Keras runs over the end of the epoch otherwise
        np.random.seed(i)
        iterator = EpochIterator(np.arange(rows), np.arange(rows), **arguments)
        yield {"rows": rows, "seed": i, "arguments": arguments, "epochs": epochs_of(iterator, 3)}


def class_weights():
    labels = [[0, 1, 2, 1], [[0], [1], [3], [1]], [[1, 0, 0], [0, 0, 1], [0, 1, 0]], [0.0, 1.2, 1.6]]
    for y in labels:
        weights = class_weight_to_sample_weights(np.array(y), {0: 0.5, 1: 2.0, 2: 3.0})
        yield {"y": y, "weights": weights.tolist()}


def splits():
    for rows in (1, 2, 3, 10, 99):
        for fraction in (0.01, 0.1, 0.2, 0.25, 0.3, 0.5, 0.7, 0.99):
            try:
                train, rest = train_validation_split((np.arange(rows), None), fraction)
                sizes = [len(train[0].array if hasattr(train[0], "array") else train[0]), int(rest[0][0])]
            except ValueError:
                sizes = None
            yield {"rows": rows, "fraction": fraction, "sizes": sizes}


def split_sizes():
    for total in (2, 5, 10, 101):
        for left in (None, 1, 3, 10, 0.2, 0.5, 0.8, 1.0, 0, "a"):
            for right in (None, 1, 4, 0.2, 0.5, -1):
                if left is right is None:
                    continue
                try:
                    sizes = list(_rescale_dataset_split_sizes(left, right, total))
                except (TypeError, ValueError) as error:
                    sizes = type(error).__name__
                yield {"left": left, "right": right, "total": total, "sizes": sizes}


FILES = [f"{c}/{n}.txt" for c in ("b", "a", "c d") for n in ("2", "10", "x", "1")] + ["a/deep/0.txt", "a/no.md"]


def directories():
    with tempfile.TemporaryDirectory() as folder:
        for name in FILES:
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        for shuffle in (False, True):
            for names in (None, ["c d", "a"]):
                paths, labels, found = index_directory(
                    folder, "inferred", (".txt",), names, shuffle=shuffle, seed=7, verbose=False
                )
                yield {
                    "files": FILES,
                    "shuffle": shuffle,
                    "seed": 7,
                    "class_names": names,
                    "paths": [os.path.relpath(p, folder) for p in paths],
                    "labels": np.asarray(labels).tolist(),
                    "found": found,
                }


def images():
    image = np.round(rng.uniform(0, 255, (5, 7, 3))).astype("float32")
    for size in ((3, 3), (8, 4), (6, 10)):
        for kind in ("plain", "crop", "pad"):
            for method in ("bilinear", "nearest", "bicubic"):
                out = keras.ops.image.resize(
                    image,
                    size,
                    interpolation=method,
                    crop_to_aspect_ratio=kind == "crop",
                    pad_to_aspect_ratio=kind == "pad",
                )
                out = np.round(np.asarray(out), 3).tolist()
                yield {"image": image.tolist(), "size": size, "kind": kind, "method": method, "out": out}


def write(name, **tables):
    text = json.dumps({key: list(rows) for key, rows in tables.items()}, separators=(",", ":"))
    (DATA / f"{name}.json").write_text(text.replace('},{"', '},\n{"') + "\n")


write(
    "callbacks",
    early_stopping=early_stopping(),
    reduce_lr=reduce_lr(),
    checkpoint=checkpoint(),
    csv_logger=csv_logger(),
)
write(
    "batches",
    array_epochs=array_epochs(),
    class_weights=class_weights(),
    splits=splits(),
    split_sizes=split_sizes(),
    directories=directories(),
    images=images(),
)
