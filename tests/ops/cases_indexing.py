"""Rows for reading and writing at indices."""

import numpy as np

from tests.ops.case import Case, booleans, distinct, integers, normal, positive

X = normal(4, 5, 3)


def scattered(indices, values, shape):
    out = np.zeros(shape, np.asarray(values).dtype)
    np.add.at(out, tuple(np.moveaxis(indices, -1, 0)), values)
    return out


def updated(inputs, indices, updates, reduction=None):
    out, at = inputs.copy(), tuple(np.moveaxis(indices, -1, 0))
    if reduction is None:
        out[at] = updates
    else:
        {"add": np.add, "max": np.maximum, "min": np.minimum, "mul": np.multiply}[reduction].at(out, at, updates)
    return out


def segments(function, empty):
    def reduce(data, segment_ids, num_segments=None, sorted=False):
        count = num_segments or int(segment_ids.max()) + 1
        rows = [data[segment_ids == i] for i in range(count)]
        return np.stack([function(r, axis=0) if len(r) else np.full(data.shape[1:], empty) for r in rows])

    return reduce


def block(inputs, start_indices, shape):
    return inputs[tuple(slice(s, s + n) for s, n in zip(start_indices, shape))]


def replaced(inputs, start_indices, updates):
    out = inputs.copy()
    out[tuple(slice(s, s + n) for s, n in zip(start_indices, updates.shape))] = updates
    return out


IDS = np.array([0, 2, 2, 0, 1], "int32")
COORDINATES = np.array([[0, 1], [2, 2], [0, 1]], "int32")
KEYS = {
    "int": 1,
    "negative": -1,
    "slice": slice(1, None),
    "mixed": (slice(None), -2, slice(None, None, 2)),
    "new": (None, Ellipsis, None, 0),
    "reversed": (slice(None, None, -1), slice(3, 0, -2)),
    "array": np.array([0, 0, 3, -1]),
    "list": [0, 2],
    "matrix": (slice(None), np.array([[0, 1], [4, 0]])),
    "arrays": (np.array([0, 0, 1]), np.array([1, 1, 2])),
    "apart": (np.array([0, 1]), slice(1, 3), np.array([[2], [0]])),
    "int-beside-array": (0, slice(None), np.array([1, 0])),
    "bool": np.array([True, False, True, True]),
    "bool-matrix": np.arange(20).reshape(4, 5) % 3 == 0,
    "column": (slice(1, 3), np.array([1, 1, 0]), 1),
}

CASES = [
    *[Case("get_item", [X, key], reference=lambda x, key: x[key], id=name, dynamic=False, symbolic="bool" not in name)
      for name, key in KEYS.items()],
    Case("get_item", [X, (slice(None), 2)], reference=lambda x, key: x[key], id="batch"),
    Case("take", [X, integers(2, 3, high=4)], {"axis": 0}),
    Case("take", [X, integers(6, low=-5, high=5)], {"axis": 1}),
    Case("take", [X, integers(2, 2, high=3)], {"axis": -1}),
    Case("take", [X, integers(7, high=60)], dynamic=False),
    Case("take", [normal(6, 200), integers(9, high=6)], {"axis": 0}, id="long-rows",
         check=lambda out, x, i, axis: np.testing.assert_array_equal(out, x[i]), dtypes=("float32",)),
    Case("take_along_axis", [normal(3, 4), integers(3, 2, high=4)], {"axis": 1}),
    Case("take_along_axis", [normal(3, 4), integers(1, 4, high=3)], {"axis": 0}, dynamic=False),
    Case("take_along_axis", [normal(3, 1), integers(2, 5, high=3)], {"axis": 0}, id="broadcast", dynamic=False),
    Case("take_along_axis", [normal(3, 4), integers(1, 2, high=4)], {"axis": 1}, id="one"),
    Case("take_along_axis", [normal(3, 4), integers(5, high=12)], {"axis": None}, dynamic=False),
    Case("scatter", [COORDINATES, normal(3), (4, 3)], reference=scattered, dynamic=False),
    Case("scatter", [integers(5, 1, high=4), normal(5, 2), (4, 2)], reference=scattered, id="rows"),
    Case("scatter", [integers(2, 3, 1, high=4), normal(2, 3), (4,)], reference=scattered, id="matrix",
         dynamic=False),
    Case("scatter_update", [normal(4, 3), np.array([[0, 1], [2, 2]]), normal(2)], reference=updated, dynamic=False),
    Case("scatter_update", [normal(4, 3), np.array([[3], [1]]), normal(2, 3)], reference=updated, id="rows",
         dynamic=False),
    *[Case("scatter_update", [distinct(4, 3), COORDINATES, positive(3)], {"reduction": r}, reference=updated,
           dynamic=False) for r in ("add", "max", "min")],
    Case("scatter_update", [positive(4, 3), COORDINATES, positive(3)], {"reduction": "mul"}, reference=updated,
         dynamic=False),
    Case("slice", [X, (1, 0, 1), (2, 5, 2)], reference=block, dynamic=False),
    Case("slice", [X, np.array([1, 0, 1]), (2, 5, 2)], reference=block, id="tensor", dynamic=False),
    Case("slice", [X, (3, 0, 0), (2, 1, 1)], reference=lambda x, i, s: block(x, (2, 0, 0), s), id="clamped",
         dynamic=False),
    Case("slice", [X, (1, -2, 0), (3, 1, -1)], reference=lambda x, i, s: x[1:, 3:4], id="rest", dynamic=False),
    Case("slice_update", [X, (1, 0, 1), normal(2, 5, 2)], reference=replaced, dynamic=False),
    Case("slice_update", [X, np.array([1, 0, 1]), normal(2, 5, 2)], reference=replaced, id="tensor", dynamic=False),
    Case("nonzero", [np.array([[0, 1], [2, 0]])], symbolic=False),
    Case("nonzero", [np.array([0.0, 1.5])], symbolic=False, differentiable=False, id="float"),
    Case("select", [[booleans(3, 4), booleans(4)], [normal(3, 4), normal(3, 4)], 2.0], reference=np.select,
         dynamic=False),
    Case("select", [[booleans(3, 4)], [normal(3, 4)]], reference=np.select, id="zero"),
    Case("segment_sum", [normal(5, 2), IDS, 4], reference=segments(np.sum, 0), dynamic=False),
    Case("segment_sum", [normal(5), IDS], reference=segments(np.sum, 0), id="counted", symbolic=False),
    Case("segment_sum", [normal(5), np.array([0, -1, 3, 1, 1]), 3], reference=segments(np.sum, 0), id="outside",
         dynamic=False),
    Case("segment_max", [distinct(5, 2), IDS, 3], reference=segments(np.max, -np.inf), dynamic=False),
    Case("segment_max", [distinct(5, 2), IDS, 4], reference=segments(np.max, -np.inf), dynamic=False, id="empty",
         differentiable=False),
    Case("segment_min", [distinct(5, 2), IDS, 3], reference=segments(np.min, np.inf), dynamic=False),
    Case("segment_min", [integers(5), IDS, 4], reference=segments(np.min, 2**31 - 1), id="int", dynamic=False),
    Case("segment_prod", [positive(5, 2), IDS, 4], reference=segments(np.prod, 1), dynamic=False),
    Case("unravel_index", [integers(4, high=24), (2, 3, 4)]),
]

# Reached where starts of blocks are not known when the op is called.
CARDS_ELSEWHERE = ("dynamic_slice", "dynamic_update")
