"""A small lazy data set: elements made by a chain of steps, anew at every iteration."""

import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import numpy as np

from kerasish.core.tensor import Tensor
from kerasish.data.array_source import count_samples
from kerasish.data.leaves import pick, to_arrays
from kerasish.data.prefetch import made_ahead, prefetched, threads
from kerasish.utils import tree

INFINITE = -1
UNKNOWN = -2
AUTOTUNE = -1


class ElementSpec(NamedTuple):
    """Shape (None for the axis of a batch) and dtype of one array of an element."""

    shape: tuple[int | None, ...]
    dtype: np.dtype


class Dataset:
    """Elements (structures of arrays) in sequence, made lazily; every method returns a new data set.

    It works like `tf.data.Dataset` as far as it goes. What only reorders elements (shuffle, take, skip,
    repeat, shard) works on numbers, and `batch` then gathers the rows of a whole batch at once.

    Args:
        make: function that starts an iteration: returns an iterator of elements, or of the numbers that
            `gather` takes.
        cardinality: number of elements, `INFINITE` (-1) or `UNKNOWN` (-2).
        gather: function from a number to an element and from an array of numbers to a batch, or None.

    Attributes:
        batch_size: samples of an element, None if the elements are not batches.
        class_names, file_paths: classes in the order of the labels, and files; of data sets made from folders.
    """

    class_names: list[str] | None = None
    file_paths: list[str] | None = None

    INFINITE = INFINITE
    UNKNOWN = UNKNOWN
    AUTOTUNE = AUTOTUNE

    def __init__(self, make: Callable[[], Iterator[Any]], cardinality: int = UNKNOWN, gather: Callable | None = None):
        self._make = make
        self._cardinality = cardinality
        self._gather = gather
        self.batch_size: int | None = None

    # ----- beginnings

    @staticmethod
    def from_tensor_slices(tensors: Any) -> "Dataset":
        """Return a data set whose elements are the rows of a structure of arrays."""
        arrays = to_arrays(tensors, "tensors")
        rows = count_samples(tensors=arrays)
        return Dataset.from_rows(
            lambda i: tree.map_structure(lambda a: pick(a, i), arrays, none_is_leaf=False), range(rows)
        )

    @staticmethod
    def from_rows(gather: Callable[[Any], Any], rows: Any) -> "Dataset":
        """Return a data set from numbers and a function that makes an element of one, a batch of an array of them."""
        return Dataset(lambda: iter(rows), len(rows), gather)

    @staticmethod
    def from_tensors(tensors: Any) -> "Dataset":
        """Return a data set with one element."""
        element = _to_numpy(tensors)
        return Dataset(lambda: iter([element]), 1)

    @staticmethod
    def from_generator(
        generator: Callable[..., Iterable[Any]], output_signature: Any = None, args: tuple = ()
    ) -> "Dataset":
        """Return a data set of what a function's iterables yield; it is called at every iteration.

        Args:
            generator: function that returns an iterable.
            output_signature: accepted for `tf.data`'s sake; elements are taken as they come.
            args: arguments of the function.
        """
        if not callable(generator):
            raise TypeError(f"from_generator takes a function that makes generators, got {generator!r}")
        return Dataset(lambda: map(_to_numpy, generator(*args)))

    @staticmethod
    def range(*args: int) -> "Dataset":
        """Return the integers that Python's `range` gives, as int64 scalars."""
        numbers = range(*args)
        return Dataset(lambda: map(np.int64, numbers), len(numbers))

    @staticmethod
    def zip(*datasets: Any) -> "Dataset":
        """Return tuples (or another structure) of the elements of several data sets, as long as all have one."""
        structure = datasets[0] if len(datasets) == 1 else datasets
        parts = tree.flatten(structure)
        counts = [d.cardinality() for d in parts]
        finite = [n for n in counts if n != INFINITE]
        count = UNKNOWN if UNKNOWN in counts else min(finite, default=INFINITE)
        make = lambda: (tree.pack_sequence_as(structure, leaves) for leaves in zip(*parts))
        return Dataset(make, count)

    # ----- reading

    def __iter__(self) -> Iterator[Any]:
        return self._make() if self._gather is None else map(self._gather, self._make())

    def as_numpy_iterator(self) -> Iterator[Any]:
        """Return an iterator of the elements, whose leaves are NumPy arrays."""
        return iter(self)

    def cardinality(self) -> int:
        """Return the number of elements, `INFINITE` (-1) or `UNKNOWN` (-2)."""
        return self._cardinality

    def __len__(self) -> int:
        if self._cardinality < 0:
            kind = "infinite" if self._cardinality == INFINITE else "unknown"
            raise TypeError(f"the length of this data set is {kind}")
        return self._cardinality

    def __bool__(self) -> bool:
        return True

    @property
    def element_spec(self) -> Any:
        """Structure of `ElementSpec` as the first element shows it."""
        element = next(iter(self), None)
        if element is None:
            raise ValueError("the data set has no elements")
        lead = (None,) if self.batch_size else ()
        return tree.map_structure(lambda a: ElementSpec(lead + np.shape(a)[len(lead) :], np.asarray(a).dtype), element)

    # ----- steps that only choose and order

    def _reordered(self, make: Callable[[], Iterator[Any]], cardinality: int) -> "Dataset":
        out = Dataset(make, cardinality, self._gather)
        out.batch_size = self.batch_size
        return out

    def take(self, count: int) -> "Dataset":
        """Return the first elements; all of them for -1."""
        if count < 0:
            return self
        n = self._cardinality
        size = count if n == INFINITE else UNKNOWN if n == UNKNOWN else min(n, count)
        return self._reordered(lambda: itertools.islice(self._make(), count), size)

    def skip(self, count: int) -> "Dataset":
        """Return all but the first elements; none for -1."""
        if count < 0:
            return self.take(0)
        n = self._cardinality
        return self._reordered(lambda: itertools.islice(self._make(), count, None), n if n < 0 else max(n - count, 0))

    def shard(self, num_shards: int, index: int) -> "Dataset":
        """Return every `num_shards`-th element from `index` on: the part of one of several processes."""
        if not 0 <= index < num_shards:
            raise ValueError(f"index must be in [0, {num_shards}), got {index}")
        n = self._cardinality
        size = n if n < 0 else len(range(index, n, num_shards))
        return self._reordered(lambda: itertools.islice(self._make(), index, None, num_shards), size)

    def repeat(self, count: int | None = None) -> "Dataset":
        """Return the elements again and again, `count` times, or without end for None or -1."""
        endless = count is None or count < 0
        n = self._cardinality

        def make() -> Iterator[Any]:
            for _ in itertools.count() if endless else range(count or 0):
                empty = True
                for element in self._make():
                    empty = False
                    yield element
                if empty:
                    return

        size = n if n < 0 or not n else INFINITE if endless else n * (count or 0)
        return self._reordered(make, INFINITE if endless and n == UNKNOWN else size)

    def shuffle(self, buffer_size: int, seed: int | None = None, reshuffle_each_iteration: bool = True) -> "Dataset":
        """Return the elements in random order, each drawn from a buffer of the next ones.

        Args:
            buffer_size: elements among which to draw; the order is uniform if it is the whole length.
            seed: integer; by default drawn from NumPy's global generator.
            reshuffle_each_iteration: whether every iteration has an order of its own.
        """
        if buffer_size < 1:
            raise ValueError(f"buffer_size must be at least 1, got {buffer_size}")
        seeds = _seeds(seed, reshuffle_each_iteration)
        return self._reordered(lambda: _drawn(self._make(), int(buffer_size), next(seeds)), self._cardinality)

    # ----- steps that make new elements

    def map(
        self, map_func: Callable, num_parallel_calls: int | None = None, deterministic: bool | None = None
    ) -> "Dataset":
        """Return the results of a function of each element; a tuple's parts are its arguments.

        Args:
            map_func: function; tensors in its result become NumPy arrays.
            num_parallel_calls: threads that call it; `AUTOTUNE` takes 4. The order is kept in any case.
            deterministic: accepted for `tf.data`'s sake.
        """
        call = lambda element: _to_numpy(map_func(*element) if type(element) is tuple else map_func(element))
        workers = 4 if num_parallel_calls == AUTOTUNE else num_parallel_calls or 1
        if workers == 1:
            return Dataset(lambda: map(call, self), self._cardinality)
        return Dataset(
            lambda: made_ahead(threads(workers), call, iter(self), 2 * workers), self._cardinality)

    def filter(self, predicate: Callable) -> "Dataset":
        """Return the elements for which a function is true; a tuple's parts are its arguments."""
        keep = lambda element: bool(predicate(*element) if type(element) is tuple else predicate(element))
        return Dataset(lambda: filter(keep, iter(self)), INFINITE if self._cardinality == INFINITE else UNKNOWN)

    def flat_map(self, map_func: Callable) -> "Dataset":
        """Return the elements of the data sets that a function makes of each element."""
        call = lambda element: map_func(*element) if type(element) is tuple else map_func(element)
        return Dataset(lambda: itertools.chain.from_iterable(map(call, self)))

    def batch(self, batch_size: int, drop_remainder: bool = False, num_parallel_calls: int | None = None) -> "Dataset":
        """Return batches: consecutive elements stacked along a new first axis.

        Args:
            batch_size: elements of a batch.
            drop_remainder: whether to leave out a last, smaller batch.
            num_parallel_calls: accepted for `tf.data`'s sake.
        """
        gather = self._gather
        if gather is None:
            return self._joined(self._make, _stack, batch_size, drop_remainder)
        return self._joined(self._make, lambda rows: gather(np.array(rows)), batch_size, drop_remainder)

    def padded_batch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Return batches of arrays that are filled up with zeros to the longest of the batch in every axis."""
        padded = lambda elements: tree.map_structure(lambda *leaves: _stack_padded(leaves), *elements)
        return self._joined(lambda: iter(self), padded, batch_size, drop_remainder)

    def _joined(self, start: Callable, join: Callable, batch_size: int, drop_remainder: bool) -> "Dataset":
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")

        def make() -> Iterator[Any]:
            elements = start()
            while rows := list(itertools.islice(elements, batch_size)):
                if len(rows) == batch_size or not drop_remainder:
                    yield join(rows)

        n = self._cardinality
        out = Dataset(make, n if n < 0 else n // batch_size if drop_remainder else -(-n // batch_size))
        out.batch_size = int(batch_size)
        return out

    def unbatch(self) -> "Dataset":
        """Return the rows of the elements, one by one."""

        def make() -> Iterator[Any]:
            for batch in self:
                for row in range(len(tree.flatten(batch)[0])):
                    yield tree.map_structure(lambda a: a[row], batch)  # noqa: B023 (called at once)

        return Dataset(make, INFINITE if self._cardinality == INFINITE else UNKNOWN)

    def rebatch(self, batch_size: int, drop_remainder: bool = False) -> "Dataset":
        """Return the rows of the elements in batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def enumerate(self, start: int = 0) -> "Dataset":
        """Return pairs (number, element)."""
        return Dataset(lambda: ((np.int64(i), e) for i, e in enumerate(self, start)), self._cardinality)

    def concatenate(self, dataset: "Dataset") -> "Dataset":
        """Return the elements of this data set, then those of another."""
        counts = (self.cardinality(), dataset.cardinality())
        size = INFINITE if INFINITE in counts else UNKNOWN if UNKNOWN in counts else sum(counts)
        return Dataset(lambda: itertools.chain(self, dataset), size)

    def apply(self, transformation_func: Callable[["Dataset"], "Dataset"]) -> "Dataset":
        """Return what a function makes of this data set."""
        return transformation_func(self)

    def cache(self) -> "Dataset":
        """Return the same elements, kept in memory once an iteration has come to their end."""
        kept: list[list] = []

        def make() -> Iterator[Any]:
            if kept:
                yield from kept[0]
                return
            elements = []
            for element in self:
                elements.append(element)
                yield element
            kept[:] = [elements]

        out = Dataset(make, self._cardinality)
        out.batch_size = self.batch_size
        return out

    def prefetch(self, buffer_size: int = AUTOTUNE) -> "Dataset":
        """Return the same elements, the next of which a thread makes ahead (two of them for `AUTOTUNE`)."""
        size = 2 if buffer_size == AUTOTUNE else buffer_size
        out = Dataset(lambda: prefetched(lambda: iter(self), size), self._cardinality) if size else self
        out.batch_size = self.batch_size
        return out


def _to_numpy(structure: Any) -> Any:
    return tree.map_structure(_leaf_to_numpy, structure)


def _leaf_to_numpy(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, (np.ndarray, np.generic, str, bytes)):
        return leaf
    return leaf.numpy() if isinstance(leaf, Tensor) else np.asarray(leaf)


def _stack(elements: list) -> Any:
    return tree.map_structure(lambda *leaves: _stack_leaves(leaves), *elements)


def _stack_leaves(leaves: tuple) -> Any:
    if leaves[0] is None:
        return None
    if isinstance(leaves[0], (str, bytes)):
        return np.array(leaves, dtype=object)
    shapes = {np.shape(leaf) for leaf in leaves}
    if len(shapes) > 1:
        raise ValueError(f"elements of different shapes cannot make a batch: {', '.join(map(str, sorted(shapes)))}")
    return np.stack(leaves)


def _stack_padded(leaves: tuple) -> Any:
    if isinstance(leaves[0], (str, bytes)) or np.ndim(leaves[0]) == 0:
        return _stack_leaves(leaves)
    longest = np.max([leaf.shape for leaf in leaves], axis=0)
    out = np.zeros((len(leaves), *longest), leaves[0].dtype)
    for row, leaf in zip(out, leaves):
        row[tuple(map(slice, leaf.shape))] = leaf
    return out


def _seeds(seed: int | None, reshuffle: bool) -> Iterator[int]:
    """Yield the seed of every iteration; those without a given seed follow `np.random.seed`."""
    first = seed
    for iteration in itertools.count():
        if first is None:
            drawn = int(np.random.randint(2**31))
            first = None if reshuffle else drawn
            yield drawn
        else:
            yield first + (iteration * 1_000_003 if reshuffle else 0)


def _drawn(elements: Iterator[Any], buffer_size: int, seed: int) -> Iterator[Any]:
    generator = random.Random(seed)
    draw = generator.random
    buffer = list(itertools.islice(elements, buffer_size))
    for element in elements:
        i = int(draw() * buffer_size)
        yield buffer[i]
        buffer[i] = element
    generator.shuffle(buffer)
    yield from buffer
