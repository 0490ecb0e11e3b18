"""Branches, and loops whose end depends on values, in compiled functions."""

import functools

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.compiler.function import function
from kerasish.compiler.trace import trace
from kerasish.core.dispatch import to_tensor
from tests.test_compiled_control import W, compiled_is_eager, draw, names, with_gradients


def test_while_loops_whose_end_depends_on_values():
    f = function(lambda x: ops.while_loop(lambda i, y: ops.sum(y) < 50, lambda i, y: (i + 1, y * 2), (0, x)))
    assert names(f.program(draw(3))).count("while") == 1
    for scale, steps in ((1.0, 5), (10.0, 1), (30.0, 0), (1.0, 5), (0.1, 8)):
        i, y = f(ops.ones(3) * scale)
        assert int(i) == steps
        np.testing.assert_allclose(y, np.full(3, scale * 2.0**steps, "float32"), rtol=1e-6)


def test_while_loops_with_a_limit():
    f = function(lambda x: ops.while_loop(lambda y: ops.sum(y) < 50, lambda y: y * 2, x, maximum_iterations=3))
    for _ in range(3):
        np.testing.assert_array_equal(f(ops.ones(3)), [8, 8, 8])
        np.testing.assert_array_equal(f(ops.ones(3) * 15), [30, 30, 30])


def test_a_single_loop_variable_and_single_results():
    compiled_is_eager(lambda x: ops.while_loop(lambda y: ops.sum(y) < 50, lambda y: y * y + 1, x), draw(3))


def test_fori_loop_with_a_bound_of_values():
    f = function(lambda n, x: ops.fori_loop(0, n, lambda i, v: v + ops.cast(i, "float32"), x))
    for n in (3, 0, 5, 4):
        assert float(f(to_tensor(n), to_tensor(1.0))) == 1 + sum(range(n))


def test_gradients_of_a_while_loop_with_a_limit():
    def f(x):
        return ops.while_loop(lambda y: ops.sum(y * y) < 10, lambda y: y * x + 0.1, x, maximum_iterations=12)

    compiled_is_eager(with_gradients(f), ops.ones(3) * 1.2)
    compiled_is_eager(with_gradients(with_gradients(f)), ops.ones(3) * 1.3)


def test_gradients_of_a_while_loop_that_the_trace_can_count():
    def f(x):
        return ops.while_loop(lambda i, y: i < 3, lambda i, y: (i + 1, y * x), (0, x))[1]

    compiled_is_eager(with_gradients(f), draw(3))


def test_gradients_of_other_while_loops_fall_back_with_one_warning():
    def f(x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.while_loop(lambda y: ops.sum(y) < 10, lambda y: y * 2, x)
        return tape.gradient(y, x)

    compiled = function(f)
    compiled(ops.ones(3))
    with pytest.warns(UserWarning, match="maximum_iterations"):
        np.testing.assert_array_equal(compiled(ops.ones(3)), [4, 4, 4])


def test_loops_that_no_gradient_passes_need_no_limit_under_a_tape():
    def f(x):
        with GradientTape() as tape:
            tape.watch(x)
            zero = 0 * ops.cast(x[0], "int32")
            n = ops.while_loop(lambda n: ops.cast(n, "float32") < ops.sum(x), lambda n: n + 1, zero)
            y = ops.sum(x * x) * ops.cast(n, "float32")
        return tape.gradient(y, x)

    compiled_is_eager(f, ops.ones(3) * 2)


# ---- branches ---------------------------------------------------------------------------------


def test_branches_run_alone():
    """A branch that is not taken raises nothing and spoils no gradient."""
    loss = keras.losses.SparseCategoricalCrossentropy()
    p = to_tensor(np.full((2, 2), 0.5, "float32"))

    def f(good, labels, x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.cond(good, lambda: loss(labels, p) + ops.sum(ops.sqrt(x)), lambda: ops.sum(x) * 2)
        return y, tape.gradient(y, x)

    compiled = function(f)
    for _ in range(3):
        y, g = compiled(to_tensor(True), to_tensor([0, 1]), ops.ones(2))
        np.testing.assert_allclose(g, [0.5, 0.5])
        y, g = compiled(to_tensor(False), to_tensor([0, 7]), -ops.ones(2))
        assert float(y) == -4
        np.testing.assert_allclose(g, [2, 2])
    with pytest.raises(ValueError, match="label 7"):
        compiled(to_tensor(True), to_tensor([0, 7]), ops.ones(2))


@pytest.mark.parametrize("index", [-3, 0, 1, 2, 9])
def test_switch(index):
    branches = [lambda a, b: (a * b, {"s": ops.sum(a)}), lambda a, b: (a @ W, {"s": ops.max(b)}),
                lambda a, b: (b, {"s": ops.zeros(())})]

    def f(a, b):
        return with_gradients(lambda a, b: ops.switch(ops.cast(b[0] * 0, "int32") + index, branches, a, b), [W])(a, b)

    program = compiled_is_eager(f, draw(3), draw(3, seed=2))
    assert names(program).count("switch") == 2


def test_branches_that_return_nothing_and_read_what_the_other_assigns():
    def assigned(wrap):
        v = keras.Variable(1.0)

        def set_it(x):
            v.assign(x * 2)

        def f(x):
            ops.cond(x > 0, functools.partial(set_it, x), lambda: None)
            return ops.cond(x > 1, lambda: v + 1, lambda: v.assign_add(x)) + v

        f = wrap(f)
        return [float(f(to_tensor(x))) for x in (0.5, -1.0, 3.0, -2.0, 0.25)]

    assert assigned(lambda f: f) == assigned(function)


def test_branches_must_agree():
    with pytest.raises(ValueError, match="agree"):
        trace(lambda x: ops.cond(x > 0, lambda: ops.ones(2), lambda: ops.ones(3)), (to_tensor(1.0),), {})
    with pytest.raises(ValueError, match="agree in structure"):
        trace(lambda x: ops.cond(x > 0, lambda: (x, None), lambda: (None, x)), (to_tensor(1.0),), {})


def test_a_known_condition_is_decided_by_the_trace():
    assert names(function(lambda x: ops.cond(True, lambda: x + 1, lambda: ops.exp(x))).program(draw(3))) == ["add"]
