"""Initializers: values, seeds, names, and Keras's numbers where nothing is drawn."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest

from kerasish import initializers, ops
from kerasish.core.random_state import SeedGenerator, set_random_seed
from kerasish.core.variable import Variable
from kerasish.initializers.random import RandomInitializer
from kerasish.initializers.variance_scaling import compute_fans
from kerasish.utils.registry import builtins_in

sys.path.insert(0, str(Path(__file__).parent / "golden"))
from golden_io import assert_close, load  # noqa: E402

GOLDEN = [row for row in load("small") if row["kind"] == "initializer"]
RANDOM = [name for name, made in builtins_in("keras.initializers").items() if issubclass(made, RandomInitializer)]


def values(x):
    return np.asarray(x).astype("float64")


@pytest.mark.parametrize("row", GOLDEN, ids=[row["name"] for row in GOLDEN])
def test_as_keras(row):
    initializer = getattr(initializers, row["object"])(**row["kwargs"])
    forgotten = {"gain": initializer.gain} if row["object"] == "Identity" else {}  # Keras does not write it
    assert initializer.get_config() == {**row["config"], **forgotten}
    if "out" in row:
        assert_close(initializer(tuple(row["shape"]), "float32"), row["out"], tol=3e-6)


def test_every_initializer_is_compared_with_keras():
    assert {row["object"] for row in GOLDEN} == set(builtins_in("keras.initializers")) - {"Initializer"}


def test_the_random_ones_are_these():
    assert set(RANDOM) == {
        "RandomNormal", "RandomUniform", "TruncatedNormal", "VarianceScaling", "Orthogonal", "GlorotNormal",
        "GlorotUniform", "HeNormal", "HeUniform", "LecunNormal", "LecunUniform",
    }  # fmt: skip


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    make = getattr(initializers, name)
    shape = (5, 4)
    np.testing.assert_array_equal(values(make(seed=3)(shape)), values(make(seed=3)(shape)))
    fixed = make(seed=3)
    np.testing.assert_array_equal(values(fixed(shape)), values(fixed(shape)))
    assert (values(make()(shape)) != values(make()(shape))).any()
    unseeded = make()
    np.testing.assert_array_equal(values(unseeded(shape)), values(unseeded(shape)))
    generator = SeedGenerator(3)
    moving = make(seed=generator)
    first = values(moving(shape))
    assert (first != values(moving(shape))).any()
    np.testing.assert_array_equal(first, values(fixed(shape)))
    set_random_seed(1)
    a = values(make()(shape))
    set_random_seed(1)
    np.testing.assert_array_equal(a, values(make()(shape)))
    with pytest.raises(ValueError, match="seed"):
        make(seed="3")


@pytest.mark.parametrize("name", RANDOM)
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16", "float64"])
def test_dtypes(name, dtype):
    out = getattr(initializers, name)(seed=1)((3, 4), dtype)
    assert out.dtype.name == dtype and out.shape == (3, 4) and np.isfinite(values(out)).all()


@pytest.mark.parametrize(
    ("name", "variance", "bound"),
    [
        ("GlorotUniform", 2 / 700, math.sqrt(6 / 700)),
        ("GlorotNormal", 2 / 700, 2 * math.sqrt(2 / 700) / 0.87962566),
        ("HeUniform", 2 / 400, math.sqrt(6 / 400)),
        ("HeNormal", 2 / 400, 2 * math.sqrt(2 / 400) / 0.87962566),
        ("LecunUniform", 1 / 400, math.sqrt(3 / 400)),
        ("LecunNormal", 1 / 400, 2 * math.sqrt(1 / 400) / 0.87962566),
    ],
)
def test_variances(name, variance, bound):
    x = values(getattr(initializers, name)(seed=2)((400, 300)))
    np.testing.assert_allclose(x.var(), variance, rtol=0.02)
    assert abs(x.mean()) < 5 * math.sqrt(variance / x.size) and np.abs(x).max() <= bound * 1.000001


def test_fans():
    assert compute_fans(()) == (1, 1) and compute_fans((7,)) == (7, 7) and compute_fans((2, 3)) == (2, 3)
    assert compute_fans((3, 3, 4, 8)) == (36, 72)
    assert compute_fans((2, 3, 5), input_axes=(0,), output_axes=(1, 2)) == (2, 15)


@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6), (2, 2, 3, 5)])
def test_orthogonal(shape):
    m = values(initializers.Orthogonal(gain=2.0, seed=1)(shape)).reshape(-1, shape[-1])
    gram = m @ m.T if m.shape[0] < m.shape[1] else m.T @ m
    np.testing.assert_allclose(gram, 4 * np.eye(len(gram)), atol=1e-5)


@pytest.mark.parametrize("name", builtins_in("keras.initializers"))
def test_names_configs_and_clones(name):
    if name == "Initializer":
        return
    made = initializers.get(name)
    again = initializers.deserialize(initializers.serialize(made))
    assert type(again) is type(made) is type(made.clone()) is type(initializers.get(type(made)))
    assert made.get_config() == again.get_config() == made.clone().get_config()
    short = {"class_name": name, "config": made.get_config()}
    assert type(initializers.get(short)) is type(made)


@pytest.mark.parametrize("alias", ["glorot_uniform", "he_normal", "zeros", "one", "normal", "uniform", "stft",
                                   "orthogonal", "OrthogonalInitializer", "IdentityInitializer"])  # fmt: skip
def test_aliases(alias):
    assert isinstance(initializers.get(alias), initializers.Initializer)


def test_other_identifiers():
    def function(shape, dtype=None):
        return ops.ones(shape, dtype)

    assert initializers.get(None) is None and initializers.get(function) is function
    given = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(Variable(initializers.get(given), shape=(2, 3)), given)
    with pytest.raises(ValueError, match="shape"):
        initializers.get(given)((3, 2))
    for bad in ("no_such", 5):
        with pytest.raises(ValueError, match="as an initializer"):
            initializers.get(bad)
    array = initializers.Constant(np.array([1.0, 2.0]))
    np.testing.assert_array_equal(array.clone()((3, 2)), [[1, 2]] * 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: initializers.VarianceScaling(scale=0), "scale"),
        (lambda: initializers.VarianceScaling(mode="fan"), "mode"),
        (lambda: initializers.VarianceScaling(distribution="beta"), "distribution"),
        (lambda: initializers.Orthogonal()((3,)), "two axes"),
        (lambda: initializers.Identity()((3,)), "two axes"),
        (lambda: initializers.STFT(side="left"), "side"),
        (lambda: initializers.STFT(window="no"), "window"),
        (lambda: initializers.STFT(scaling="no"), "scaling"),
        (lambda: initializers.STFT(window=[1.0])((3, 1, 2)), "length"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_stft_takes_the_windows_of_scipy():
    signal = pytest.importorskip("scipy.signal")
    kernel = np.asarray(initializers.STFT(window="tukey", scaling=None)((16, 1, 9)))
    np.testing.assert_allclose(kernel[:, 0, 0], signal.get_window("tukey", 16, False), atol=1e-6)
