"""Sources of batches and epochs: against Keras's numbers, and against plain loops."""

import itertools
import json
import multiprocessing
import random
import threading
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kerasish.core.tensor import Tensor
from kerasish.data import EpochIterator, PyDataset, batch_source, train_validation_split
from kerasish.data.class_weight import weigh_classes
from kerasish.utils import config, tree

GOLDEN = json.loads((Path(__file__).parent / "golden/data/batches.json").read_text())


# ----- against Keras


@pytest.mark.parametrize("case", GOLDEN["array_epochs"], ids=lambda c: f"{c['rows']}-{c['seed']}")
def test_epochs_of_arrays_are_those_of_keras(case):
    arguments = dict(case["arguments"])
    steps, size = arguments.pop("steps_per_epoch"), arguments.pop("steps_per_execution")
    np.random.seed(case["seed"])
    rows = np.arange(case["rows"])
    iterator = EpochIterator(batch_source(rows, rows, steps=steps, **arguments), steps, size)
    for expected in case["epochs"]:
        # Keras warns of a last, smaller group of batches too.
        if expected["warned"] and size == 1:
            with pytest.warns(UserWarning, match="ran out of data after"):
                found = [[b[0].tolist() for b in batches] for _, _, batches in iterator]
        else:
            found = [[b[0].tolist() for b in batches] for _, _, batches in iterator]
        assert found == [[list(b) for b in step] for step in expected["steps"]]


@pytest.mark.parametrize("case", GOLDEN["class_weights"], ids=lambda c: str(c["y"]))
def test_class_weights_are_those_of_keras(case):
    weights = weigh_classes(np.array(case["y"]), None, {0: 0.5, 1: 2.0, 2: 3.0})
    assert weights.dtype == "float32"
    np.testing.assert_array_equal(weights, case["weights"])


@pytest.mark.parametrize("case", GOLDEN["splits"], ids=lambda c: f"{c['rows']}-{c['fraction']}")
def test_validation_split_is_that_of_keras(case):
    x = np.arange(case["rows"])
    if case["sizes"] is None:
        with pytest.raises(ValueError, match="cannot be split"):
            train_validation_split((x, None), case["fraction"])
        return
    (train, none), (rest, _) = train_validation_split((x, None), case["fraction"])
    assert none is None
    assert [len(train), rest[0]] == case["sizes"]
    assert np.shares_memory(train, x)


# ----- what is accepted


def test_views_without_shuffling_and_gathered_rows_with():
    x = np.arange(20, dtype="float32").reshape(10, 2)
    assert all(np.shares_memory(batch, x) for batch, _, _ in batch_source(x, batch_size=4))
    assert not any(np.shares_memory(batch, x) for batch, _, _ in batch_source(x, batch_size=4, shuffle=True))


KINDS = {
    "list of numbers": ([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], "float32", (3, 2)),
    "list of ints": ([0, 1, 2], "int64", (3,)),
    "float64": (np.zeros((3, 2)), "float32", (3, 2)),
    "float16": (np.zeros((3, 2), "float16"), "float32", (3, 2)),
    "uint8": (np.zeros((3, 2), "uint8"), "uint8", (3, 2)),
    "bool": (np.zeros(3, bool), "bool", (3,)),
    "strings": (["a", "bc", "d"], "object", (3,)),
    "string array": (np.array(["a", "bc", "d"]), "<U2", (3,)),
    "objects": (np.array([None, 1, "d"], object), "object", (3,)),
    "tensor": (Tensor(np.zeros((3, 1), "float32")), "float32", (3, 1)),
    "frame": (pd.DataFrame({"a": [1, 2, 3], "b": [0.5, 1, 2]}), "float32", (3, 2)),
    "frame of ints": (pd.DataFrame({"a": [1, 2, 3], "b": [3, 4, 5]}), "int64", (3, 2)),
    "series": (pd.Series([1.0, 2.0, 3.0]), "float32", (3, 1)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_of_leaves(kind):
    data, dtype, shape = KINDS[kind]
    for shuffle in (False, True):
        ((x, y, sample_weight),) = batch_source(data, shuffle=shuffle)
        assert (x.dtype, x.shape, y, sample_weight) == (np.dtype(dtype), shape, None, None)
        assert type(x) is np.ndarray


def test_floats_follow_floatx():
    try:
        config.set_floatx("float16")
        assert next(iter(batch_source(np.zeros(3))))[0].dtype == "float16"
    finally:
        config.set_floatx("float32")


def test_memory_map_is_read_a_batch_at_a_time(tmp_path):
    whole = np.lib.format.open_memmap(tmp_path / "x.npy", mode="w+", dtype="float32", shape=(100, 4))
    source = batch_source(np.load(tmp_path / "x.npy", mmap_mode="r"), batch_size=10)
    x, _, _ = next(iter(source))
    whole[0] = 7
    assert type(x) is np.ndarray
    assert x[0, 0] == 7


def test_frame_as_dict_of_columns():
    frame = pd.DataFrame({"b": [1, 2, 3], "a": [0.5, 1, 2]})
    ((x, y, _),) = batch_source(dict(frame), frame["b"])
    assert {name: column.shape for name, column in x.items()} == {"b": (3, 1), "a": (3, 1)}
    assert y.tolist() == [[1], [2], [3]]


def test_sparse_rows_become_dense_a_batch_at_a_time():
    sparse = pytest.importorskip("scipy.sparse")
    dense = np.arange(20, dtype="float32").reshape(10, 2) * np.array([1, 0], "float32")
    matrix = sparse.coo_matrix(dense)
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batch_source(matrix, batch_size=3)]), dense)
    (train, _), (rest, _) = train_validation_split((matrix, None), 0.3)
    np.testing.assert_array_equal(np.concatenate([x for x, _, _ in batch_source(rest)]), dense[7:])
    assert train.shape == (7, 2)


structures = st.recursive(
    st.sampled_from(["float32", "float64", "int32", "uint8"]),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, min_size=1),
    max_leaves=4,
)


@settings(max_examples=60, deadline=None)
@given(
    structure=structures,
    y_structure=st.none() | structures,
    rows=st.integers(1, 50),
    batch_size=st.integers(1, 60),
    shuffle=st.sampled_from([False, True, "batch"]),
)
def test_any_structure_in_any_batches(structure, y_structure, rows, batch_size, shuffle):
    def build(s, width):
        make = lambda dtype: (np.arange(rows)[:, None] * np.ones(width)).astype(dtype)
        return None if s is None else tree.map_structure(make, s)

    x, y = build(structure, 3), build(y_structure, 1)
    source = batch_source(x, y, batch_size=batch_size, shuffle=shuffle)
    batches = list(source)
    assert len(batches) == source.num_batches == -(-rows // batch_size)
    sizes = [len(tree.flatten(b[0])[0]) for b in batches]
    assert sizes[:-1] == [batch_size] * (len(sizes) - 1)
    assert sizes[-1] == (source.partial_batch_size or batch_size)
    order = np.concatenate([tree.flatten(b[0])[0][:, 0] for b in batches])
    assert sorted(order) == list(range(rows))
    for batch_x, batch_y, _ in batches:
        tree.assert_same_structure(batch_x, x)
        tree.assert_same_structure(batch_y, y)
        leaves = [leaf for leaf in tree.flatten((batch_x, batch_y)) if leaf is not None]
        assert all(np.array_equal(leaf[:, 0], leaves[0][:, 0]) for leaf in leaves)
        assert all(leaf.dtype != "float64" for leaf in leaves)


def test_number_lists_inside_structures():
    ((x, y, _),) = batch_source([[[1], [2]], np.zeros((2, 3))], {"a": [0, 1]})
    assert [leaf.shape for leaf in x] == [(2, 1), (2, 3)]
    assert y["a"].tolist() == [0, 1]


# ----- weights


def test_one_sample_weight_serves_all_outputs():
    y = {"a": np.zeros(3), "b": np.zeros((3, 2))}
    ((_, _, weights),) = batch_source(np.zeros(3), y, np.arange(3.0))
    assert {name: w.tolist() for name, w in weights.items()} == {"a": [0, 1, 2], "b": [0, 1, 2]}


def test_class_weight_of_a_data_set():
    ((_, _, weights),) = batch_source([(np.zeros(2), np.array([0, 1]))].__iter__(), class_weight={0: 3.0})
    assert weights.tolist() == [3.0, 1.0]


# ----- errors

X = np.zeros((4, 2))
ERRORS = {
    "sizes": (dict(x=[X, X[:3]], y={"b": X[:2]}), ValueError, r"x\[0\] has 4, x\[1\] has 3, y\['b'\] has 2"),
    "no rows": (dict(x=X[:0]), ValueError, "no samples in x"),
    "scalar": (dict(x=np.float32(3)), ValueError, "x must have an axis of samples"),
    "type": (dict(x=[X, object()]), ValueError, r"all elements of `x` to be array-like.* x\[1\] is <object"),
    "string": (dict(x="data.csv"), ValueError, "Unrecognized data type.*'data.csv'"),
    "missing": (dict(x=None), ValueError, "x is missing"),
    "number": (dict(x=3), ValueError, "Unrecognized data type.* x is 3 of type int"),
    "y of a type": (dict(x=X, y=object()), ValueError, "all elements of `y` to be array-like"),
    "ragged": (dict(x=[[1], [1, 2]]), ValueError, "rectangular"),
    "batch size": (dict(x=X, batch_size=0), ValueError, "batch_size must be a positive integer, got 0"),
    "batch size type": (dict(x=X, batch_size=2.0), ValueError, "batch_size must be a positive integer, got 2.0"),
    "shuffle": (dict(x=X, shuffle="all"), ValueError, "shuffle must be"),
    "generator and y": (dict(x=iter([(X,)]), y=X), ValueError, "`y` should not be passed when providing `x` as a list"),
    "empty generator": (dict(x=iter([])), ValueError, "gave no batch at all"),
    "generator of lists": (dict(x=iter([[X, X]])), ValueError, "must yield tuples"),
    "four parts": (dict(x=iter([(X, X, X, X)])), ValueError, "4 items"),
    "class weights": (dict(x=X, y=X[:, 0], class_weight=[1, 2]), TypeError, "class_weight must map"),
    "class weights of outputs": (dict(x=X, y=[X, X], class_weight={0: 1}), ValueError, "but y has several"),
    "both weights": (dict(x=X, y=X[:, 0], sample_weight=X[:, 0], class_weight={0: 1}), ValueError, "not both"),
    "class weights without y": (dict(x=X, class_weight={0: 1}), ValueError, "y is missing"),
    "class weights of volumes": (dict(x=X, y=np.zeros((4, 2, 2)), class_weight={0: 1}), ValueError, r"got \(4, 2, 2\)"),
    "weights nested otherwise": (dict(x=X, y=[X, X], sample_weight=[X]), ValueError, "nested like y"),
    "weights of steps": (dict(x=X, y=[X, X], sample_weight=X), ValueError, r"must have shape \(samples,\)"),
}


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    arguments, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        batch_source(**arguments)


def test_validation_split_of_a_generator():
    with pytest.raises(ValueError, match="arrays and tensors only, got generator"):
        train_validation_split(((i for i in range(3)), None, None), 0.5)


def test_validation_split_takes_the_last_part_of_every_array():
    x, y = [np.arange(10), pd.Series(range(10))], {"a": list(range(10))}
    train, rest = train_validation_split((x, y, None), 0.3)
    assert [leaf.ravel().tolist() for leaf in tree.flatten(rest[:2])] == [[7, 8, 9]] * 3
    assert all(len(leaf) == 7 for leaf in tree.flatten(train[:2]))
    with pytest.raises(ValueError, match=r"x has 4, y has 3"):
        train_validation_split((X, X[:3]), 0.5)


# ----- generators and iterables


def counting(stop):
    for i in range(stop):
        yield np.full((2, 1), i), np.full(2, i)


def test_generator_goes_on_and_loses_nothing():
    iterator = EpochIterator(batch_source(counting(5)), steps_per_epoch=2)
    assert iterator.peek()[0].tolist() == [[0], [0]]
    seen = []
    for _ in range(2):
        seen += [batches[0][1][0] for _, _, batches in iterator]
    assert seen == [0, 1, 2, 3]
    with pytest.warns(UserWarning, match="ran out of data after 1 steps, and was to have 2 steps"):
        assert len(list(iterator)) == 1
    assert iterator.exhausted


def test_generator_without_steps_is_one_epoch():
    iterator = EpochIterator(batch_source(counting(3)))
    assert iterator.num_batches is None
    assert [(first, last) for first, last, _ in iterator] == [(0, 0), (1, 1), (2, 2)]
    with pytest.warns(UserWarning, match="ran out of data after 0 steps"):
        assert list(iterator) == []
    assert iterator.exhausted


def test_generator_yields_dicts_and_bare_arrays():
    ((x, y, _),) = batch_source(iter([{"a": np.zeros(2)}]))
    assert (list(x), y) == (["a"], None)
    ((x, y, _),) = batch_source(iter([np.zeros(2)]))
    assert (x.shape, y) == ((2,), None)


class Loader:
    """Like a DataLoader: a length, lists as batches."""

    def __iter__(self):
        return ([np.full((2, 1), i, "float64"), np.full(2, i)] for i in range(3))

    def __len__(self):
        return 3


class Stream:
    """Like a tf.data.Dataset: tells its cardinality."""

    def __init__(self, count, cardinality):
        self.count, self.told = count, cardinality

    def __iter__(self):
        return counting(self.count)

    def cardinality(self):
        return np.int64(self.told)


def test_iterables_begin_anew():
    iterator = EpochIterator(batch_source(Loader()))
    assert iterator.num_batches == 3
    for _ in range(2):
        assert [b[0][1][0] for _, _, b in iterator] == [0, 1, 2]
    assert iterator.peek()[0].dtype == "float32"


def test_iterable_of_unknown_length_goes_on_over_epochs_and_begins_anew():
    iterator = EpochIterator(batch_source(Stream(4, -2)), steps_per_epoch=2)
    assert [[b[0][1][0] for _, _, b in iterator] for _ in range(3)] == [[0, 1], [2, 3], [0, 1]]


def test_endless_data_needs_steps():
    with pytest.raises(ValueError, match="no end"):
        EpochIterator(batch_source(Stream(4, -1)))
    assert len(list(EpochIterator(batch_source(Stream(4, -1)), steps_per_epoch=2))) == 2


def test_steps_per_execution_groups_batches():
    iterator = EpochIterator(batch_source(np.arange(10), batch_size=2), steps_per_execution=3)
    assert [(first, last, len(b)) for first, last, b in iterator] == [(0, 2, 3), (3, 5, 2)]


@pytest.mark.parametrize("name", ["steps_per_epoch", "steps_per_execution"])
def test_steps_must_be_positive(name):
    with pytest.raises(ValueError, match=f"{name} must be a positive integer, got 0"):
        EpochIterator(batch_source(X), **{name: 0})


def test_epochs_are_cut_by_the_global_cap():
    try:
        config.set_max_steps_per_epoch(2)
        with pytest.warns(UserWarning, match="cut to 2 steps"):
            iterator = EpochIterator(batch_source(np.arange(10), batch_size=2))
        assert len(list(iterator)) == 2
        assert EpochIterator(batch_source(np.arange(3), batch_size=2)).steps_per_epoch is None
    finally:
        config.set_max_steps_per_epoch(None)


def test_breaking_off_an_epoch_still_ends_it():
    dataset = Numbers(4)
    epoch = EpochIterator(batch_source(dataset)).enumerate_epoch()
    next(epoch)
    epoch.close()
    assert dataset.log == ["begin", "end"]


# ----- PyDataset


class Numbers(PyDataset):
    def __init__(self, count, **options):
        super().__init__(**options)
        self.count = count
        self.log = []
        self.threads = set()

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        self.threads.add(threading.current_thread().name)
        if index == 13:
            raise KeyError("unlucky")
        return np.full((2, 1), index), np.full(2, index)

    def on_epoch_begin(self):
        self.log.append("begin")

    def on_epoch_end(self):
        self.log.append("end")


@pytest.mark.parametrize("options", [{}, {"workers": 3, "max_queue_size": 2}, {"workers": 0}], ids=str)
def test_py_dataset_in_order(options):
    dataset = Numbers(8, **options)
    iterator = EpochIterator(batch_source(dataset))
    for _ in range(2):
        assert [b[0][1][0] for _, _, b in iterator] == list(range(8))
    assert dataset.log == ["begin", "end"] * 2
    assert (len(dataset.threads - {"MainThread"}) > 0) == (options.get("workers") == 3)


def test_py_dataset_in_processes():
    if multiprocessing.get_start_method() != "fork":
        pytest.skip("the class of a test module cannot be sent to a spawned process")
    dataset = Numbers(5, workers=2, use_multiprocessing=True)
    assert [y[0] for _, y, _ in batch_source(dataset)] == list(range(5))
    assert not dataset.threads


def test_py_dataset_shuffles_its_batches_by_pythons_seed():
    orders = []
    for seed in (1, 1, 2):
        random.seed(seed)
        orders.append([y[0] for _, y, _ in batch_source(Numbers(8), shuffle=True)])
    assert orders[0] == orders[1] != orders[2]
    assert sorted(orders[2]) == list(range(8))


@pytest.mark.parametrize("workers", [1, 2])
def test_py_dataset_without_end_and_with_an_error(workers):
    class Endless(Numbers):
        num_batches = None

    with pytest.raises(ValueError, match="no end"):
        EpochIterator(batch_source(Endless(0, workers=workers)))
    iterator = EpochIterator(batch_source(Endless(0, workers=workers)), steps_per_epoch=6)
    assert [b[0][1][0] for _ in range(2) for _, _, b in iterator] == list(range(12))
    with pytest.raises(KeyError, match="unlucky"):
        list(iterator)


def test_py_dataset_that_forgets_the_base_constructor():
    class Bare(PyDataset):
        def __init__(self):
            pass

        def __len__(self):
            return 2

        def __getitem__(self, index):
            return {"a": np.full(1, index)}

    assert [x["a"].tolist() for x, _, _ in batch_source(Bare())] == [[0], [1]]
    assert (Bare().workers, Bare().use_multiprocessing, Bare().max_queue_size) == (1, False, 10)
    with pytest.raises(NotImplementedError, match="__len__"):
        PyDataset().num_batches  # noqa: B018


def test_a_py_dataset_of_unknown_length_can_be_iterated():
    class Squares(PyDataset):
        def __getitem__(self, index):
            return index**2

    assert list(itertools.islice(Squares(), 4)) == [0, 1, 4, 9]


def test_every_source_comes_back_as_it_is():
    source = batch_source(X)
    assert batch_source(source) is source
