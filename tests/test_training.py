"""fit, evaluate, predict and their relatives, as a user calls them."""

import numpy as np
import pandas as pd
import pytest

import kerasish as keras
from kerasish import layers, ops

RNG = np.random.default_rng(0)
X = RNG.normal(size=(64, 4)).astype("float32")
LABELS = (X[:, 0] + X[:, 1] > 0).astype("int64") + (X[:, 2] > 1)
TARGETS = RNG.normal(size=(64, 2)).astype("float32")


def classifier(**compile_arguments):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([
        keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(3, activation="softmax")])
    model.compile(**{"optimizer": "adam", "loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"],
                     **compile_arguments})
    return model


def two_heads():
    keras.utils.set_random_seed(3)
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    joined = layers.Concatenate()([a, b])
    return keras.Model([a, b], [layers.Dense(3, activation="softmax", name="kind")(joined),
                                layers.Dense(2, name="size")(joined)])


def test_fit_learns_and_returns_its_history():
    model = classifier(optimizer=keras.optimizers.Adam(0.05))
    history = model.fit(X, LABELS, epochs=15, batch_size=16, verbose=0, validation_split=0.25)
    assert set(history.history) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    assert len(history.epoch) == 15 and history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history is model.history


def test_the_same_seed_gives_the_same_weights():
    runs = [classifier() for _ in range(2)]
    for model in runs:
        keras.utils.set_random_seed(7)
        model.fit(X, LABELS, epochs=2, verbose=0)
    for a, b in zip(*(m.get_weights() for m in runs), strict=True):
        np.testing.assert_array_equal(a, b)


def test_evaluate_agrees_with_numpy():
    model = classifier()
    loss, accuracy = model.evaluate(X, LABELS, batch_size=10, verbose=0)
    p = model.predict(X, verbose=0)
    assert loss == pytest.approx(-np.log(p[np.arange(64), LABELS]).mean(), rel=1e-5)
    assert accuracy == pytest.approx((p.argmax(1) == LABELS).mean())
    assert model.evaluate(X, LABELS, verbose=0, return_dict=True) == pytest.approx({"loss": loss, "accuracy": accuracy})


def test_predict_does_not_depend_on_the_batch_size_nor_share_memory():
    model = keras.Sequential([keras.Input((4,)), layers.Identity()])
    out = model.predict(X, batch_size=7, verbose=0)
    np.testing.assert_array_equal(out, X)
    out[0] = 9
    assert X[0, 0] != 9


@pytest.mark.parametrize("weights", ["sample", "class"])
def test_weights_of_samples_and_classes(weights):
    per_class = np.array([1.0, 3.0, 0.5], "float32")
    arguments = {"sample_weight": per_class[LABELS]} if weights == "sample" else {
        "class_weight": dict(enumerate(per_class.tolist()))}
    model = classifier(optimizer=keras.optimizers.SGD(0.0))
    loss = model.fit(X, LABELS, verbose=0, batch_size=64, **arguments).history["loss"][0]
    p = model.predict(X, verbose=0)
    assert loss == pytest.approx((-np.log(p[np.arange(64), LABELS]) * per_class[LABELS]).mean(), rel=1e-5)


def test_losses_and_metrics_by_output_name():
    model = two_heads()
    model.compile("adam", loss={"kind": "sparse_categorical_crossentropy", "size": "mse"},
                  loss_weights={"kind": 2.0, "size": 0.5}, metrics={"kind": ["accuracy"], "size": ["mae", "mse"]})
    logs = model.fit([X, TARGETS], {"kind": LABELS, "size": TARGETS}, verbose=0).history
    assert set(logs) == {"loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae", "size_mse"}
    result = model.evaluate({"a": X, "b": TARGETS}, [LABELS, TARGETS], verbose=0, return_dict=True)
    assert result["loss"] == pytest.approx(2 * result["kind_loss"] + 0.5 * result["size_loss"], rel=1e-5)


def test_an_output_without_a_loss():
    model = two_heads()
    model.compile("adam", loss=[None, "mse"])
    with pytest.warns(UserWarning, match="kind/kernel"):
        history = model.fit([X, TARGETS], [LABELS, TARGETS], verbose=0).history
    assert np.isfinite(history["loss"][0])


def test_dict_outputs():
    x = keras.Input((4,))
    model = keras.Model(x, {"p": layers.Dense(1)(x), "q": layers.Dense(2)(x)})
    model.compile("sgd", {"p": "mse", "q": "mae"})
    model.fit(X, {"p": TARGETS[:, :1], "q": TARGETS}, verbose=0)
    assert {k: v.shape for k, v in model.predict(X, verbose=0).items()} == {"p": (64, 1), "q": (64, 2)}


@pytest.mark.parametrize("kind", ["frame", "generator", "dataset", "py_dataset", "tensors", "lists"])
def test_forms_of_data(kind):
    class Batches(keras.utils.PyDataset):
        def __len__(self):
            return 4

        def __getitem__(self, i):
            return X[16 * i:16 * i + 16], LABELS[16 * i:16 * i + 16]

    def endless():
        while True:
            yield X[:16], LABELS[:16]

    arguments = {
        "frame": lambda: {"x": pd.DataFrame(X), "y": pd.Series(LABELS)},
        "generator": lambda: {"x": endless(), "steps_per_epoch": 4},
        "dataset": lambda: {"x": keras.data.Dataset.from_tensor_slices((X, LABELS)).batch(16)},
        "py_dataset": lambda: {"x": Batches()},
        "tensors": lambda: {"x": ops.convert_to_tensor(X), "y": ops.convert_to_tensor(LABELS)},
        "lists": lambda: {"x": X.tolist(), "y": LABELS.tolist()},
    }[kind]()
    model = classifier()
    history = model.fit(**arguments, epochs=2, verbose=0)
    assert len(history.history["loss"]) == 2 and np.isfinite(history.history["loss"]).all()


def test_validation_data_frequency_and_initial_epoch():
    model = classifier()
    seen = []
    watch = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, "val_loss" in logs)))
    model.fit(X, LABELS, epochs=6, initial_epoch=2, validation_data=(X, LABELS, np.ones(64)), validation_freq=2,
              verbose=0, callbacks=[watch])
    assert seen == [(2, False), (3, True), (4, False), (5, True)]


def test_single_batches():
    model = classifier()
    first = model.train_on_batch(X, LABELS, return_dict=True)
    assert set(first) == {"loss", "accuracy"}
    assert len(model.test_on_batch(X, LABELS)) == 2
    np.testing.assert_allclose(model.predict_on_batch(X), model.predict(X, verbose=0), rtol=1e-6)


def test_an_overridden_train_step_with_a_tape():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)
            self.error = keras.metrics.Mean(name="error")

        def call(self, x):
            return self.dense(x)

        def train_step(self, data):
            x, y = data
            with keras.GradientTape() as tape:
                loss = ops.mean((self(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, self.trainable_variables)
            self.optimizer.apply(gradients, self.trainable_variables)
            self.error.update_state(loss)
            return {m.name: m.result() for m in self.metrics}

        @property
        def metrics(self):
            return [self.error]

    model = Own()
    model.compile("adam")
    history = model.fit(X, TARGETS, epochs=3, verbose=0).history
    assert list(history) == ["error"] and history["error"][2] < history["error"][0]


def test_masking_gradients_between_compute_and_apply():
    model = classifier()
    optimizer, (kernel, *_) = model.optimizer, model.trainable_variables
    before = kernel.numpy()
    loss = keras.losses.SparseCategoricalCrossentropy()
    gradients = optimizer.compute_gradients(lambda: loss(LABELS, model(X, training=True)), model.trainable_variables)
    gradients[0] = gradients[0] * np.eye(4, 8, dtype="float32")
    optimizer.apply(gradients, model.trainable_variables)
    changed = kernel.numpy() != before
    assert changed[np.eye(4, 8, dtype=bool)].all() and not changed[~np.eye(4, 8, dtype=bool)].any()


def test_frozen_layers_stay():
    model = classifier()
    model.layers[0].trainable = False
    model.compile("adam", "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.fit(X, LABELS, verbose=0)
    after = model.get_weights()
    assert all(np.array_equal(a, b) for a, b in zip(before[:2], after[:2], strict=True))
    assert not np.array_equal(before[2], after[2])


def test_added_losses_and_regularizers_count():
    class Adds(layers.Layer):
        def call(self, x):
            self.add_loss(ops.mean(ops.square(x)))
            return x

    model = keras.Sequential([keras.Input((4,)), Adds(), layers.Dense(1, kernel_regularizer="l2")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    loss = model.evaluate(X, TARGETS[:, :1], batch_size=64, verbose=0)
    kernel = model.layers[1].kernel.numpy()
    want = ((model.predict(X, verbose=0) - TARGETS[:, :1]) ** 2).mean() + (X**2).mean() + 0.01 * (kernel**2).sum()
    assert loss == pytest.approx(want, rel=1e-5)


def test_an_overridden_compute_loss_without_compiled_loss():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
            return ops.mean(ops.abs(y - y_pred))

    model = Own()
    model.compile("adam")
    assert set(model.fit(X, TARGETS, verbose=0).history) == {"loss"}


def test_steps_per_execution_and_stop_training():
    model = classifier(steps_per_execution=3)
    ends = []
    keep = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: ends.append(batch))
    model.fit(X, LABELS, batch_size=8, verbose=0, callbacks=[keep])
    assert ends == [2, 5, 8]

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            self.model.stop_training = batch == 2

    assert len(classifier().fit(X, LABELS, batch_size=8, epochs=5, verbose=0, callbacks=[Stop()]).epoch) == 1


def test_interrupted_training_leaves_a_usable_model():
    class Interrupt(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                raise KeyboardInterrupt

    model = classifier()
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, LABELS, batch_size=8, verbose=0, callbacks=[Interrupt()])
    assert len(model.fit(X, LABELS, batch_size=8, verbose=0).epoch) == 1
    assert np.isfinite(model.predict(X, verbose=0)).all()


def test_checkpoint_backup_and_resume(tmp_path):
    class Crash(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise RuntimeError("power cut")

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path / "backup", delete_checkpoint=False)

    model = classifier()
    with pytest.raises(RuntimeError, match="power cut"):
        model.fit(X, LABELS, epochs=5, verbose=0, callbacks=[backup(), Crash()])
    again = classifier()
    history = again.fit(X, LABELS, epochs=5, verbose=0, callbacks=[backup()])
    assert history.epoch[0] in (2, 3) and history.epoch[-1] == 4


def test_model_checkpoint_keeps_the_best(tmp_path):
    model = classifier(optimizer=keras.optimizers.Adam(0.05))
    path = tmp_path / "best.keras"
    history = model.fit(X, LABELS, epochs=4, verbose=0, validation_data=(X, LABELS), callbacks=[
        keras.callbacks.ModelCheckpoint(path, monitor="val_loss", save_best_only=True)])
    best = keras.models.load_model(path)
    assert best.evaluate(X, LABELS, verbose=0)[0] == pytest.approx(min(history.history["val_loss"]), rel=1e-6)


def test_a_loaded_model_goes_on_training_as_the_saved_one(tmp_path):
    model = classifier()
    model.fit(X, LABELS, verbose=0, shuffle=False)
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        again = keras.models.load_model(tmp_path / name)
        twin = keras.models.load_model(tmp_path / name)
        for m in (again, twin):
            m.fit(X, LABELS, verbose=0, shuffle=False, epochs=2)
        assert int(again.optimizer.iterations) == int(model.optimizer.iterations) + 4
        for a, b in zip(again.get_weights(), twin.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_half_precision_training():
    keras.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = classifier()
    finally:
        keras.mixed_precision.set_global_policy("float32")
    assert isinstance(model.optimizer, keras.optimizers.LossScaleOptimizer)
    assert np.isfinite(model.fit(X, LABELS, epochs=2, verbose=0).history["loss"]).all()
    assert model.layers[0].kernel.dtype == "float32"


@pytest.mark.parametrize(("wrong", "message"), [
    (lambda: classifier(optimizer="adamm"), "adam"),
    (lambda: classifier(loss="msee"), "mse"),
    (lambda: classifier(metrics=["acuracy"]), "accuracy"),
    (lambda: keras.Sequential([layers.Dense(1)]).fit(X, LABELS), r"You must call `compile\(\)`"),
    (lambda: classifier().fit(X, LABELS + 7, verbose=0), "label .* has 3 classes|classes"),
    (lambda: classifier().fit(X, LABELS[:10], verbose=0), "64.*10|10.*64"),
    (lambda: classifier().fit(X[:, :3], LABELS, verbose=0), r"along axis -1, found 3|expected shape=\(None, 4\)"),
    (lambda: classifier(loss="mse").fit(X, TARGETS, verbose=0), "shape"),
    (lambda: classifier().fit(X, LABELS, verbose=0, validation_split=1.5), "validation_split"),
    (lambda: two_heads().predict([X], verbose=0), "2 input"),
    (lambda: classifier().predict(X[:, :, None, None], verbose=0), "shape"),
])  # fmt: skip
def test_mistakes_raise_at_once(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()


def test_a_missing_monitor_is_said():
    with pytest.warns(UserWarning, match="val_accuracy"):
        classifier().fit(X, LABELS, verbose=0, callbacks=[keras.callbacks.EarlyStopping(monitor="val_accuracy")])
    with pytest.raises(ValueError, match="val_f1"), pytest.warns(UserWarning, match="available metrics are: .*loss"):
        classifier().fit(X, LABELS, verbose=0, callbacks=[keras.callbacks.EarlyStopping(monitor="val_f1")])


@pytest.mark.parametrize(("arguments", "message"), [
    ({"loss": {"a": "mse", "z": "mse"}}, r"Invalid `loss`: the keys \['a', 'z'\] .* Expected keys"),
    ({"loss": "mse", "loss_weights": [1.0]}, "must match the number of losses"),
], ids=["loss", "weights"])  # fmt: skip
def test_losses_of_outputs_that_are_not_there(arguments, message):
    class Heads(keras.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            return {"a": self.dense(x), "b": self.dense(x)}

    model = Heads()
    model.compile("sgd", **arguments)
    for kind in (KeyError, ValueError):
        with pytest.raises(kind, match=message):
            model.fit(X, {"a": TARGETS, "b": TARGETS}, verbose=0)


def test_progress_in_a_pipe(capsys):
    classifier().fit(X, LABELS, epochs=2, verbose=2)
    out = capsys.readouterr().out
    assert "Epoch 1/2" in out and "accuracy" in out and "\r" not in out and "\x1b" not in out
    classifier().fit(X, LABELS, verbose=0)
    assert capsys.readouterr().out == ""
