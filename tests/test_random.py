"""Random numbers: Philox against the published vectors, distributions, seeds."""

import math
import random as python_random
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from kerasish import ops, random
from kerasish.backend import device
from kerasish.backend.common.philox import philox
from kerasish.backend.common.philox import random_words as common_words
from kerasish.core.random_state import (
    draw_seed,
    global_seed_generator,
    reset_global_seed_generator,
    set_random_seed,
)

N = 200_000


def values(x):
    return np.asarray(x).astype("float64")


def words_of(text):
    return [int(word, 16) for word in text.split()]


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("0 0 0 0", "0 0", "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff", "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0", "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)
def test_philox_known_answers(counter, key, expected):
    """The vectors of the Random123 distribution, file kat_vectors."""
    out = philox(np, np.array(words_of(key), "uint32"), tuple(np.array([w], "uint64") for w in words_of(counter)))
    assert [int(word[0]) for word in out] == words_of(expected)


@pytest.mark.parametrize("start", [0, 8, 2**34])
def test_words_depend_on_their_place_alone(start):
    seed = np.array([7, 3], "uint32")
    many = common_words(np, seed, start=start, count=200_003)
    for offset, count in [(0, 1), (4, 9), (131_072, 50_000)]:
        some = common_words(np, seed, start=start + offset, count=count)
        np.testing.assert_array_equal(some, many[offset : offset + count])
    assert len(np.unique(many)) > 199_000
    assert not np.array_equal(many, common_words(np, seed, start=start, count=200_003, stream=1))


def kolmogorov(x, distribution):
    """Largest distance between the empirical distribution function and another, times sqrt(n)."""
    x = np.sort(np.ravel(x))
    f = distribution(x)
    steps = np.arange(len(x) + 1) / len(x)
    return max(np.abs(f - steps[1:]).max(), np.abs(f - steps[:-1]).max()) * math.sqrt(len(x))


def normal_distribution(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


LIMIT = 2.2  # a sqrt(n) distance above it has a probability of 1e-4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_distribution_functions(dtype):
    n = (N // 4,)
    assert kolmogorov(values(random.uniform(n, dtype=dtype, seed=1)), lambda x: x) < LIMIT
    assert kolmogorov(values(random.normal(n, dtype=dtype, seed=1)), normal_distribution) < LIMIT
    inside = math.erf(math.sqrt(2))
    truncated = values(random.truncated_normal(n, dtype=dtype, seed=1))
    assert kolmogorov(truncated, lambda x: (normal_distribution(x) - (1 - inside) / 2) / inside) < LIMIT
    assert kolmogorov(values(random.gamma(n, 1.0, dtype=dtype, seed=1)), lambda x: 1 - np.exp(-x)) < LIMIT
    assert kolmogorov(values(random.beta(n, 3.0, 1.0, dtype=dtype, seed=1)), lambda x: x**3) < LIMIT


@pytest.mark.parametrize(
    ("counts", "probability"), [(5, 0.3), (40, 0.05), (40, 0.9), (100, 0.5), (1000, 0.02), (3, 1.0), (3, 0.0), (0, 0.4)]
)
def test_binomial_probabilities(counts, probability):
    drawn = values(random.binomial((N,), counts, probability, seed=2)).astype(int)
    found = np.bincount(drawn, minlength=counts + 1) / N
    with np.errstate(all="ignore"):
        exact = np.array([math.comb(counts, k) * probability**k * (1 - probability) ** (counts - k)
                          for k in range(counts + 1)])
    np.testing.assert_allclose(found, exact, atol=6 * math.sqrt(0.25 / N))
    assert abs(drawn.mean() - counts * probability) < 6 * math.sqrt(counts / 4 / N) + 1e-12


def test_binomial_of_impossible_parameters_is_not_a_number():
    drawn = values(random.binomial((4,), [-1.0, 3.0, 3.0, 2.0], [0.5, 1.5, -0.1, 1.0], seed=2))
    np.testing.assert_array_equal(drawn, [np.nan, np.nan, np.nan, 2.0])


@pytest.mark.parametrize("alpha", [0.05, 0.5, 1.0, 3.0, 100.0])
def test_gamma_moments(alpha):
    x = values(random.gamma((N,), alpha, seed=4))
    error = math.sqrt(alpha / N)
    np.testing.assert_allclose(x.mean(), alpha, atol=5 * error)
    np.testing.assert_allclose(x.var(), alpha, atol=5 * math.sqrt((2 * alpha**2 + 6 * alpha) / N))


def test_beta_of_tiny_parameters_is_finite():
    x = values(random.beta((10_000,), 1e-3, 1e-3, seed=4))
    assert np.isfinite(x).all() and 0.4 < x.mean() < 0.6


@pytest.mark.parametrize(("low", "high"), [(0, 10), (-5, 5), (0, 70_000), (-(2**31), 2**31)])
def test_randint_covers_its_range_evenly(low, high):
    x = values(random.randint((N,), low, high, seed=5))
    assert x.min() >= low and x.max() < high
    bins = 10
    found = np.histogram(x, bins=bins, range=(low, high))[0] / N
    np.testing.assert_allclose(found, 1 / bins, atol=6 * math.sqrt(0.1 / N))


def test_randint_of_64_bits():
    x = np.asarray(random.randint((1000,), -(2**63), 2**63, dtype="int64", seed=5))
    assert x.dtype == "int64" and (x < -(2**62)).any() and (x > 2**62).any()


def test_categorical_probabilities():
    logits = np.log(np.array([[0.1, 0.2, 0.7, 1e-30], [0.25, 0.25, 0.25, 0.25]]))
    logits[0, 3] = -np.inf
    drawn = np.asarray(random.categorical(logits, 50_000, seed=6))
    assert drawn.shape == (2, 50_000) and drawn.dtype == "int32"
    for row, p in zip(drawn, np.exp(logits), strict=True):
        np.testing.assert_allclose(np.bincount(row, minlength=4) / 50_000, p, atol=0.01)


def test_shuffle_moves_whole_slices_to_every_place():
    x = np.arange(5)[:, None] * np.ones((1, 3))
    first = [np.asarray(random.shuffle(x, seed=s)) for s in range(600)]
    assert all((rows == rows[:, :1]).all() for rows in first)
    found = np.bincount([int(rows[0, 0]) for rows in first], minlength=5) / 600
    np.testing.assert_allclose(found, 0.2, atol=0.08)


def test_uniform_never_reaches_its_upper_bound():
    for dtype in ("float16", "bfloat16", "float32"):
        x = random.uniform((N,), minval=1.0, maxval=1.02, dtype=dtype, seed=7)
        assert values(x).max() < float(ops.cast(1.02, dtype)) and values(x).min() >= 1.0


def test_uniform_and_normal_take_tensors():
    low, high = ops.convert_to_tensor([0.0, 10.0]), ops.convert_to_tensor([1.0, 20.0])
    x = values(random.uniform((1000, 2), low, high, seed=1))
    assert (x >= [0, 10]).all() and (x < [1, 20]).all()
    x = values(random.normal((1000, 2), high, 0.001, seed=1))
    np.testing.assert_allclose(x.mean(axis=0), [1, 20], rtol=1e-3)


def test_integer_seed_repeats_and_generator_does_not():
    assert (values(random.normal((4,), seed=1)) == values(random.normal((4,), seed=1))).all()
    generator = random.SeedGenerator(1)
    a, b = (values(random.normal((4,), seed=generator)) for _ in range(2))
    assert (a != b).all()
    np.testing.assert_array_equal(a, values(random.normal((4,), seed=1)))
    again = random.SeedGenerator(1)
    np.testing.assert_array_equal(a, values(random.normal((4,), seed=again)))


def test_seed_generator_counts():
    generator = random.SeedGenerator(seed=12, name="dice")
    assert [np.asarray(generator.next()).tolist() for _ in range(3)] == [[12, 0], [12, 1], [12, 2]]
    assert generator.state.shape == (2,) and generator.state.dtype == "uint32" and not generator.state.trainable
    assert generator.state.path == "dice/seed_generator_state"
    assert generator.get_config() == {"seed": 12, "name": "dice"}
    assert random.SeedGenerator.from_config(generator.get_config()).get_config() == generator.get_config()
    generator.next(ordered=False)
    assert np.asarray(generator.state).tolist() == [13 * 5387 % 933199, 4 * 5387 % 933199]


def test_set_random_seed_repeats_everything():
    def draw():
        return [python_random.random(), np.random.rand(), *values(random.uniform((3,))), *values(random.uniform((3,)))]

    set_random_seed(5)
    first = draw()
    assert first != draw()
    set_random_seed(5)
    assert first == draw()
    reset_global_seed_generator()
    assert global_seed_generator().get_config()["seed"] == 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random.uniform((2,), dtype="int32"), "requires a floating point `dtype`"),
        (lambda: random.randint((2,), 0, 3, dtype="float32"), "requires an integer `dtype`"),
        (lambda: random.randint((2,), 3, 3), "less than"),
        (lambda: random.randint((2,), 0, 300, dtype="uint8"), "fit uint8"),
        (lambda: random.dropout(np.ones(3, "float32"), 1.5), "rate"),
        (lambda: random.dropout(np.ones((3, 2), "float32"), 0.5, noise_shape=(3,)), "noise_shape"),
        (lambda: random.categorical(np.ones(3), 2), "batch, classes"),
        (lambda: random.normal((2,), seed="x"), "seed"),
        (lambda: random.SeedGenerator("x"), "seed"),
        (lambda: set_random_seed("x"), "seed"),
    ],
)
def test_bad_arguments(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("name", "params"),
    [
        ("uniform", {}), ("uniform", {"minval": 1, "maxval": 3}), ("normal", {"mean": 1.0}), ("truncated_normal", {}),
        ("randint", {"minval": 0, "maxval": 9, "dtype": "int32"}), ("bernoulli", {"probability": 0.3}),
        ("bernoulli", {"probability": 1.0}),
    ],
)  # fmt: skip
def test_kernels_write_to_out(name, params):
    kernel, seed = device.current().kernel(f"random_{name}"), np.array([1, 2], "uint32")
    expected = kernel(seed, shape=(7, 11), **params)
    out = np.zeros_like(expected)
    result = kernel(seed, shape=(7, 11), **params, out=out)
    assert np.shares_memory(result, out) and result.shape == out.shape
    np.testing.assert_array_equal(out, expected)


def test_a_tensor_can_be_the_seed():
    seed = draw_seed(9)
    np.testing.assert_array_equal(values(random.normal((5,), seed=seed)), values(random.normal((5,), seed=9)))
    assert device.current().name == "numpy" and seed.dtype == "uint32"


def test_negative_seed_is_taken_modulo_2_to_the_32():
    np.testing.assert_array_equal(values(random.normal((3,), seed=-1)), values(random.normal((3,), seed=2**32 - 1)))


def test_threads_that_share_a_generator_get_different_seeds():
    generator = random.SeedGenerator(1)
    with ThreadPoolExecutor(8) as pool:
        drawn = [tuple(values(s).tolist()) for s in pool.map(lambda _: generator.next(), range(2000))]
    assert len(set(drawn)) == 2000
