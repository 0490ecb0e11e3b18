"""Tensors and variables: protocols, operators, conversion, assignment, names."""

import copy
import pickle

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops


def test_numpy_protocols():
    t = ops.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
    assert np.asarray(t).dtype == "float32" and np.array(t, dtype="int64").tolist() == [[1, 2], [3, 4]]
    assert isinstance(np.ones((2, 2), "float32") + t, type(t))
    assert isinstance(np.exp(t), np.ndarray)
    assert len(t) == 2 and [r.shape for r in t] == [(2,), (2,)]
    assert t.dtype == "float32" and t.dtype == np.float32 and t.shape == (2, 2) and t.ndim == 2 and t.size == 4
    np.testing.assert_array_equal(np.from_dlpack(t), t)


def test_dlpack_comes_in_too():
    class Foreign:
        def __init__(self, array):
            self.array = array

        def __dlpack__(self, **keywords):
            return self.array.__dlpack__()

        def __dlpack_device__(self):
            return self.array.__dlpack_device__()

    np.testing.assert_array_equal(ops.add(Foreign(np.arange(3.0)), 1.0), [1, 2, 3])


@pytest.mark.parametrize("expression", [
    lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a * b, lambda a, b: a / b, lambda a, b: a // b,
    lambda a, b: a % b, lambda a, b: a**b, lambda a, b: 2.0 - a, lambda a, b: 2.0 / b, lambda a, b: 3.0**a,
    lambda a, b: a @ b, lambda a, b: -a, lambda a, b: abs(-a), lambda a, b: a < b, lambda a, b: a >= b,
    lambda a, b: a == b, lambda a, b: a != b, lambda a, b: a.T,
    lambda a, b: a[0], lambda a, b: a[:, 1], lambda a, b: a[..., ::-1], lambda a, b: a[None, 1:, -1],
    lambda a, b: a[np.array([1, 0, 1])], lambda a, b: a[np.array([True, False])],
])  # fmt: skip
def test_operators_agree_with_numpy(expression):
    a, b = np.array([[1.5, 2.0], [3.0, 4.0]], "float32"), np.array([[2.0, 1.0], [3.0, 0.5]], "float32")
    want = expression(a, b)
    for made in (ops.convert_to_tensor, keras.Variable):
        got = expression(made(a), made(b))
        np.testing.assert_allclose(got, want, rtol=1e-6)
        assert np.asarray(got).dtype == want.dtype


def test_python_numbers_are_weak():
    assert (ops.ones((2,), dtype="float16") * 2.5).dtype == "float16"
    assert (ops.ones((2,), dtype="int8") + 1).dtype == "int8"
    assert (ops.ones((2,), dtype="int32") * 2.5).dtype == "float32"
    assert ops.convert_to_tensor(1).dtype == "int32" and ops.convert_to_tensor([1.0]).dtype == "float32"
    assert ops.convert_to_tensor(np.array([1.0])).dtype == "float64"


def test_bfloat16_and_all_widths():
    for dtype in ("bfloat16", "float16", "float64", "int8", "uint8", "int16", "uint16", "int64", "uint32", "bool"):
        t = ops.cast([0, 1, 2], dtype)
        assert keras.backend.standardize_dtype(t.dtype) == dtype
        assert np.asarray(ops.cast(t, "float32")).tolist()[:2] == [0.0, 1.0]


def test_convert_to_tensor_does_not_share_memory_with_what_the_user_may_write():
    a = np.zeros(3, "float32")
    t, v = ops.convert_to_tensor(a), keras.Variable(a)
    a[0] = 5
    assert float(t[0]) == 0.0 and float(v[0]) == 0.0
    got = v.numpy()
    got[1] = 7
    assert float(v[1]) == 0.0


class ForeignArray:
    """What another library hands over: it shows its own memory, whenever it is asked."""

    def __init__(self):
        self.memory = np.ones(2, "float32")

    def __array__(self, dtype=None, copy=None):
        return self.memory


def test_variables_do_not_share_memory_with_arrays_of_other_libraries():
    foreign = ForeignArray()
    v = keras.Variable(foreign)
    foreign.memory[:] = 7
    np.testing.assert_array_equal(v, [1, 1])
    v.assign(foreign)
    foreign.memory[:] = 8
    np.testing.assert_array_equal(v, [7, 7])


def test_a_variable_becomes_an_array_by_copying_only():
    v = keras.Variable([1.0, 2.0])
    np.asarray(v)[:] = 5
    np.testing.assert_array_equal(v, [1, 2])
    with pytest.raises(ValueError, match="without a copy"):
        np.array(v, copy=False)


@pytest.mark.parametrize("number, dtype", [(-(2**31), "int32"), (2**31, "int64"), (-(2**63), "int64"), (-1, "int32")])
def test_lists_of_integers_take_the_dtype_that_holds_them(number, dtype):
    x = ops.convert_to_tensor([number, 0])
    assert x.dtype == dtype == ops.convert_to_tensor(number).dtype
    assert x.tolist() == [number, 0]


def test_nested_lists_of_tensors_are_stacked():
    t = ops.convert_to_tensor([[ops.ones(()), 2.0], [3.0, keras.Variable(4.0)]])
    np.testing.assert_array_equal(t, [[1, 2], [3, 4]])


def test_scalars_become_python_numbers():
    t = ops.convert_to_tensor(2.5)
    assert float(t) == 2.5 and int(t) == 2 and bool(t) and t.item() == 2.5 and f"{t:.2f}" == "2.50"
    assert [10, 20, 30][ops.convert_to_tensor(1)] == 20
    with pytest.raises((TypeError, ValueError)):
        float(ops.ones(3))


def test_tensors_can_be_copied_and_pickled():
    t = ops.convert_to_tensor([1.0, 2.0])
    for other in (copy.deepcopy(t), pickle.loads(pickle.dumps(t))):
        np.testing.assert_array_equal(other, t)


def test_a_shape_that_cannot_be_broadcast_names_the_op_and_the_shapes():
    with pytest.raises(ValueError, match=r"\(2, 3\).*\(4,\)"):
        ops.add(ops.ones((2, 3)), ops.ones((4,)))


def test_things_that_are_no_tensors_are_refused():
    with pytest.raises(TypeError, match="cannot make a tensor"):
        ops.add(object(), 1.0)


def test_variable_assignment():
    v = keras.Variable(np.zeros((2, 2)), dtype="float32", name="v")
    v.assign(np.ones((2, 2)))
    v.assign_add(np.ones((2, 2), "float32"))
    v.assign_sub(0.5 * np.ones((2, 2)))
    np.testing.assert_array_equal(v, np.full((2, 2), 1.5))
    assert v.dtype == "float32" and v.path == "v" and v.trainable
    with pytest.raises(ValueError, match=r"'v' has shape \(2, 2\).*\(3,\)"):
        v.assign(np.ones(3))


def test_variable_from_an_initializer():
    v = keras.Variable(keras.initializers.Ones(), shape=(2, 3), dtype="float16")
    assert v.shape == (2, 3) and v.dtype == "float16"
    with pytest.raises(ValueError, match="shape"):
        keras.Variable(keras.initializers.Ones())
    with pytest.raises(ValueError, match="cannot contain character `/`"):
        keras.Variable(1.0, name="a/b")
    np.testing.assert_array_equal(keras.Variable("ones", shape=2), [1.0, 1.0])
    with pytest.raises(ValueError, match="'uno'"):
        keras.Variable("uno", shape=(2,))
    for shape in ((None, 2), (2, -1), (2, 1.5)):
        with pytest.raises(ValueError, match="must be fully-defined"):
            keras.Variable("zeros", shape=shape)


@pytest.mark.parametrize(("attribute", "good", "bad", "error"), [
    ("constraint", abs, "NonNeg", ValueError), ("regularizer", sum, 0.1, ValueError),
    ("overwrite_with_gradient", True, 1, TypeError)])
def test_attributes_of_a_variable_are_checked(attribute, good, bad, error):
    v = keras.Variable([1.0, 2.0])
    setattr(v, attribute, good)
    with pytest.raises(error, match=attribute):
        setattr(v, attribute, bad)
    assert getattr(v, attribute) is good


def test_only_one_number_is_a_boolean():
    assert keras.Variable(2.0) and not keras.Variable([0.0])
    with pytest.raises(TypeError, match=r"\(2,\) cannot be used as a boolean"):
        bool(keras.Variable([1.0, 1.0]))
    with pytest.raises(ValueError, match="ambiguous"):
        bool(ops.ones(2))


def test_choices_of_a_variable():
    v = keras.Variable(1.0, aggregation=None, synchronization=None)
    assert (v.aggregation, v.synchronization) == ("none", "none")
    for argument in ("aggregation", "synchronization"):
        with pytest.raises(ValueError, match=f"Invalid value for argument `{argument}`.*'each'"):
            keras.Variable(1.0, **{argument: "each"})


def test_name_scopes_make_paths():
    with keras.name_scope("outer"), keras.name_scope("inner"):
        assert keras.Variable(1.0, name="w").path == "outer/inner/w"


def test_a_name_scope_may_be_opened_inside_itself():
    owner = object()
    scope = keras.name_scope("a", caller=owner)
    with scope, scope:
        assert keras.Variable(1.0, name="w").path == "a/w"
    assert keras.Variable(1.0, name="w").path == "w"


def test_plus_a_variable_is_its_value_at_that_moment():
    v = keras.Variable([1.0, 2.0])
    before = +v
    v.assign([5.0, 6.0])
    np.testing.assert_array_equal(before, [1, 2])


def test_symbolic_tensors_refuse_values_and_say_why():
    k = keras.KerasTensor((None, 3), name="k")
    for use, error in ((bool, TypeError), (float, ValueError), (np.asarray, ValueError), (list, NotImplementedError)):
        with pytest.raises(error, match="no values|actual numerical value|as a boolean"):
            use(k)
    assert (k + 1.0).shape == (None, 3) and k[:, 0].shape == (None,) and k.T.shape == (3, None)


def test_unknown_lengths_broadcast():
    a, b = keras.KerasTensor((None, None)), keras.KerasTensor((4,))
    assert (a + b).shape == (None, 4)
    assert (keras.KerasTensor((None, 1)) * keras.KerasTensor((None, 5))).shape == (None, 5)


def test_stateless_scope_leaves_variables_alone():
    v = keras.Variable(1.0)
    with keras.StatelessScope([(v, ops.convert_to_tensor(5.0))]) as scope:
        assert float(v) == 5.0
        v.assign(7.0)
        assert float(v.value) == 7.0
    assert float(v) == 1.0 and float(scope.get_current_value(v)) == 7.0


def test_integer_result_types():
    assert keras.backend.result_type("int32", "float16") == "float16"
    assert keras.backend.result_type("uint8", "int8") == "int16"
    assert keras.backend.result_type("float32", "float64") == "float64"
    assert keras.backend.result_type("bfloat16", "float16") == "float32"
    assert keras.backend.result_type("int64", float) == "float32"
    with pytest.raises(ValueError, match="invalid dtype"):
        keras.backend.standardize_dtype("float12")


def test_a_stateless_scope_lists_each_variable_once_and_opens_once():
    v, scope = keras.Variable(1.0), keras.StatelessScope()
    with scope:
        v.assign(2.0)
        v.assign(3.0)
        with pytest.raises(RuntimeError, match="open already"):
            scope.__enter__()
    assert scope.assigned == [v] and float(scope.get_current_value(v)) == 3 and float(v) == 1
    with scope:
        assert float(v) == 3
