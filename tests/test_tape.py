"""The tape: gradients, gradients of gradients, variables, and what it refuses."""

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops


def test_gradient_of_a_product_is_the_other_factor():
    a, b = keras.Variable([1.0, 2.0]), keras.Variable([3.0, 5.0])
    with keras.GradientTape() as tape:
        y = ops.sum(a * b)
    ga, gb = tape.gradient(y, [a, b])
    np.testing.assert_array_equal(ga, [3, 5])
    np.testing.assert_array_equal(gb, [1, 2])


def test_broadcast_inputs_get_summed_gradients():
    x, b = keras.Variable(np.ones((4, 3), "float32")), keras.Variable(np.ones((1, 3), "float32"))
    with keras.GradientTape() as tape:
        y = ops.sum((x + b) * 2.0)
    gx, gb = tape.gradient(y, [x, b])
    assert gx.shape == (4, 3) and gb.shape == (1, 3)
    np.testing.assert_array_equal(gb, np.full((1, 3), 8.0))


def test_second_derivative_through_nested_tapes():
    x = keras.Variable(3.0)
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = x * x * x
        first = inner.gradient(y, x)
    second = outer.gradient(first, x)
    assert float(first) == pytest.approx(27.0) and float(second) == pytest.approx(18.0)


def test_grad_of_grad_as_functions():
    def f(x):
        return ops.sum(ops.sin(x) ** 3)

    x = np.array([0.3, 1.0])
    second = keras.grad(lambda x: ops.sum(keras.grad(f)(x)))(x)
    np.testing.assert_allclose(second, 6 * np.sin(x) * np.cos(x) ** 2 - 3 * np.sin(x) ** 3, rtol=1e-12)


def test_value_and_grad_of_nested_arguments_with_aux():
    def f(weights, x):
        out = ops.sum(weights["w"] * x) + weights["b"]
        return out, {"seen": x}

    (value, aux), grads = keras.value_and_grad(f, has_aux=True)({"w": np.ones(2), "b": np.float64(1.0)}, np.arange(2.0))
    assert float(value) == 2.0 and set(aux) == {"seen"}
    np.testing.assert_array_equal(grads["w"], [0, 1])
    assert float(grads["b"]) == 1.0


def test_a_tape_gives_gradients_once_unless_persistent():
    x = keras.Variable(2.0)
    with keras.GradientTape() as tape:
        y = x * x
    tape.gradient(y, x)
    with pytest.raises(RuntimeError, match="persistent=True"):
        tape.gradient(y, x)
    with keras.GradientTape(persistent=True) as tape:
        y = x * x
        z = y * x
    assert float(tape.gradient(y, x)) == 4.0 and float(tape.gradient(z, x)) == 12.0


def test_unconnected_sources_give_none_or_zeros():
    x, other = keras.Variable(2.0), keras.Variable(np.ones(3))
    with keras.GradientTape(persistent=True) as tape:
        y = x * x
    assert tape.gradient(y, [x, other])[1] is None
    np.testing.assert_array_equal(tape.gradient(y, other, unconnected_gradients="zero"), np.zeros(3))


def test_constants_are_watched_only_when_asked():
    x = ops.convert_to_tensor([1.0, 2.0])
    with keras.GradientTape() as tape:
        tape.watch(x)
        y = ops.sum(x * x)
    np.testing.assert_array_equal(tape.gradient(y, x), [2, 4])
    with pytest.raises(TypeError, match="floating-point"), keras.GradientTape() as tape:
        tape.watch(ops.convert_to_tensor([1, 2]))


def test_variables_that_are_not_trainable_are_not_watched():
    x = keras.Variable(2.0, trainable=False)
    with keras.GradientTape() as tape:
        y = x * x
    assert tape.gradient(y, x) is None and tape.watched_variables() == ()


def test_output_gradients_weight_the_targets():
    x = keras.Variable([1.0, 2.0])
    with keras.GradientTape() as tape:
        y = x * x
    np.testing.assert_array_equal(tape.gradient(y, x, output_gradients=np.array([1.0, 10.0], "float32")), [2, 40])


def test_stop_gradient_and_stop_recording():
    x = keras.Variable(3.0)
    with keras.GradientTape() as tape:
        y = x * ops.stop_gradient(x)
        with tape.stop_recording():
            unseen = x * 100.0
        y = y + unseen
    assert float(tape.gradient(y, x)) == 3.0


def test_custom_gradient_replaces_the_rule_and_has_a_second_derivative():
    @ops.custom_gradient
    def cube(x):
        def grad(*args, upstream=None):
            g = args[0] if upstream is None else upstream
            return g * 3.0 * x * x

        return x * x * x, grad

    x = keras.Variable(2.0)
    with keras.GradientTape() as outer:
        with keras.GradientTape() as inner:
            y = cube(x)
        first = inner.gradient(y, x)
    assert float(first) == 12.0 and float(outer.gradient(first, x)) == 12.0


def test_a_variable_read_before_and_after_an_assignment():
    x = keras.Variable(2.0)
    with keras.GradientTape() as tape:
        y = x * 3.0
        x.assign(5.0)
        z = y + x * x
    assert float(tape.gradient(z, x)) == 3.0 + 10.0


def test_jacobian():
    x = keras.Variable([1.0, 2.0])
    with keras.GradientTape(persistent=True) as tape:
        y = ops.stack([x[0] * x[1], x[0] + x[1], x[1] * x[1]])
    np.testing.assert_allclose(tape.jacobian(y, x), [[2, 1], [1, 1], [0, 4]])


def test_gradients_of_integers_are_refused():
    with keras.GradientTape() as tape:
        y = ops.convert_to_tensor([1, 2]) * 2
    with pytest.raises(TypeError, match="floating-point"):
        tape.gradient(y, keras.Variable(1.0))


def test_only_what_rules_ask_for_is_kept_alive():
    x = keras.Variable(np.ones((8, 8), "float32"))
    with keras.GradientTape() as tape:
        y = x + 1.0
        z = ops.tanh(y)
    kept = [set(e.kept) for e in tape._entries]
    assert kept == [set(), {"out"}]  # a sum needs nothing, tanh its own result
    assert tape.gradient(z, x).shape == (8, 8)


def test_a_jacobian_uses_a_tape_up_unless_it_is_persistent():
    x = keras.Variable([1.0, 2.0])
    with keras.GradientTape() as tape:
        y = x * x
    np.testing.assert_allclose(tape.jacobian(y, x), [[2, 0], [0, 4]])
    assert not tape._entries
    with pytest.raises(RuntimeError, match="persistent"):
        tape.jacobian(y, x)


@pytest.mark.parametrize("given, words", [(np.ones((2, 3), "float32"), "shape of its target"), ([], "one for each")])
def test_output_gradients_must_fit_the_targets(given, words):
    x = keras.Variable(np.ones(3, "float32"))
    with keras.GradientTape() as tape:
        y = x * 2.0
    with pytest.raises(ValueError, match=words):
        tape.gradient(y, x, output_gradients=given)
