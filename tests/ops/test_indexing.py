"""Indexing, reshaping and broadcasting against NumPy on drawn shapes; blocks whose starts are known late; errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as drawn

from kerasish import ops
from kerasish.autodiff.functional import grad
from kerasish.core.op import CARDS
from kerasish.core.symbolic import KerasTensor

SHAPES = drawn.array_shapes(min_dims=1, max_dims=4, min_side=1, max_side=4)


def numbers(shape):
    return np.arange(np.prod(shape), dtype="float32").reshape(shape)


def spec(x):
    return KerasTensor(x.shape, x.dtype.name, record_history=False)


@given(st.data())
def test_basic_keys_read_as_in_numpy(data):
    x = numbers(data.draw(SHAPES))
    key = data.draw(drawn.basic_indices(x.shape, allow_newaxis=True))
    want = x[key]
    np.testing.assert_array_equal(ops.get_item(x, key), want)
    assert ops.get_item(spec(x), key).shape == want.shape


@given(st.data())
def test_integer_keys_read_and_scatter_as_in_numpy(data):
    x = numbers(data.draw(SHAPES))
    key = data.draw(drawn.integer_array_indices(x.shape, result_shape=drawn.array_shapes(max_dims=2, max_side=3)))
    want = x[key]
    np.testing.assert_array_equal(ops.get_item(x, key), want)
    assert ops.get_item(spec(x), key).shape == want.shape
    weights = np.cos(numbers(want.shape))
    expected = np.zeros_like(x)
    np.add.at(expected, key, weights)
    got = grad(lambda t: ops.sum(t[key] * weights))(ops.convert_to_tensor(x))
    np.testing.assert_allclose(got, expected, atol=1e-5)


@given(st.data())
def test_mixed_keys_read_and_scatter_as_in_numpy(data):
    x = numbers((4, 4, 4, 4))
    entry = st.sampled_from([0, -1, slice(None), slice(1, 3), None, np.array([0, 2, 2]), np.array([[1], [3]])])
    key = tuple(data.draw(st.lists(entry, max_size=4)))
    want = x[key]
    np.testing.assert_array_equal(ops.get_item(x, key), want)
    assert ops.get_item(spec(x), key).shape == want.shape
    weights = np.cos(numbers(want.shape))
    expected = np.zeros_like(x)
    np.add.at(expected, key, weights)
    got = grad(lambda t: ops.sum(t[key] * weights))(ops.convert_to_tensor(x))
    np.testing.assert_allclose(got, expected, atol=1e-4)


@given(st.data())
def test_reshape_and_transpose_undo(data):
    x = numbers(data.draw(SHAPES))
    order = data.draw(st.permutations(range(x.ndim)))
    moved = ops.transpose(x, order)
    np.testing.assert_array_equal(moved, x.transpose(order))
    np.testing.assert_array_equal(ops.transpose(moved, np.argsort(order).tolist()), x)
    np.testing.assert_array_equal(ops.reshape(ops.ravel(moved), moved.shape), moved)


@given(drawn.mutually_broadcastable_shapes(num_shapes=2, max_dims=4, max_side=3))
def test_broadcast_and_its_gradient(shapes):
    x, target = numbers(shapes.input_shapes[0]), shapes.result_shape
    np.testing.assert_array_equal(ops.broadcast_to(x, target), np.broadcast_to(x, target))
    got = grad(lambda t: ops.sum(ops.broadcast_to(t, target)))(ops.convert_to_tensor(x))
    np.testing.assert_array_equal(got, np.full(x.shape, np.prod(target) / x.size))


@given(st.data())
def test_split_and_concatenate_undo(data):
    x = numbers(data.draw(SHAPES))
    axis = data.draw(st.integers(0, x.ndim - 1))
    points = sorted(data.draw(st.lists(st.integers(0, x.shape[axis]), max_size=3)))
    parts = ops.split(x, points, axis)
    assert [p.shape for p in parts] == [p.shape for p in np.split(x, points, axis)]
    np.testing.assert_array_equal(ops.concatenate(parts, axis), x)


@pytest.mark.parametrize("starts", [(0, 0), (1, 2), (9, 9), (-3, 1)])
def test_block_with_starts_known_late(starts):
    """`dynamic_slice` and `dynamic_update` clamp starts, and are each other's gradients."""
    read, write = CARDS["dynamic_slice"], CARDS["dynamic_update"]
    x, new, at = numbers((4, 5)), -np.ones((2, 2), "float32"), [np.int32(s) for s in starts]
    low = [min(max(s, 0), n - 2) for s, n in zip(starts, x.shape)]
    block = (slice(low[0], low[0] + 2), slice(low[1], low[1] + 2))
    np.testing.assert_array_equal(read(x, *at, sizes=(2, 2)), x[block])
    want = x.copy()
    want[block] = new
    np.testing.assert_array_equal(write(x, new, *at), want)
    inside = np.zeros_like(x)
    inside[block] = x[block]
    got = grad(lambda t: ops.sum(read(t, *at, sizes=(2, 2)) * x[block]))(ops.convert_to_tensor(x))
    np.testing.assert_array_equal(got, inside)
    outer, inner = grad(lambda t, v: ops.sum(write(t, v, *at) * x), argnums=(0, 1))(ops.copy(x), ops.copy(new))
    np.testing.assert_array_equal(outer, x - inside)
    np.testing.assert_array_equal(inner, x[block])


def test_block_of_symbolic_starts():
    start = KerasTensor((2,), "int32", record_history=False)
    x = spec(numbers((4, 5)))
    assert ops.slice(x, start, (2, 3)).shape == (2, 3)
    assert ops.slice_update(x, start, numbers((2, 3))).shape == (4, 5)


@pytest.mark.parametrize("key", [
    (np.array([True, False, True]),), (..., np.array([False, True])), (0, ..., np.array([True, True])),
    (None, np.ones((3, 4), bool)), (slice(0, 2), np.eye(4, 2) > 0, None),
])
def test_boolean_keys_read_as_in_numpy(key):
    x = numbers((3, 4, 2))
    np.testing.assert_array_equal(ops.convert_to_tensor(x)[key], x[key])


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16"])
@pytest.mark.parametrize("read", [
    lambda x, i: ops.take(x, i, axis=0), lambda x, i: x[i], lambda x, i: ops.take_along_axis(x, i[:, None], axis=0),
])
def test_indices_of_a_narrow_dtype_reach_all_of_a_long_axis(read, dtype):
    x, indices = numbers((1000, 1)), np.array([1, 100], dtype)
    slope = np.asarray(grad(lambda v: ops.sum(read(v, indices)))(x))
    np.testing.assert_array_equal(np.flatnonzero(slope), indices)


def test_segments_and_coordinates_of_a_narrow_dtype():
    ids = np.array([0, 255, 3], "uint8")
    np.testing.assert_array_equal(np.flatnonzero(ops.segment_sum(np.ones(3), ids, 256)), [0, 3, 255])
    np.testing.assert_array_equal(ops.unravel_index(ids, (2, 300)), np.unravel_index(ids, (2, 300)))
    np.testing.assert_array_equal(
        np.flatnonzero(ops.scatter_update(np.ones(300), ids[:, None], np.zeros(3), "mul") == 0), [0, 3, 255])


@pytest.mark.parametrize(("error", "says", "call"), [
    (IndexError, "out of bounds", lambda x: x[2]),
    (IndexError, "too many", lambda x: x[0, 0, 0]),
    (IndexError, "ellipsis", lambda x: x[..., ...]),
    (TypeError, "integers", lambda x: x[x]),
    (TypeError, "integers", lambda x: ops.take(x, [0.5])),
    (IndexError, "take", lambda x: ops.take(x, [7], axis=0)),
    (ValueError, "2 axes", lambda x: ops.take_along_axis(x, [0], axis=0)),
    (ValueError, r"\(2, 4\)", lambda x: ops.reshape(x, (2, 4))),
    (ValueError, "no valid permutation", lambda x: ops.transpose(x, (0, 0))),
    (ValueError, "not 1", lambda x: ops.squeeze(x, 0)),
    (ValueError, "equal parts", lambda x: ops.split(x, 2, axis=1)),
    (ValueError, "axis 0", lambda x: ops.concatenate([x, x[:, :2]])),
    (ValueError, "one shape", lambda x: ops.stack([x, x[0]])),
    (ValueError, "empty", lambda x: ops.concatenate([])),
    (ValueError, "pad_width", lambda x: ops.pad(x, [(1, 1)] * 3)),
    (ValueError, "mode", lambda x: ops.pad(x, 1, mode="mean")),
    (ValueError, "does not fit", lambda x: ops.slice(x, (0, 0), (3, 1))),
    (ValueError, "reduction", lambda x: ops.scatter_update(x, [[0, 0]], [1.0], reduction="div")),
    (ValueError, "must have shape", lambda x: ops.scatter([[0], [1]], x[:1], (4, 3))),
    (ValueError, "same axes", lambda x: ops.rearrange(x, "a b -> a c")),
    (ValueError, "coordinates in its last axis", lambda x: ops.scatter(np.zeros((2, 0), "int32"), x, (2, 3))),
    (ValueError, "`kth` must be below 3", lambda x: ops.argpartition(x, 3)),
    (ValueError, "empty", lambda x: ops.hstack([])),
    (IndexError, "boolean index", lambda x: x[np.ones(3, bool)]),
    (IndexError, "boolean index", lambda x: x[..., np.ones(2, bool)]),
    (IndexError, "boolean index", lambda x: x[np.ones((2, 2), bool)]),
])
def test_bad_input_is_named(error, says, call):
    with pytest.raises(error, match=says):
        call(ops.convert_to_tensor(numbers((2, 3))))
