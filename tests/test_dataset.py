"""The lazy Dataset: every step against what plain Python lists give."""

import itertools
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasish.core.tensor import Tensor
from kerasish.data import Dataset, EpochIterator, batch_source

NUMBERS = list(range(10))


def slices(n=10):
    return Dataset.from_tensor_slices(np.arange(n))


def generated(n=10):
    return Dataset.from_generator(lambda: (np.int64(i) for i in range(n)))


def items(dataset, limit=100):
    return [np.asarray(e).tolist() for e in itertools.islice(dataset, limit)]


# name -> (step, what it gives on the numbers 0 to 9, cardinality after slices)
STEPS = {
    "take": (lambda d: d.take(3), [0, 1, 2], 3),
    "take more": (lambda d: d.take(30), NUMBERS, 10),
    "take all": (lambda d: d.take(-1), NUMBERS, 10),
    "skip": (lambda d: d.skip(7), [7, 8, 9], 3),
    "skip more": (lambda d: d.skip(70), [], 0),
    "skip all": (lambda d: d.skip(-1), [], 0),
    "shard": (lambda d: d.shard(3, 1), [1, 4, 7], 3),
    "repeat": (lambda d: d.repeat(2), NUMBERS * 2, 20),
    "repeat never": (lambda d: d.repeat(0), [], 0),
    "repeat forever": (lambda d: d.repeat(), NUMBERS * 10, -1),
    "map": (lambda d: d.map(lambda x: x * 2), [2 * i for i in NUMBERS], 10),
    "map ahead": (lambda d: d.map(lambda x: x * 2, num_parallel_calls=3), [2 * i for i in NUMBERS], 10),
    "map to a tensor": (lambda d: d.map(lambda x: Tensor(np.asarray(x))), NUMBERS, 10),
    "filter": (lambda d: d.filter(lambda x: x % 2), [1, 3, 5, 7, 9], -2),
    "flat_map": (lambda d: d.take(3).flat_map(lambda x: Dataset.range(x)), [0, 0, 1], -2),
    "batch": (lambda d: d.batch(4), [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]], 3),
    "batch, no remainder": (lambda d: d.batch(4, drop_remainder=True), [[0, 1, 2, 3], [4, 5, 6, 7]], 2),
    "padded_batch": (
        lambda d: d.take(3).map(lambda n: np.ones(n, int)).padded_batch(2),
        [[[0], [1]], [[1, 1]]],
        2,
    ),
    "padded_batch of numbers": (lambda d: d.padded_batch(4, True), [[0, 1, 2, 3], [4, 5, 6, 7]], 2),
    "unbatch": (lambda d: d.batch(4).unbatch(), NUMBERS, -2),
    "rebatch": (lambda d: d.batch(4).rebatch(7), [NUMBERS[:7], NUMBERS[7:]], -2),
    "concatenate": (lambda d: d.concatenate(Dataset.range(2)), [*NUMBERS, 0, 1], 12),
    "apply": (lambda d: d.apply(lambda data: data.take(1)), [0], 1),
    "cache": (lambda d: d.cache(), NUMBERS, 10),
    "prefetch": (lambda d: d.prefetch(2), NUMBERS, 10),
    "prefetch by itself": (lambda d: d.prefetch(), NUMBERS, 10),
    "prefetch nothing": (lambda d: d.prefetch(0), NUMBERS, 10),
    "enumerate": (lambda d: d.enumerate(5).map(lambda i, x: i + x), [5 + 2 * i for i in NUMBERS], 10),
    "zip": (lambda d: Dataset.zip(d, d.skip(6)).map(lambda a, b: a + b), [6, 8, 10, 12], 4),
    "zip a dict": (
        lambda d: Dataset.zip({"a": d, "b": d}).map(lambda e: e["a"] * e["b"]),
        [i * i for i in NUMBERS],
        10,
    ),
    "shuffle, sorted": (lambda d: d.shuffle(4).batch(10).map(np.sort), [NUMBERS], 1),
}


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("source", [slices, generated])
def test_steps(step, source):
    make, expected, cardinality = STEPS[step]
    dataset = make(source())
    for _ in range(2):  # every iteration begins anew
        assert items(dataset) == expected
    assert source is generated or dataset.cardinality() == cardinality


def test_every_step_has_a_row():
    beginnings = {"from_tensor_slices", "from_rows", "from_tensors", "from_generator", "range"}
    reading = {"as_numpy_iterator", "cardinality", "element_spec"}
    public = {name for name in vars(Dataset) if name.islower() and name[0] != "_"}
    others = {"class_names", "file_paths"}
    assert public - beginnings - reading - others <= {step.partition(" ")[0].rstrip(",") for step in STEPS}


def test_reading():
    data = Dataset.from_tensor_slices({"a": np.zeros((6, 2)), "b": np.arange(6, dtype="int32")})
    assert (len(data), data.cardinality(), bool(data)) == (6, 6, True)
    assert data.element_spec["a"] == ((2,), np.dtype("float64"))
    assert data.batch(2).element_spec["b"] == ((None,), np.dtype("int32"))
    assert next(data.as_numpy_iterator())["a"].shape == (2,)
    with pytest.raises(TypeError, match="infinite"):
        len(data.repeat())
    with pytest.raises(TypeError, match="unknown"):
        len(generated())
    with pytest.raises(ValueError, match="no elements"):
        Dataset.range(0).element_spec  # noqa: B018


def test_beginnings():
    assert items(Dataset.range(2, 8, 3)) == [2, 5]
    assert items(Dataset.from_tensors(np.arange(3))) == [[0, 1, 2]]
    assert items(Dataset.from_generator(range, args=(3,), output_signature="ignored")) == [0, 1, 2]
    with pytest.raises(TypeError, match="takes a function"):
        Dataset.from_generator(iter([1]))
    with pytest.raises(ValueError, match=r"tensors\[0\] has 2, tensors\[1\] has 3"):
        Dataset.from_tensor_slices((np.zeros(2), np.zeros(3)))


def test_tuples_are_arguments_and_dtypes_stay():
    data = Dataset.from_tensor_slices((np.arange(4.0), ["a", "b", "c", "d"])).filter(lambda x, name: x > 0)
    out = list(data.map(lambda x, name: {"x": x, "name": name}).batch(2))
    assert out[0]["x"].dtype == "float64"
    assert out[1]["name"].tolist() == ["d"]


@pytest.mark.parametrize("source", [slices, generated])
def test_batches_are_gathered_from_arrays_or_stacked(source):
    assert [b.dtype for b in source().batch(3)] == ["int64"] * 4
    with pytest.raises(ValueError, match=r"different shapes cannot make a batch: \(1,\), \(2,\)"):
        list(Dataset.range(1, 3).map(lambda n: np.zeros(n)).batch(2))
    with pytest.raises(ValueError, match="at least 1, got 0"):
        source().batch(0)


# ----- shuffling


@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 50), buffer_size=st.integers(1, 60), seed=st.none() | st.integers(0, 9))
def test_shuffle_is_an_order_that_the_buffer_allows(n, buffer_size, seed):
    out = items(Dataset.range(n).shuffle(buffer_size, seed=seed))
    assert sorted(out) == list(range(n))
    # An element cannot come before it is in the buffer.
    assert all(number < place + buffer_size for place, number in enumerate(out))


def test_seeds_of_shuffling():
    def orders(count=2, **options):
        dataset = slices(20).shuffle(20, **options)
        return [items(dataset) for _ in range(count)]

    first, second = orders(seed=1)
    assert first != second
    assert [first, second] == orders(seed=1) != orders(seed=2)
    once, again = orders(seed=1, reshuffle_each_iteration=False)
    assert once == again == first
    once, again = orders(reshuffle_each_iteration=False)
    assert once == again
    np.random.seed(3)
    first, second = orders()
    np.random.seed(3)
    assert [first, second] == orders()
    assert first != second


def test_shuffle_of_a_whole_buffer_is_uniform():
    counts = np.zeros((4, 4))
    dataset = Dataset.range(4).shuffle(4, seed=0)
    for _ in range(2000):
        for place, number in enumerate(dataset):
            counts[place, number] += 1
    # 500 expected in each cell, standard deviation 19
    assert np.abs(counts - 500).max() < 100


def test_shuffle_by_a_smaller_buffer_draws_every_element_of_it():
    firsts = [next(iter(Dataset.range(100).shuffle(5, seed=s))) for s in range(200)]
    assert set(firsts) == set(range(5))


# ----- threads


def test_prefetch_runs_ahead_and_stops():
    made = []

    def make():
        for i in range(1000):
            made.append(i)
            yield np.int64(i)

    iterator = iter(Dataset.from_generator(make).prefetch(3))
    assert next(iterator) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert 4 <= len(made) <= 6
    iterator.close()
    while any(t.name == "kerasish-prefetch" for t in threading.enumerate()) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not any(t.name == "kerasish-prefetch" for t in threading.enumerate())


@pytest.mark.parametrize("parallel", [None, 2])
def test_errors_in_threads_are_raised_at_their_place(parallel):
    def fail(x):
        if x == 3:
            raise KeyError("three")
        return x

    iterator = iter(slices().map(fail, num_parallel_calls=parallel).prefetch(2))
    assert [next(iterator) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(KeyError, match="three"):
        next(iterator)


def test_cache_calls_only_once_it_is_complete():
    calls = []
    dataset = slices(3).map(lambda x: calls.append(x) or x).cache()
    next(iter(dataset))
    assert len(calls) == 1
    assert items(dataset) == items(dataset) == [0, 1, 2]
    assert len(calls) == 4


# ----- as the data of an epoch


def test_epochs_of_a_dataset():
    data = Dataset.from_tensor_slices((np.arange(10.0), np.arange(10))).shuffle(10, seed=0).batch(4).prefetch()
    iterator = EpochIterator(batch_source(data, class_weight={3: 2.0}))
    epochs = [[b for _, _, batches in iterator for b in batches] for _ in range(2)]
    for epoch in epochs:
        assert [len(y) for _, y, _ in epoch] == [4, 4, 2]
        assert sorted(np.concatenate([y for _, y, _ in epoch])) == NUMBERS
        assert all((w == np.where(y == 3, 2, 1)).all() and x.dtype == "float32" for x, y, w in epoch)
    assert epochs[0][0][1].tolist() != epochs[1][0][1].tolist()


def test_an_endless_dataset_needs_steps():
    with pytest.raises(ValueError, match="no end"):
        EpochIterator(batch_source(slices().batch(2).repeat()))
    iterator = EpochIterator(batch_source(slices().batch(2).repeat()), steps_per_epoch=3)
    assert [b[0][0].tolist()[0] for _ in range(2) for _, _, b in iterator] == [0, 2, 4, 6, 8, 0]
