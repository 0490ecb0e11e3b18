"""Models, weights and the state of training to files and back."""

import json
import pathlib
import zipfile

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from tests.small_models import assert_same, fill, mlp, normal, run, two_inputs


class Wrapped(layers.Layer):
    """Holds another layer."""

    def __init__(self, inner, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.factor = inner, factor

    def call(self, x):
        return self.inner(x) * self.factor

    def get_config(self):
        inner = keras.saving.serialize_keras_object(self.inner)
        return {**super().get_config(), "inner": inner, "factor": self.factor}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config.pop("inner")), **config)


class BuiltItsWay(layers.Layer):
    """Says itself for what it was built, and what it stores."""

    def build(self, input_shape):
        self.length = input_shape[-1]
        self.w = self.add_weight(shape=(self.length, 2), name="w")

    def call(self, x):
        return ops.matmul(x, self.w)

    def get_build_config(self):
        return {"length": self.length}

    def build_from_config(self, config):
        self.build((None, config["length"]))

    def save_own_variables(self, store):
        store["mine"] = np.asarray(self.w) * 2
        store["extra"] = np.arange(3)

    def load_own_variables(self, store):
        self.w.assign(store["mine"] / 2)
        self.extra = store["extra"].tolist()


class Vocabulary(layers.Layer):
    """Keeps words in a file of its own."""

    words = ()

    def call(self, x):
        return x

    def save_assets(self, dir_path):
        (pathlib.Path(dir_path) / "words.txt").write_text(" ".join(self.words))

    def load_assets(self, dir_path):
        self.words = tuple((pathlib.Path(dir_path) / "words.txt").read_text().split())


class Distance(keras.losses.Loss):
    """A loss with an argument."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, y_true, y_pred):
        return ops.mean(ops.abs(y_true - y_pred), axis=-1) * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def tripled(x):
    return 3 * ops.relu(x)


def spread(y_true, y_pred):
    return ops.max(y_pred, axis=-1) - ops.min(y_pred, axis=-1)


@keras.saving.register_keras_serializable(package="tests", name="Stacked")
class Stack(keras.Model):
    """Holds layers in a list and a dict, and compiles itself."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.stack = [layers.Dense(units), {"last": layers.Dense(units)}]

    def call(self, x):
        return self.stack[1]["last"](self.stack[0](x))

    def get_config(self):
        return {**super().get_config(), "units": self.units}

    def get_compile_config(self):
        return {"rate": float(self.optimizer.learning_rate)}

    def compile_from_config(self, config):
        self.compile(keras.optimizers.SGD(config["rate"]), "mse")


CUSTOM = {c.__name__: c for c in (Wrapped, BuiltItsWay, Vocabulary, Distance, tripled, spread)}


def custom_model():
    i = keras.Input((4,))
    x = Wrapped(layers.Dense(3, name="inner"), factor=3.0, name="wrapped")(i)
    x = BuiltItsWay(name="own")(layers.Dense(3, activation=tripled)(x))
    vocabulary = Vocabulary(name="words")
    vocabulary.words = ("a", "b")
    return fill(keras.Model(i, vocabulary(x)))


@pytest.mark.parametrize("name", ["m.keras", "m.h5", "folder"])
@pytest.mark.parametrize("make", [mlp, two_inputs])
def test_a_whole_model(name, make, tmp_path):
    model = make()
    path = tmp_path / name
    model.save(path, **({"zipped": False} if name == "folder" else {}))
    loaded = keras.models.load_model(path)
    assert type(loaded) is type(model) and loaded.name == model.name
    assert_same(model, loaded, [normal(2, 4)] * len(model.inputs) if make is two_inputs else normal(2, 4))


def test_custom_objects(tmp_path):
    model, path, x = custom_model(), str(tmp_path / "m.keras"), normal(3, 4)
    model.compile(keras.optimizers.Adam(0.01), Distance(3.0), metrics=[spread, "mae"])
    model.fit(x, normal(3, 2), verbose=0)
    model.save(path)
    with pytest.raises(TypeError, match="Wrapped.*custom_objects"):
        keras.models.load_model(path)
    loaded = keras.models.load_model(path, custom_objects=CUSTOM)
    assert_same(model, loaded, x)
    assert loaded.get_layer("own").extra == [0, 1, 2] and loaded.get_layer("words").words == ("a", "b")
    assert isinstance(loaded.loss, Distance) and loaded.loss.factor == 3.0
    assert loaded.evaluate(x, normal(3, 2), verbose=0) == pytest.approx(model.evaluate(x, normal(3, 2), verbose=0))
    with keras.saving.custom_object_scope(CUSTOM):
        assert not keras.models.load_model(path, compile=False).compiled
        assert keras.models.model_from_json(model.to_json()).count_params() == model.count_params()


def test_a_registered_model_that_compiles_itself(tmp_path):
    model = Stack(3)
    model(normal(1, 2))
    fill(model).compile(keras.optimizers.SGD(0.25), "mse")
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    assert type(loaded) is Stack and float(loaded.optimizer.learning_rate) == 0.25
    assert_same(model, loaded, normal(2, 2))
    assert json.loads(model.to_json())["registered_name"] == "tests>Stacked"


class Plain(keras.Model):
    """No get_config: that of its arguments is made."""

    def __init__(self, units=2):
        super().__init__()
        self.dense = layers.Dense(units)

    def call(self, a, b):
        return self.dense(a) + b


def test_a_config_is_made_of_plain_arguments(tmp_path):
    model = Plain(3)
    model(normal(2, 4), normal(2, 3))
    assert model.get_config() == {"units": 3}
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras", custom_objects={"Plain": Plain})
    np.testing.assert_array_equal(loaded.get_weights()[0], model.get_weights()[0])


def test_lengths_that_are_open_stay_open_in_the_file():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(2)

        def call(self, x):
            return self.dense(x)

    block = Block()
    block(keras.Input((None, 3)))
    assert block.dense.get_build_config() == {"input_shape": (None, None, 3)}


@pytest.mark.parametrize("make", [
    lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True, clipnorm=1.0),
    lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.1, 3, 0.5), amsgrad=True),
    lambda: keras.optimizers.RMSprop(0.01, use_ema=True, centered=True), lambda: keras.optimizers.Lamb(0.01),
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".keras", ".h5", ".weights.h5"])
def test_training_goes_on_as_if_nothing_had_happened(make, suffix, tmp_path):
    x, y, path = normal(8, 4), normal(8, 2), tmp_path / f"m{suffix}"
    fit = {"epochs": 2, "batch_size": 4, "shuffle": False, "verbose": 0}
    model = mlp()
    model.layers[0].trainable = False
    model.compile(make(), "mse", metrics=["mae", keras.metrics.RootMeanSquaredError()])
    model.fit(x, y, **fit)
    if suffix == ".weights.h5":
        model.save_weights(path)
        other = fill(mlp(), 5)
        other.layers[0].trainable = False
        other.compile(make(), "mse", metrics=["mae", keras.metrics.RootMeanSquaredError()])
        other.load_weights(path)
    else:
        model.save(path)
        other = keras.models.load_model(path)
    assert len(other.trainable_weights) == 2
    expected, found = model.fit(x, y, **fit).history, other.fit(x, y, **fit).history
    assert found.keys() == expected.keys()
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-6)
    assert_same(model, other, x)


# ---- weights -----------------------------------------------------------------------------------------


def stack(*units):
    return fill(keras.Sequential([keras.Input((4,)), *[layers.Dense(n) for n in units]]), 9)


def test_weights_fit_by_structure_not_by_name(tmp_path):
    path = tmp_path / "w.weights.h5"
    mlp().save_weights(path)
    i = keras.Input((4,))
    graph = keras.Model(i, layers.Dense(2, name="y")(layers.Dense(3, activation="relu", name="z")(i)))
    graph.load_weights(path)
    assert_same(mlp(), graph, normal(2, 4))
    for suffix in (".keras", ".h5"):
        mlp().save(tmp_path / f"m{suffix}")
        model = fill(mlp(), 3)
        model.load_weights(tmp_path / f"m{suffix}")
        assert_same(mlp(), model, normal(2, 4))


@pytest.mark.parametrize(("units", "words", "fitting"), [
    ((3, 5), r"shape \(3, 5\)", [0, 1]), ((3, 2, 1), "and received 0 variables", [0, 1, 2, 3]), ((7, 2), "shape", []),
])  # fmt: skip
@pytest.mark.parametrize("suffix", [".weights.h5", ".h5"])
def test_weights_that_do_not_fit_change_nothing(units, words, fitting, suffix, tmp_path):
    path = tmp_path / f"w{suffix}"
    (mlp().save_weights if suffix == ".weights.h5" else mlp().save)(path)
    model = stack(*units)
    before = model.get_weights()
    if suffix == ".h5" and len(units) != 2:
        words = "2 layers"
    with pytest.raises(ValueError, match=words if suffix != ".h5" or len(units) != 2 else "shapes"):
        model.load_weights(path)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    if suffix == ".weights.h5":
        with pytest.warns(UserWarning, match="skipped"):
            model.load_weights(path, skip_mismatch=True)
        same = [np.array_equal(a, b) for a, b in zip(mlp().get_weights(), model.get_weights(), strict=False)]
        assert [k for k, s in enumerate(same) if s] == fitting


def test_what_reads_its_own_way_is_put_back_too(tmp_path):
    def model():
        return fill(keras.Sequential([keras.Input((4,)), layers.Dense(3), BuiltItsWay(), layers.Dense(2)]), 4)

    class Refusing(BuiltItsWay):
        def load_own_variables(self, store):
            self.w.assign(store["mine"])
            raise RuntimeError("no")

    path = tmp_path / "w.weights.h5"
    fill(model(), 1).save_weights(path)
    other = fill(keras.Sequential([keras.Input((4,)), layers.Dense(3), Refusing(), layers.Dense(2)]), 4)
    # The walk goes by class names inside lists, so the file says where a `built_its_way` stands.
    other.layers[1].__class__.__name__ = "BuiltItsWay"
    with pytest.raises(ValueError, match="no. Nothing was loaded"):
        other.load_weights(path)
    for a, b in zip(model().get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_objects_to_skip_are_left_as_they_are(suffix, tmp_path):
    saved, model = (keras.Sequential([keras.Input((2,)), layers.Dense(3), layers.Dense(1)]) for _ in range(2))
    fill(saved)
    path = tmp_path / f"m{suffix}"
    (saved.save_weights if suffix == ".weights.h5" else saved.save)(path)
    first, last = model.layers
    kept = first.get_weights()
    model.load_weights(path, objects_to_skip=[first])
    for a, b in zip([*first.get_weights(), *last.get_weights()], [*kept, *saved.layers[-1].get_weights()], strict=True):
        np.testing.assert_array_equal(a, b)
    saved.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="older .h5 format"):
        model.load_weights(tmp_path / "m.h5", objects_to_skip=[first])


def test_layers_by_name_from_the_older_format(tmp_path):
    mlp().save(tmp_path / "m.h5")
    model = fill(keras.Sequential([keras.Input((4,)), layers.Dense(3, name="a"), layers.Dense(9, name="other")]), 8)
    model.load_weights(tmp_path / "m.h5", by_name=True)
    np.testing.assert_array_equal(model.get_weights()[0], mlp().get_weights()[0])
    mlp().save_weights(tmp_path / "w.weights.h5")
    with pytest.raises(ValueError, match="older"):
        model.load_weights(tmp_path / "w.weights.h5", by_name=True)


def test_half_precision(tmp_path):
    model = fill(keras.Sequential([keras.Input((4,)), layers.Dense(3, dtype="bfloat16")]))
    for name in ("m.keras", "m.h5"):
        model.save(tmp_path / name)
        loaded = keras.models.load_model(tmp_path / name)
        assert loaded.weights[0].dtype == "bfloat16"
        np.testing.assert_array_equal(np.asarray(loaded.weights[0], "float32"), np.asarray(model.weights[0], "float32"))


# ---- names of files ----------------------------------------------------------------------------------


def test_files_and_what_they_hold(tmp_path):
    model = mlp()
    model.save(tmp_path / "new" / "m.keras")
    with zipfile.ZipFile(tmp_path / "new" / "m.keras") as archive:
        assert sorted(archive.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
    with pytest.raises(FileExistsError, match="overwrite=False"):
        model.save(tmp_path / "new" / "m.keras", overwrite=False)
    model.save(tmp_path / "new" / "m.keras")
    keras.saving.save_model(keras.Sequential([layers.Dense(2)]), tmp_path / "unbuilt.keras")
    assert not keras.saving.load_model(tmp_path / "unbuilt.keras").built


@pytest.mark.parametrize(("act", "error", "words"), [
    (lambda d: mlp().save(d / "m"), ValueError, "must end in .keras"),
    (lambda d: mlp().save(d / "m.keras", foo=1), ValueError, "Unrecognized keyword"),
    (lambda d: mlp().save(d / "m.h5", zipped=True), ValueError, "zipped"),
    (lambda d: mlp().save_weights(d / "m.h5"), ValueError, r"weights\.h5"),
    (lambda d: mlp().load_weights(d / "m.weights.h5"), FileNotFoundError, "File not found"),
    (lambda d: keras.models.load_model(d / "m.keras"), FileNotFoundError, "^File not found"),
    (lambda d: keras.models.load_model(d / "m.txt"), ValueError, "^File format not supported"),
    (lambda d: mlp().save(d / "m.keras", zipped=False), ValueError, "should not end in .keras"),
    (lambda d: keras.models.load_model(d), ValueError, "no config.json"),
    (lambda d: ((d / "x.keras").write_text("x"), keras.models.load_model(d / "x.keras")), ValueError, "neither"),
    (lambda d: (mlp().save_weights(d / "w.weights.h5"), keras.models.load_model(d / "w.weights.h5")), ValueError,
     "load_weights"),
    (lambda d: (mlp().save_weights(d / "w.weights.h5"), keras.Sequential([layers.Dense(3), layers.Dense(2)])
                .load_weights(d / "w.weights.h5")), ValueError, "not built"),
])  # fmt: skip
def test_refuses(act, error, words, tmp_path):
    with pytest.raises(error, match=words):
        act(tmp_path)


def test_a_lambda_is_saved_with_a_warning_and_not_loaded(tmp_path):
    model = keras.Sequential([keras.Input((2,)), layers.Lambda(lambda x: x * 2)])
    with pytest.warns(UserWarning, match="lambda"):
        model.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="never runs code"):
        keras.models.load_model(tmp_path / "m.keras", safe_mode=False)
    named = keras.Sequential([keras.Input((2,)), layers.Lambda(tripled)])
    named.save(tmp_path / "n.keras")
    assert run(keras.models.load_model(tmp_path / "n.keras", CUSTOM), np.ones((1, 2)))[0].tolist() == [[3, 3]]
