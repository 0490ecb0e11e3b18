"""Callbacks that save: checkpoints, backups of a training that crashes, averages of the weights."""

import json

import numpy as np
import pytest

import kerasish as keras
from kerasish import callbacks
from kerasish.callbacks import CallbackList, LambdaCallback
from tests.callback_doubles import Model, run

# ----- saving


def test_checkpoint_paths_and_folders(tmp_path, capsys):
    path = tmp_path / "deep" / "{epoch:02d}-{batch}-{val_loss:.1f}.weights.h5"
    model = run(callbacks.ModelCheckpoint(path, save_weights_only=True, save_freq=3, verbose=1), [0.5, 0.25], batches=4)
    assert model.saved == ["01-3-0.5.weights.h5", "02-2-0.2.weights.h5"]
    assert (tmp_path / "deep" / model.saved[0]).read_text() == "-1.0"
    assert "saved the model to" in capsys.readouterr().out


CHECKPOINT_ERRORS = {
    "ending": (dict(filepath="a.txt"), r"must end in .keras or .h5, got 'a.txt'"),
    "weights": (dict(filepath="a.keras", save_weights_only=True), r"must end in .weights.h5"),
    "frequency": (dict(filepath="a.keras", save_freq="batch"), "expected 'epoch' or a positive number of batches"),
    "no batches": (dict(filepath="a.keras", save_freq=0), "Unrecognized save_freq 0"),
}


@pytest.mark.parametrize("case", CHECKPOINT_ERRORS)
def test_checkpoint_errors(case):
    arguments, message = CHECKPOINT_ERRORS[case]
    with pytest.raises(ValueError, match=message):
        callbacks.ModelCheckpoint(**arguments)


def test_checkpoint_errors_while_training(tmp_path):
    with pytest.raises(KeyError, match="asks for 'val_acc'; there is only: epoch, val_loss"):
        run(callbacks.ModelCheckpoint(tmp_path / "{val_acc}.keras"), [0.5])
    (tmp_path / "folder.keras").mkdir()
    with pytest.raises(IsADirectoryError, match="is a directory"):
        run(callbacks.ModelCheckpoint(tmp_path / "folder.keras"), [0.5])


def test_checkpoint_without_its_metric_saves_with_a_warning(tmp_path):
    with pytest.warns(UserWarning, match="watches 'val_acc', which is missing"):
        model = run(callbacks.ModelCheckpoint(tmp_path / "a.keras", "val_acc", save_best_only=True), [0.5])
    assert model.saved == ["a.keras"]
    callback = callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True)
    callback.set_model(Model())
    with pytest.warns(UserWarning, match="needs a single number"):
        callback.on_epoch_end(0, {"val_loss": np.zeros(2)})


class Crash(Exception):
    pass


def crash_at(epoch, batch=None):
    def stop(index, logs=None):
        if (state["epoch"], index if batch is not None else None) == (epoch, batch):
            raise Crash

    def begin(index, logs=None):
        state["epoch"] = index
        if batch is None and index == epoch:
            raise Crash

    state = {}
    return LambdaCallback(on_epoch_begin=begin, on_train_batch_end=stop)


def test_training_goes_on_after_a_crash(tmp_path):
    folder = tmp_path / "backup"
    with pytest.raises(Crash):
        run([callbacks.BackupAndRestore(folder), crash_at(2)], [0.5] * 4, batches=2)
    assert sorted(p.name for p in folder.iterdir()) == ["latest.weights.h5", "training_metadata.json"]
    assert json.loads((folder / "training_metadata.json").read_text()) == {"epoch": 2, "batch": 0}

    model, callback = Model(), callbacks.BackupAndRestore(folder)
    callback.set_model(model)
    callback.on_train_begin()
    assert (model._initial_epoch, model.weights[0]) == (2, 1.0)
    run(callback, [0.5] * 2, model=model, start=2)
    assert not folder.exists()
    assert model._initial_epoch is None


def test_backup_by_batches_and_kept(tmp_path):
    with pytest.raises(Crash):
        run([callbacks.BackupAndRestore(tmp_path, save_freq=3), crash_at(1, batch=2)], [0.5] * 3, batches=4)
    # 3 and 6 batches: the second is in epoch 1.
    assert json.loads((tmp_path / "training_metadata.json").read_text()) == {"epoch": 1, "batch": 1}
    run(callbacks.BackupAndRestore(tmp_path, delete_checkpoint=False), [0.5])
    assert (tmp_path / "latest.weights.h5").exists()


@pytest.mark.parametrize("double", [False, True])
def test_a_backup_that_cannot_be_read(tmp_path, double):
    keep = dict(delete_checkpoint=False, double_checkpoint=double)
    run(callbacks.BackupAndRestore(tmp_path, **keep), [0.5] * 3)
    (tmp_path / "latest.weights.h5").write_text("corrupt")
    model, callback = Model(), callbacks.BackupAndRestore(tmp_path, **keep)
    callback.set_model(model)
    if not double:
        with pytest.raises(OSError, match="cannot read it"):
            callback.on_train_begin()
        return
    callback.on_train_begin()
    assert (model._initial_epoch, model.weights[0]) == (2, 1.0)


def test_backup_errors():
    with pytest.raises(ValueError, match="Empty `backup_dir`"):
        callbacks.BackupAndRestore("")
    with pytest.raises(ValueError, match="BackupAndRestore: Invalid value. Unrecognized save_freq"):
        callbacks.BackupAndRestore("a", save_freq=1.5)
    model = Model()
    model.built = False
    with pytest.raises(ValueError, match="build it"):
        run(callbacks.BackupAndRestore("a"), [0.5], model=model)


# ----- moving averages


def values_of(weights):
    return [w.value.tolist() for w in weights]


@pytest.mark.parametrize("mode", ["test", "predict"])
def test_averages_are_in_the_model_only_meanwhile(mode):
    model = Model()
    told = CallbackList(callbacks.SwapEMAWeights(), model=model)
    weights, averages = model.optimizer._trainable_variables, model.optimizer._model_variables_moving_average
    getattr(told, f"on_{mode}_begin")()
    assert (values_of(weights), values_of(averages)) == ([-1.0, [-2.0, -3.0]], [-1.0, [-2.0, -3.0]])
    getattr(told, f"on_{mode}_end")()
    assert (values_of(weights), values_of(averages)) == ([1.0, [2.0, 3.0]], [-1.0, [-2.0, -3.0]])


def test_averages_stay_after_training_if_wished():
    seen = []
    model = Model()
    weights = model.optimizer._trainable_variables
    look = LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(values_of(weights)[0]),
        on_train_batch_end=lambda batch, logs: seen.append(values_of(weights)[0]),
    )
    run([callbacks.SwapEMAWeights(swap_on_epoch=True), look], [0.5, 0.5], batches=1, model=model, epochs=5)
    assert seen == [1.0, -1.0, 1.0, -1.0]
    assert values_of(weights) == values_of(model.optimizer._model_variables_moving_average) == [-1.0, [-2.0, -3.0]]


def test_averages_are_the_weights_of_checkpoints_and_of_the_trained_model():
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.01, use_ema=True, ema_momentum=0.5), "mse")
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(model.get_weights()[0].tolist()))
    model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=2, verbose=0, batch_size=2,
              callbacks=[callbacks.SwapEMAWeights(swap_on_epoch=True), look])
    assert model.get_weights()[0].tolist() == seen[1] != seen[0]


def test_swapping_needs_averages():
    model = Model()
    model.optimizer.use_ema = False
    with pytest.raises(ValueError, match="use_ema=True"):
        CallbackList(callbacks.SwapEMAWeights(), model=model).on_test_begin()
