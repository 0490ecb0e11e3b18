"""Training and evaluation with the built-in methods, in every form that they take."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, integers, normal

X, LABELS = normal(48, 6), integers(3, 48)


def classifier():
    x = inputs = keras.Input(shape=(6,), name="digits")
    x = layers.Dense(8, activation="relu", name="dense_1")(x)
    x = layers.Dense(8, activation="relu", name="dense_2")(x)
    return fix(keras.Model(inputs, layers.Dense(3, activation="softmax", name="predictions")(x)))


def compiled(**arguments):
    model = classifier()
    model.compile(**{"optimizer": keras.optimizers.RMSprop(1e-2), "loss": keras.losses.SparseCategoricalCrossentropy(),
                     "metrics": [keras.metrics.SparseCategoricalAccuracy()], **arguments})
    return model


def fit(model, x=X, y=LABELS, **arguments):
    return model.fit(x, y, **{"batch_size": 16, "epochs": 2, "verbose": 0, "shuffle": False, **arguments}).history


def test_end_to_end():
    model = compiled()
    history = fit(model, X[:32], LABELS[:32], validation_data=(X[32:], LABELS[32:]))
    check_against_keras("guide: end to end", history)
    check_against_keras("guide: evaluate", model.evaluate(X[32:], LABELS[32:], batch_size=8, verbose=0))
    check_against_keras("guide: predict", model.predict(X[:3], verbose=0))


class CategoricalTruePositives(keras.metrics.Metric):
    def __init__(self, name="categorical_true_positives", **kwargs):
        super().__init__(name=name, **kwargs)
        self.true_positives = self.add_variable(shape=(), name="ctp", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_pred = ops.reshape(ops.argmax(y_pred, axis=1), (-1, 1))
        values = ops.cast(ops.equal(ops.cast(y_true, "int32"), ops.cast(y_pred, "int32")[:, 0]), "float32")
        if sample_weight is not None:
            values = ops.multiply(values, ops.cast(sample_weight, "float32"))
        self.true_positives.assign_add(ops.sum(values))

    def result(self):
        return self.true_positives + 0.0

    def reset_state(self):
        self.true_positives.assign(0.0)


def test_a_metric_class_of_ones_own():
    history = fit(compiled(metrics=[CategoricalTruePositives()]), validation_split=0.25)
    check_against_keras("guide: own metric", history)
    weighted = fit(compiled(metrics=None, weighted_metrics=[CategoricalTruePositives()]),
                   sample_weight=np.linspace(0, 1, 48))
    check_against_keras("guide: own weighted metric", weighted)


class CustomMSE(keras.losses.Loss):
    def __init__(self, regularization_factor=0.1, name="custom_mse"):
        super().__init__(name=name)
        self.regularization_factor = regularization_factor

    def call(self, y_true, y_pred):
        mse = ops.mean(ops.square(y_true - y_pred), axis=-1)
        return mse + ops.mean(ops.square(0.5 - y_pred), axis=-1) * self.regularization_factor


def custom_mean_squared_error(y_true, y_pred):
    return ops.mean(ops.square(y_true - y_pred), axis=-1)


@pytest.mark.parametrize("loss", [CustomMSE(), custom_mean_squared_error, "mse", keras.losses.MeanSquaredError,
                                  lambda t, p: ops.mean((t - p) ** 2), "categorical_crossentropy", "crossentropy",
                                  keras.losses.CategoricalCrossentropy(label_smoothing=0.1, name="smoothed")],
                         ids=["object", "function", "name", "class", "lambda", "categorical", "inferred", "smoothed"])
def test_losses_in_every_form(loss):
    loss = loss() if isinstance(loss, type) else loss
    one_hot = keras.utils.to_categorical(LABELS, 3)
    model = compiled(loss=loss, metrics=["acc", "mae", custom_mean_squared_error])
    name = loss if isinstance(loss, str) else getattr(loss, "name", getattr(loss, "__name__", ""))
    check_against_keras(f"guide: loss {name}", fit(model, y=one_hot, sample_weight=np.linspace(0.5, 1.5, 48)))


def test_losses_and_metrics_added_by_layers():
    class Activity(layers.Layer):
        def __init__(self):
            super().__init__()
            self.deviation = keras.metrics.Mean(name="std_of_activation")

        def call(self, inputs):
            self.add_loss(ops.sum(inputs) * 0.01)
            self.deviation.update_state(ops.std(inputs))
            return inputs

    inputs = keras.Input((6,))
    x = Activity()(layers.Dense(8, activation="relu", kernel_regularizer="l2")(inputs))
    model = fix(keras.Model(inputs, layers.Dense(3)(x)))
    model.compile(keras.optimizers.RMSprop(1e-2), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    check_against_keras("guide: added losses", fit(model, validation_split=0.25))


def test_an_endpoint_that_adds_its_loss_and_no_compiled_loss():
    class LogisticEndpoint(layers.Layer):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

        def call(self, targets, logits, sample_weights=None):
            self.add_loss(self.loss_fn(targets, logits, sample_weights))
            return ops.sigmoid(logits)

    inputs, targets = keras.Input((6,), name="inputs"), keras.Input((1,), name="targets")
    logits = layers.Dense(1)(inputs)
    model = fix(keras.Model([inputs, targets], LogisticEndpoint(name="predictions")(targets, logits)))
    model.compile(optimizer=keras.optimizers.SGD(0.1))
    data = {"inputs": X, "targets": (LABELS[:, None] > 0).astype("float32")}
    check_against_keras("guide: endpoint", model.fit(data, epochs=2, verbose=0, shuffle=False).history)


def test_weights_of_classes_and_samples():
    weight = {0: 1.0, 1: 2.0, 2: 0.5}
    check_against_keras("guide: class weight", fit(compiled(), class_weight=weight))
    one_hot = keras.utils.to_categorical(LABELS, 3)
    check_against_keras("guide: class weight of one-hot", fit(compiled(
        loss="categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]), y=one_hot,
        class_weight=weight))
    samples = np.where(LABELS == 2, 2.0, 1.0)
    model = compiled(weighted_metrics=["sparse_categorical_accuracy"])
    check_against_keras("guide: sample weight", fit(model, sample_weight=samples, validation_split=0.25))
    check_against_keras("guide: evaluate weighted", model.evaluate(X, LABELS, sample_weight=samples, verbose=0,
                                                                   return_dict=True))


class Batches(keras.utils.PyDataset):
    def __init__(self, size=16, parts=2, **kwargs):
        super().__init__(**kwargs)
        self.size, self.parts, self.epochs = size, parts, 0

    def __len__(self):
        return 48 // self.size

    def __getitem__(self, i):
        rows = slice(i * self.size, (i + 1) * self.size)
        return (X[rows], LABELS[rows], np.linspace(0, 1, 48)[rows])[:self.parts]

    def on_epoch_end(self):
        self.epochs += 1


def test_data_from_a_py_dataset():
    data = Batches()
    model = compiled()
    check_against_keras("guide: PyDataset", fit(model, data, None, batch_size=None, validation_data=Batches(12)))
    assert data.epochs >= 2  # Keras counts a look at the first batch too
    check_against_keras("guide: PyDataset weighted", model.evaluate(Batches(16, 3), verbose=0))
    check_against_keras("guide: PyDataset steps", model.evaluate(Batches(16, 3), steps=2, verbose=0))
    assert model.predict(Batches(16, 3), verbose=0).shape == (48, 3)


def test_data_from_generators():
    def batches(forever=True):
        while True:
            for i in range(3):
                yield X[16 * i:16 * i + 16], LABELS[16 * i:16 * i + 16]
            if not forever:
                return

    model = compiled()
    history = model.fit(batches(), epochs=2, steps_per_epoch=3, validation_data=(X, LABELS), verbose=0)
    check_against_keras("guide: generator", history.history)
    check_against_keras("guide: generator evaluate", model.evaluate(batches(), steps=3, verbose=0))
    assert model.predict(batches(), steps=2, verbose=0).shape == (32, 3)
    assert model.predict(batches(forever=False), verbose=0).shape == (48, 3)


def test_steps_per_epoch_on_arrays():
    model = compiled()
    with pytest.warns(UserWarning, match="data"):
        history = fit(model, epochs=3, batch_size=8, steps_per_epoch=4, validation_data=(X, LABELS), validation_steps=1)
    check_against_keras("guide: steps per epoch", history)


def two_ends():
    image, series = keras.Input((4, 4, 3), name="img_input"), keras.Input((None, 5), name="ts_input")
    x1 = layers.GlobalMaxPooling2D()(layers.Conv2D(3, 3)(image))
    x2 = layers.GlobalMaxPooling1D()(layers.Conv1D(3, 3)(series))
    x = layers.concatenate([x1, x2])
    score, kind = layers.Dense(1, name="score_output")(x), layers.Dense(5, name="class_output")(x)
    return fix(keras.Model(inputs=[image, series], outputs=[score, kind]))


IMAGES, SERIES = normal(20, 4, 4, 3), normal(20, 7, 5)
SCORES, KINDS = normal(20, 1), keras.utils.to_categorical(integers(5, 20), 5)

MULTI = {
    "lists": {"loss": [keras.losses.MeanSquaredError(), keras.losses.CategoricalCrossentropy(from_logits=True)]},
    "metric lists": {
        "loss": ["mse", keras.losses.CategoricalCrossentropy(from_logits=True)],
        "metrics": [[keras.metrics.MeanAbsolutePercentageError(), keras.metrics.MeanAbsoluteError()],
                    [keras.metrics.CategoricalAccuracy()]]},
    "dicts": {
        "loss": {"score_output": keras.losses.MeanSquaredError(),
                 "class_output": keras.losses.CategoricalCrossentropy(from_logits=True)},
        "metrics": {"score_output": [keras.metrics.MeanAbsolutePercentageError(), keras.metrics.MeanAbsoluteError()],
                    "class_output": [keras.metrics.CategoricalAccuracy()]},
        "loss_weights": {"score_output": 2.0, "class_output": 1.0}},
    "one metric each": {"loss": "mse", "metrics": ["mae", "accuracy"], "weighted_metrics": ["mse", None]},
    "weights as a list": {"loss": ["mse", "mae"], "loss_weights": [0.3, 3.0], "weighted_metrics": [["mae"], ["mae"]]},
    "some metrics": {"loss": ["mse", "mae"], "metrics": {"class_output": "mse"}},
    "one loss": {"loss": [None, keras.losses.CategoricalCrossentropy(from_logits=True)]},
    "one loss by name": {"loss": {"score_output": None, "class_output": "mse"}},
}


@pytest.mark.filterwarnings("ignore:Gradients do not exist", "ignore:.*score_output.*:UserWarning")
@pytest.mark.parametrize("form", MULTI)
def test_several_inputs_and_outputs(form):
    model = two_ends()
    model.compile(keras.optimizers.RMSprop(1e-2), **MULTI[form])
    arguments = {"batch_size": 8, "epochs": 2, "verbose": 0, "shuffle": False}
    history = model.fit([IMAGES, SERIES], [SCORES, KINDS], **arguments).history
    check_against_keras(f"guide: outputs, {form}", history)
    inputs = {"img_input": IMAGES, "ts_input": SERIES}
    if "by name" not in form:
        targets = {"score_output": SCORES, "class_output": KINDS}
        model.fit(inputs, targets, validation_data=(inputs, targets), **arguments)
    model.fit(inputs, [SCORES, KINDS], sample_weight=[np.linspace(0, 1, 20), np.linspace(1, 2, 20)], **arguments)
    check_against_keras(f"guide: outputs, {form}, evaluate", model.evaluate(
        [IMAGES, SERIES], [SCORES, KINDS], verbose=0))
    check_against_keras(f"guide: outputs, {form}, dict", model.evaluate(
        [IMAGES, SERIES], [SCORES, KINDS], verbose=0, return_dict=True))
    predictions = model.predict(inputs, verbose=0)
    assert isinstance(predictions, list) and [p.shape for p in predictions] == [(20, 1), (20, 5)]


def test_early_stopping_restores_the_best_weights():
    model = compiled(optimizer=keras.optimizers.SGD(3.0))
    stop = keras.callbacks.EarlyStopping(monitor="val_loss", min_delta=1e-2, patience=2, restore_best_weights=True)
    history = fit(model, epochs=20, validation_split=0.25, callbacks=[stop])
    check_against_keras("guide: early stopping", history)
    check_against_keras("guide: early stopping, state", [stop.stopped_epoch, stop.best, stop.best_epoch, stop.wait])
    check_against_keras("guide: early stopping, weights", model.evaluate(X, LABELS, verbose=0))


def test_checkpoints(tmp_path):
    save = keras.callbacks.ModelCheckpoint(
        str(tmp_path / "mymodel_{epoch}_{val_loss:.2f}.keras"), save_best_only=True, monitor="val_loss", verbose=0)
    fit(compiled(), epochs=3, validation_split=0.25, callbacks=[save])
    names = sorted(p.name for p in tmp_path.iterdir())
    check_against_keras("guide: checkpoints", names)
    assert keras.models.load_model(tmp_path / names[0]).evaluate(X, LABELS, verbose=0)


def test_learning_rates():
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, decay_steps=2, decay_rate=0.5, staircase=True)
    model = compiled(optimizer=keras.optimizers.RMSprop(schedule))
    check_against_keras("guide: schedule", fit(model))
    check_against_keras("guide: schedule, rate", float(ops.convert_to_numpy(model.optimizer.learning_rate)))
    rates = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)
    check_against_keras("guide: scheduler", fit(compiled(), epochs=3, callbacks=[rates]))
    plateau = keras.callbacks.ReduceLROnPlateau("loss", factor=0.1, patience=1, min_delta=0.5)
    check_against_keras("guide: plateau", fit(compiled(), epochs=5, callbacks=[plateau]))


def test_a_callback_that_changes_the_optimizer_and_sees_logs():
    class LossHistory(keras.callbacks.Callback):
        def on_train_begin(self, logs=None):
            self.per_batch_losses = []

        def on_batch_end(self, batch, logs=None):
            self.per_batch_losses.append(logs.get("loss"))
            self.model.optimizer.learning_rate = 0.01 / (batch + 1)

    losses = LossHistory()
    fit(compiled(), callbacks=[losses])
    check_against_keras("guide: losses by batch", losses.per_batch_losses)


@pytest.mark.parametrize("steps", [2, 4])
def test_several_steps_an_execution(steps):
    class Ends(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.seen = []

        def on_train_batch_begin(self, batch, logs=None):
            self.seen.append(["begin", batch])

        def on_train_batch_end(self, batch, logs=None):
            self.seen.append(["end", batch, round(logs["loss"], 5)])

        def on_predict_batch_end(self, batch, logs=None):
            self.seen.append(["predict", batch])

    ends = Ends()
    model = compiled(steps_per_execution=steps)
    check_against_keras(f"guide: {steps} steps", fit(model, batch_size=6, callbacks=[ends], epochs=1))
    assert model.predict(X, batch_size=6, verbose=0, callbacks=[ends]).shape == (48, 3)
    check_against_keras(f"guide: {steps} steps, ends", ends.seen)


def test_weights_of_time_steps():
    x, y = normal(10, 5, 4), normal(10, 5, 2)
    weight = np.random.RandomState(1).uniform(size=(10, 5))
    model = fix(keras.Sequential([keras.Input((5, 4)), layers.Dense(2)]))
    model.compile("sgd", "mse", metrics=["mae"], weighted_metrics=["mae", keras.metrics.MeanSquaredError()])
    history = model.fit(x, y, sample_weight=weight, batch_size=4, epochs=2, verbose=0, shuffle=False).history
    check_against_keras("guide: temporal weights", history)


def test_single_batches():
    model = compiled(metrics=["accuracy"])
    check_against_keras("guide: train_on_batch", model.train_on_batch(X[:8], LABELS[:8]))
    check_against_keras("guide: train_on_batch, weights", model.train_on_batch(
        X[:8], LABELS[:8], class_weight={0: 1.0, 1: 2.0, 2: 3.0}, return_dict=True))
    check_against_keras("guide: test_on_batch", model.test_on_batch(X[8:], LABELS[8:], return_dict=True))
    model.reset_metrics()
    check_against_keras("guide: test_on_batch, reset", model.test_on_batch(X[8:], LABELS[8:]))
    bare = compiled(metrics=None)
    check_against_keras("guide: train_on_batch, bare", bare.train_on_batch(X, LABELS))
    assert np.ndim(bare.train_on_batch(X, LABELS)) == 0


def test_fit_builds_what_is_not_built():
    model = keras.Sequential([layers.Dense(4, activation="relu"), layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    assert not model.built
    fit(model, epochs=1)
    assert model.built and model.count_params() == 6 * 4 + 4 + 4 * 3 + 3
    assert model.input_shape[1:] == (6,) and model.output_shape[1:] == (3,)
    assert model.input_shape[0] in (None, 16)


def test_recompiling_starts_the_optimizer_again_and_keeps_weights():
    model = compiled()
    fit(model)
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    check_against_keras("guide: recompiled", fit(model))


def test_a_compile_config_that_travels():
    model = compiled(optimizer=keras.optimizers.Adam(0.003), weighted_metrics=["accuracy"])
    config = model.get_compile_config()
    other = classifier()
    other.compile_from_config(config)
    assert float(ops.convert_to_numpy(other.optimizer.learning_rate)) == pytest.approx(0.003)
    again = fit(other)
    for name, values in fit(model).items():
        assert again[name] == pytest.approx(values)
