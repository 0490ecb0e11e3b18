"""Training loops and training steps of one's own."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, integers, normal, weights_of

X, Y = normal(40, 8), normal(40, 1, seed=1)


def functional(cls, **arguments):
    inputs = keras.Input(shape=(8,))
    model = fix(cls(inputs, layers.Dense(1)(layers.Dense(4, activation="tanh")(inputs)), **arguments))
    return model


def fit(model, *data, **arguments):
    data = data or (X, Y)
    return model.fit(*data, **{"batch_size": 16, "epochs": 2, "verbose": 0, "shuffle": False, **arguments}).history


class CustomModel(keras.Model):
    """The first example of the guide on customizing fit."""

    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred)
        weights = self.trainable_weights
        self.optimizer.apply(tape.gradient(loss, weights), weights)
        for metric in self.metrics:
            if metric.name == "loss":
                metric.update_state(loss)
            else:
                metric.update_state(y, y_pred)
        return {m.name: m.result() for m in self.metrics}


def test_an_overridden_train_step():
    model = functional(CustomModel)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    check_against_keras("own: train_step", dict(sorted(fit(model).items())))
    check_against_keras("own: train_step, evaluate", model.evaluate(X, Y, verbose=0, return_dict=True))


class LowerLevel(keras.Model):
    """Nothing of `compile` but the optimizer; metrics of its own."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.loss_tracker = keras.metrics.Mean(name="loss")
        self.mae_metric = keras.metrics.MeanAbsoluteError(name="mae")
        self.loss_fn = keras.losses.MeanSquaredError()

    def train_step(self, data):
        x, y = data
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.loss_fn(y, y_pred)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        self.loss_tracker.update_state(loss)
        self.mae_metric.update_state(y, y_pred)
        return {"loss": self.loss_tracker.result(), "mae": self.mae_metric.result()}

    @property
    def metrics(self):
        return [self.loss_tracker, self.mae_metric]


def test_metrics_of_ones_own():
    model = functional(LowerLevel)
    model.compile(optimizer=keras.optimizers.Adam(0.05))
    check_against_keras("own: metrics", fit(model, epochs=3))


class Weighted(keras.Model):
    """Sample weights, and a test step."""

    def train_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        with keras.GradientTape() as tape:
            y_pred = self(x, training=True)
            loss = self.compute_loss(y=y, y_pred=y_pred, sample_weight=sample_weight)
        self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
        self._loss_tracker.update_state(loss, sample_weight=ops.shape(x)[0])
        return self.compute_metrics(x, y, y_pred, sample_weight=sample_weight)

    def test_step(self, data):
        x, y, sample_weight = keras.utils.unpack_x_y_sample_weight(data)
        y_pred = self(x, training=False)
        loss = self.compute_loss(x, y, y_pred, sample_weight, training=False)
        self._loss_tracker.update_state(loss)
        logs = self.compute_metrics(x, y, y_pred, sample_weight)
        return {**logs, "constant": 5.0}


def test_steps_with_sample_weights():
    model = functional(Weighted)
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"], weighted_metrics=["mse"])
    weight = np.linspace(0, 2, 40)
    check_against_keras("own: weighted", fit(model, X, Y, sample_weight=weight, validation_data=(X, Y, weight)))
    check_against_keras("own: weighted, evaluate", model.evaluate(X, Y, sample_weight=weight, verbose=0))


def test_compute_loss_and_compute_metrics_overridden():
    class Model(keras.Model):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            self.tracker = keras.metrics.Mean(name="penalty")

        def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
            penalty = ops.mean(ops.abs(y_pred))
            self.tracker.update_state(penalty)
            return super().compute_loss(x, y, y_pred, sample_weight, training=training) + 0.1 * penalty

        def compute_metrics(self, x, y, y_pred, sample_weight=None):
            results = super().compute_metrics(x, y, y_pred, sample_weight)
            return {**results, "double": 2 * results["mae"]}

    model = functional(Model)
    model.compile("sgd", "mse", metrics=["mae"])
    check_against_keras("own: compute_loss", fit(model, validation_split=0.2))
    check_against_keras("own: compute_loss, list", model.evaluate(X, Y, verbose=0))


class GAN(keras.Model):
    def __init__(self, discriminator, generator, latent_dim):
        super().__init__()
        self.discriminator, self.generator, self.latent_dim = discriminator, generator, latent_dim
        self.d_loss_tracker = keras.metrics.Mean(name="d_loss")
        self.g_loss_tracker = keras.metrics.Mean(name="g_loss")
        self.seed_generator = keras.random.SeedGenerator(1337)
        self.built = True

    @property
    def metrics(self):
        return [self.d_loss_tracker, self.g_loss_tracker]

    def compile(self, d_optimizer, g_optimizer, loss_fn):
        super().compile()
        self.d_optimizer, self.g_optimizer, self.loss_fn = d_optimizer, g_optimizer, loss_fn

    def train_step(self, data):
        real = data[0] if isinstance(data, tuple) else data
        n = ops.shape(real)[0]
        noise = keras.random.normal((n, self.latent_dim), seed=self.seed_generator)
        combined = ops.concatenate([self.generator(noise), real], axis=0)
        labels = ops.concatenate([ops.ones((n, 1)), ops.zeros((n, 1))], axis=0)
        labels += 0.05 * keras.random.uniform(ops.shape(labels), seed=self.seed_generator)
        with keras.GradientTape() as tape:
            d_loss = self.loss_fn(labels, self.discriminator(combined))
        weights = self.discriminator.trainable_weights
        self.d_optimizer.apply(tape.gradient(d_loss, weights), weights)
        noise = keras.random.normal((n, self.latent_dim), seed=self.seed_generator)
        with keras.GradientTape() as tape:
            g_loss = self.loss_fn(ops.zeros((n, 1)), self.discriminator(self.generator(noise)))
        weights = self.generator.trainable_weights
        self.g_optimizer.apply(tape.gradient(g_loss, weights), weights)
        self.d_loss_tracker.update_state(d_loss)
        self.g_loss_tracker.update_state(g_loss)
        return {"d_loss": self.d_loss_tracker.result(), "g_loss": self.g_loss_tracker.result()}


def test_a_gan_with_two_optimizers():
    discriminator = keras.Sequential([
        keras.Input((8, 8, 1)), layers.Conv2D(4, 3, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.2),
        layers.GlobalMaxPooling2D(), layers.Dense(1)], name="discriminator")
    generator = keras.Sequential([
        keras.Input((5,)), layers.Dense(4 * 4 * 2), layers.LeakyReLU(negative_slope=0.2), layers.Reshape((4, 4, 2)),
        layers.Conv2DTranspose(4, 4, strides=2, padding="same"), layers.LeakyReLU(negative_slope=0.2),
        layers.Conv2D(1, 3, padding="same", activation="sigmoid")], name="generator")
    gan = GAN(discriminator, generator, latent_dim=5)
    gan.compile(keras.optimizers.Adam(3e-4), keras.optimizers.Adam(3e-4),
                keras.losses.BinaryCrossentropy(from_logits=True))
    before = weights_of(discriminator) + weights_of(generator)
    history = fit(gan, np.random.RandomState(0).uniform(size=(32, 8, 8, 1)).astype("float32"))
    assert set(history) == {"d_loss", "g_loss"} and np.isfinite(list(history.values())).all()
    after = weights_of(discriminator) + weights_of(generator)
    assert all(np.abs(a - b).max() > 0 for a, b in zip(before, after, strict=True))
    assert int(gan.d_optimizer.iterations) == int(gan.g_optimizer.iterations) == 4


def training_batches(size=16):
    rows = [slice(i, i + size) for i in range(0, len(X), size)]
    return [(ops.convert_to_tensor(X[r]), ops.convert_to_tensor(Y[r])) for r in rows]


def test_a_loop_of_ones_own_with_losses_of_layers():
    class Activity(layers.Layer):
        def call(self, inputs):
            self.add_loss(1e-2 * ops.sum(inputs))
            return inputs

    inputs = keras.Input((8,))
    x = layers.Dense(4, activation="relu", kernel_regularizer=keras.regularizers.L1(0.01))(inputs)
    model = fix(keras.Model(inputs, layers.Dense(1)(Activity()(x))))
    optimizer = keras.optimizers.Adam(1e-2)
    loss_fn, metric = keras.losses.MeanSquaredError(), keras.metrics.MeanAbsoluteError()
    seen = []
    for _epoch in range(2):
        for x, y in training_batches():
            with keras.GradientTape() as tape:
                outputs = model(x, training=True)
                loss = loss_fn(y, outputs) + sum(model.losses)
            assert len(model.losses) == 2
            optimizer.apply(tape.gradient(loss, model.trainable_weights), model.trainable_weights)
            metric.update_state(y, outputs)
            seen.append(float(loss))
        seen.append(float(metric.result()))
        metric.reset_state()
    check_against_keras("own: loop", seen)


def test_gradients_collected_over_batches():
    results = []
    for by_hand in (False, True):
        model = functional(keras.Model)
        optimizer = keras.optimizers.SGD(0.1, gradient_accumulation_steps=None if by_hand else 2)
        optimizer.build(model.trainable_variables)
        total = None
        for i, (x, y) in enumerate(training_batches(10)):
            with keras.GradientTape() as tape:
                loss = ops.mean((model(x, training=True) - y) ** 2)
            gradients = tape.gradient(loss, model.trainable_weights)
            if not by_hand:
                optimizer.apply(gradients, model.trainable_weights)
                continue
            total = gradients if total is None else [a + b for a, b in zip(total, gradients, strict=True)]
            if i % 2:
                optimizer.apply([g / 2 for g in total], model.trainable_weights)
                total = None
        results.append(np.concatenate([w.ravel() for w in weights_of(model)]))
    np.testing.assert_allclose(*results, rtol=1e-5, atol=1e-6)
    check_against_keras("own: accumulated gradients", results[0])


def test_a_loop_without_state():
    model = functional(keras.Model)
    optimizer = keras.optimizers.Adam(0.05)
    optimizer.build(model.trainable_variables)
    loss_fn, metric = keras.losses.MeanSquaredError(), keras.metrics.MeanAbsoluteError()
    metric.update_state(Y, Y)
    metric.reset_state()

    def compute_loss(trainable, non_trainable, metric_variables, x, y):
        y_pred, non_trainable = model.stateless_call(trainable, non_trainable, x, training=True)
        loss = loss_fn(y, y_pred)
        return loss, (non_trainable, metric.stateless_update_state(metric_variables, y, y_pred))

    step = keras.value_and_grad(compute_loss, has_aux=True)
    trainable = [v.value for v in model.trainable_variables]
    non_trainable = [v.value for v in model.non_trainable_variables]
    slots, measured = [v.value for v in optimizer.variables], [v.value for v in metric.variables]
    seen, start = [], weights_of(model)
    for x, y in training_batches():
        (loss, (non_trainable, measured)), gradients = step(trainable, non_trainable, measured, x, y)
        trainable, slots = optimizer.stateless_apply(slots, gradients, trainable)
        seen.append(float(loss))
    check_against_keras("own: stateless", [*seen, float(metric.stateless_result(measured))])
    np.testing.assert_array_equal(weights_of(model)[0], start[0])
    for variable, value in zip(model.trainable_variables, trainable, strict=True):
        variable.assign(value)
    check_against_keras("own: stateless, after", model.predict(X[:4], verbose=0))


def test_train_on_batch_in_a_loop():
    model = functional(keras.Model)
    model.compile("rmsprop", "mse", metrics=["mae"])
    seen = [model.train_on_batch(x, y) for x, y in training_batches()]
    check_against_keras("own: train_on_batch", seen)
    check_against_keras("own: predict_on_batch", model.predict_on_batch(X[:5]))


def test_a_train_step_that_calls_super():
    class Model(keras.Model):
        def train_step(self, data):
            return {**super().train_step(data), "custom": 10.0}

        def test_step(self, data):
            return {**super().test_step(data), "custom": 5.0}

    model = functional(Model)
    model.compile("sgd", "mse")
    check_against_keras("own: super", fit(model, validation_split=0.2))
    check_against_keras("own: super, evaluate", model.evaluate(X, Y, verbose=0, return_dict=True))


def test_contrastive_pretraining_shares_an_encoder():
    class Contrast(keras.Model):
        def __init__(self, encoder):
            super().__init__()
            self.encoder, self.head, self.temperature = encoder, layers.Dense(4), 0.1
            self.noise = keras.random.SeedGenerator(3)

        def call(self, x):
            return self.head(self.encoder(x))

        def train_step(self, data):
            with keras.GradientTape() as tape:
                a, b = (self(data + 0.1 * keras.random.normal(ops.shape(data), seed=self.noise)) for _ in range(2))
                a, b = ops.normalize(a), ops.normalize(b)
                similarities = ops.matmul(a, ops.transpose(b)) / self.temperature
                labels = ops.arange(ops.shape(a)[0])
                loss = ops.mean(keras.losses.sparse_categorical_crossentropy(labels, similarities, from_logits=True))
            self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
            return {"c_loss": loss}

    encoder = keras.Sequential([keras.Input((8,)), layers.Dense(6, activation="relu")])
    model = Contrast(encoder)
    model.compile(keras.optimizers.Adam(0.01))
    history = fit(model, X, epochs=8)
    assert history["c_loss"][-1] < history["c_loss"][0]
    classifier = keras.Sequential([keras.Input((8,)), encoder, layers.Dense(3)])
    classifier.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["acc"])
    assert set(fit(classifier, X, integers(3, 40))) == {"loss", "acc"}


@pytest.mark.parametrize("policy", ["mixed_float16", "float16"])
def test_a_loss_scaled_by_hand(policy):
    inputs = keras.Input((8,))
    model = fix(keras.Model(inputs, layers.Dense(1, dtype=policy if policy == "mixed_float16" else None)(inputs)))
    optimizer = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=1024.0)
    optimizer.build(model.trainable_variables)
    for x, y in training_batches():
        with keras.GradientTape() as tape:
            loss = ops.mean(ops.square(ops.cast(model(x, training=True), "float32") - y))
            scaled = optimizer.scale_loss(loss)
        optimizer.apply(tape.gradient(scaled, model.trainable_weights), model.trainable_weights)
    check_against_keras(f"own: scaled loss, {policy}", weights_of(model), rtol=5e-3, atol=1e-3)
