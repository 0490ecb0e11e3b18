"""New layers and models by subclassing."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.programs.tools import check_against_keras, fix, normal, weights_of

X = normal(6, 4)


class Linear(layers.Layer):
    def __init__(self, units=32, **kwargs):
        super().__init__(**kwargs)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="random_normal", trainable=True)

    def call(self, inputs):
        return ops.matmul(inputs, self.w) + self.b

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def test_weights_in_the_constructor():
    class Eager(layers.Layer):
        def __init__(self, units=3, input_dim=4):
            super().__init__()
            self.w = self.add_weight(shape=(input_dim, units), initializer="ones", trainable=True)
            self.b = keras.Variable(np.arange(3.0), dtype="float32", name="bias")

        def call(self, inputs):
            return ops.matmul(inputs, self.w) + self.b

    layer = Eager()
    assert [tuple(w.shape) for w in layer.weights] == [(4, 3), (3,)] and not layer.built
    check_against_keras("subclass: eager", layer(X))
    assert layer.built and layer.b.name == "bias"


def test_weights_that_training_leaves_alone():
    class ComputeSum(layers.Layer):
        def __init__(self, input_dim):
            super().__init__()
            self.total = self.add_weight(initializer="zeros", shape=(input_dim,), trainable=False)

        def call(self, inputs):
            self.total.assign_add(ops.sum(inputs, axis=0))
            return self.total

    layer = ComputeSum(2)
    x = np.ones((2, 2), "float32")
    assert np.array(layer(x)).tolist() == [2.0, 2.0]
    assert np.array(layer(x)).tolist() == [4.0, 4.0]
    assert len(layer.weights) == len(layer.non_trainable_weights) == 1 and layer.trainable_weights == []


def test_a_sum_is_kept_through_fit_and_evaluate():
    class Count(layers.Layer):
        def __init__(self):
            super().__init__()
            self.seen = self.add_weight(initializer="zeros", shape=(), trainable=False, dtype="int32", name="seen")

        def call(self, inputs, training=False):
            if training:
                self.seen.assign_add(ops.shape(inputs)[0])
            return inputs

    count = Count()
    model = keras.Sequential([keras.Input((4,)), count, layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=3, batch_size=4, verbose=0)
    model.evaluate(X, X[:, :1], verbose=0)
    assert int(count.seen) == 18


class MLPBlock(layers.Layer):
    def __init__(self):
        super().__init__()
        self.linear_1, self.linear_2, self.linear_3 = Linear(32), Linear(32), Linear(1)

    def call(self, inputs):
        x = keras.activations.relu(self.linear_1(inputs))
        return self.linear_3(keras.activations.relu(self.linear_2(x)))


def test_layers_in_layers():
    mlp = MLPBlock()
    assert mlp.weights == []
    assert mlp(np.ones((3, 64), "float32")).shape == (3, 1)
    assert len(mlp.weights) == 6 and len(mlp.trainable_weights) == 6
    fix(mlp)
    check_against_keras("subclass: nested", mlp(np.ones((3, 64), "float32")))
    assert [w.path.rsplit("/", 2)[-2].rstrip("_0123456789") for w in mlp.weights] == ["linear"] * 6


def test_configs_travel():
    layer = Linear(64, name="mine", dtype="float64")
    again = Linear.from_config(layer.get_config())
    assert (again.units, again.name, again.dtype) == (64, "mine", "float64")


def test_training_and_masks_are_arguments():
    class CustomDropout(layers.Layer):
        def __init__(self, rate, **kwargs):
            super().__init__(**kwargs)
            self.rate = rate
            self.seed_generator = keras.random.SeedGenerator(1337)

        def call(self, inputs, training=None):
            if training:
                return keras.random.dropout(inputs, rate=self.rate, seed=self.seed_generator)
            return inputs

    layer = CustomDropout(0.5)
    np.testing.assert_array_equal(np.array(layer(X)), X)
    first, second = np.array(layer(X, training=True)), np.array(layer(X, training=True))
    assert (first == 0).any() and not np.array_equal(first, second)
    assert len(layer.variables) == 1 and layer.weights == []
    model = keras.Sequential([layer])
    assert not np.array_equal(np.array(model(X, training=True)), X)
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)


def test_losses_of_inner_layers_are_reset_by_the_outer_call():
    class Activity(layers.Layer):
        def __init__(self, rate=1e-2):
            super().__init__()
            self.rate = rate

        def call(self, inputs):
            self.add_loss(self.rate * ops.mean(inputs))
            return inputs

    class Outer(layers.Layer):
        def __init__(self):
            super().__init__()
            self.inner = Activity()
            self.dense = layers.Dense(2, kernel_regularizer=keras.regularizers.L2(1e-3))

        def call(self, inputs):
            return self.dense(self.inner(inputs))

    layer = Outer()
    assert layer.losses == []
    layer(np.zeros((1, 1), "float32"))
    assert len(layer.losses) == 2
    layer(np.zeros((1, 1), "float32"))
    assert len(layer.losses) == 2
    fix(layer)
    check_against_keras("subclass: losses", [float(x) for x in layer.losses])


class Sampling(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(1337)

    def call(self, inputs):
        z_mean, z_log_var = inputs
        epsilon = keras.random.normal(shape=ops.shape(z_mean), seed=self.seed_generator)
        return z_mean + ops.exp(0.5 * z_log_var) * epsilon * 0.0


class Encoder(layers.Layer):
    def __init__(self, latent_dim=3, intermediate_dim=8, name="encoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.dense_proj = layers.Dense(intermediate_dim, activation="relu")
        self.dense_mean, self.dense_log_var = layers.Dense(latent_dim), layers.Dense(latent_dim)
        self.sampling = Sampling()

    def call(self, inputs):
        x = self.dense_proj(inputs)
        z_mean, z_log_var = self.dense_mean(x), self.dense_log_var(x)
        return z_mean, z_log_var, self.sampling((z_mean, z_log_var))


class Decoder(layers.Layer):
    def __init__(self, original_dim, intermediate_dim=8, name="decoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.dense_proj = layers.Dense(intermediate_dim, activation="relu")
        self.dense_output = layers.Dense(original_dim, activation="sigmoid")

    def call(self, inputs):
        return self.dense_output(self.dense_proj(inputs))


class VariationalAutoEncoder(keras.Model):
    def __init__(self, original_dim, name="autoencoder", **kwargs):
        super().__init__(name=name, **kwargs)
        self.original_dim = original_dim
        self.encoder, self.decoder = Encoder(), Decoder(original_dim)

    def call(self, inputs):
        z_mean, z_log_var, z = self.encoder(inputs)
        self.add_loss(-0.5 * ops.mean(z_log_var - ops.square(z_mean) - ops.exp(z_log_var) + 1))
        return self.decoder(z)


def test_a_variational_autoencoder():
    x = np.random.RandomState(2).uniform(size=(40, 10)).astype("float32")
    vae = VariationalAutoEncoder(10)
    vae.compile(keras.optimizers.Adam(1e-2), loss=keras.losses.MeanSquaredError())
    assert vae(x).shape == (40, 10)
    fix(vae)
    history = vae.fit(x, x, epochs=3, batch_size=16, verbose=0, shuffle=False, validation_data=(x, x)).history
    check_against_keras("subclass: VAE", history)
    check_against_keras("subclass: VAE, weights", [float(np.abs(w).sum()) for w in weights_of(vae)])
    assert vae.encoder.sampling.seed_generator.state in vae.non_trainable_variables or any(
        v is vae.encoder.sampling.seed_generator.state for v in vae.non_trainable_variables)


def test_a_model_of_blocks_in_a_list_with_summary():
    class ResNet(keras.Model):
        def __init__(self, n_blocks, n_classes):
            super().__init__()
            self.stem = layers.Dense(4)
            self.blocks = [layers.Dense(4, activation="relu") for _ in range(n_blocks)]
            self.classifier = layers.Dense(n_classes, activation="softmax")

        def call(self, inputs, training=False):
            x = self.stem(inputs)
            for block in self.blocks:
                x = x + block(x)
            return self.classifier(x)

    model = ResNet(3, 5)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(X, np.arange(6) % 5, verbose=0)
    assert len(model.layers) == 5 and len(model.weights) == 10
    lines = []
    model.summary(print_fn=lines.append)
    assert f"{model.count_params()}" in "\n".join(lines)


def test_building_by_hand():
    class Two(keras.Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = layers.Dense(3), layers.Dense(2)

        def build(self, input_shape):
            self.a.build(input_shape)
            self.b.build(self.a.compute_output_shape(input_shape))

        def call(self, x):
            return self.b(self.a(x))

    model = Two()
    model.build((None, 4))
    assert model.built and model.a.built and model.count_params() == 15 + 8
    automatic = VariationalAutoEncoder(10)
    automatic.build((None, 10))
    assert automatic.built


def test_several_inputs_nested_structures_and_keywords():
    class Mix(keras.Model):
        def __init__(self):
            super().__init__()
            self.left, self.right = layers.Dense(2), layers.Dense(2)

        def call(self, inputs, scale=1.0, training=False):
            a, b = inputs["a"], inputs["b"]
            out = self.left(a) * scale
            return {"sum": out + self.right(b), "parts": [out, self.right(b)]}

    model = Mix()
    data = {"a": X, "b": normal(6, 3)}
    out = model(data, scale=2.0)
    assert set(out) == {"sum", "parts"} and len(out["parts"]) == 2
    fix(model)
    predictions = model.predict(data, batch_size=4, verbose=0)
    check_against_keras("subclass: nested outputs", {k: predictions[k] for k in sorted(predictions)})
    model.compile("sgd", {"sum": "mse", "parts": ["mae", "mse"]})
    targets = {"sum": X[:, :2], "parts": [X[:, :2], X[:, 2:]]}
    history = model.fit(data, targets, epochs=2, batch_size=4, shuffle=False, verbose=0).history
    check_against_keras("subclass: nested losses", history)


def test_lists_as_inputs():
    class Sum(keras.Model):
        def __init__(self):
            super().__init__()
            self.denses = [layers.Dense(2), layers.Dense(2)]

        def call(self, inputs):
            return [d(x) for d, x in zip(self.denses, inputs, strict=True)]

    model = Sum()
    model.compile("sgd", ["mse", "mae"], loss_weights=[1.0, 0.5], metrics=[["mae"], ["mse"]])
    model([X, X])
    fix(model)
    arguments = {"epochs": 2, "verbose": 0, "shuffle": False, "batch_size": 4}
    history = model.fit([X, 2 * X], [X[:, :2], X[:, 2:]], **arguments).history
    check_against_keras("subclass: list outputs", list(history.values()))
    assert [p.shape for p in model.predict([X, X], verbose=0)] == [(6, 2), (6, 2)]


def test_mistakes_name_the_layer_and_what_to_do():
    outer = keras.Sequential([keras.Input((4,)), layers.Dense(2, name="inner")], name="outer")
    with pytest.raises(ValueError, match="inner|outer"):
        outer(np.ones((2, 5), "float32"))
    with pytest.raises((TypeError, ValueError), match="Dense"):
        layers.Dense(3).from_config({"unit": 3})
    with pytest.raises((AttributeError, ValueError), match="output|called"):
        _ = layers.Dense(3).output


def test_functional_models_with_methods_of_their_own():
    class Classifier(keras.Model):
        def __init__(self, units=3, **kwargs):
            inputs = keras.Input((4,))
            outputs = layers.Dense(units, name="out")(layers.Dense(5, activation="relu")(inputs))
            super().__init__(inputs=inputs, outputs=outputs, **kwargs)
            self.units = units
            self.extra = keras.metrics.Mean(name="extra")

        def classify(self, x):
            return np.argmax(self.predict(x, verbose=0), axis=-1)

        def get_config(self):
            return {"units": self.units, "name": self.name}

    model = fix(Classifier(name="mine"))
    assert model.classify(X).shape == (6,) and [layer.name for layer in model.layers][-1] == "out"
    again = Classifier.from_config(model.get_config())
    again.set_weights(weights_of(model))
    np.testing.assert_allclose(again.predict(X, verbose=0), model.predict(X, verbose=0))


def test_functional_models_with_arguments_of_their_own_come_back():
    class Named(keras.Model):
        def __init__(self, *args, param=1, **kwargs):
            super().__init__(*args, **kwargs)
            self.param = param

        def get_config(self):
            return {**super().get_config(), "param": self.param}

    inputs = keras.Input((4,))
    model = Named(inputs=inputs, outputs=layers.Dense(5)(inputs), param=3)
    assert Named.from_config(model.get_config()).param == 3


def test_freezing_reaches_layers_inside_and_batch_normalization_stops_learning():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3), layers.BatchNormalization(name="bn")])
    model = keras.Sequential([keras.Input((4,)), inner, layers.Dense(1)])
    inner.trainable = False
    assert len(model.trainable_weights) == 2 and len(model.non_trainable_weights) == 6
    assert not inner.get_layer("bn").trainable
    fix(model)
    before = weights_of(inner)
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=2, verbose=0)
    for a, b in zip(before, weights_of(inner), strict=True):
        np.testing.assert_array_equal(a, b)
    inner.trainable = True
    model.compile(keras.optimizers.SGD(0.01), "mse")
    fix(model)
    check_against_keras("subclass: fine tuning", model.fit(X, X[:, :1], epochs=2, batch_size=3, shuffle=False,
                                                           verbose=0).history)
    check_against_keras("subclass: fine tuning, predict", model.predict(X, verbose=0))
