"""Bodies of loops and branches as machine code: what they give, whose memory they write, and that nothing is copied."""

import tracemalloc

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import kerasish as keras  # noqa: E402
from kerasish import ops  # noqa: E402
from kerasish.backend import native  # noqa: E402
from kerasish.backend.native import pool  # noqa: E402
from kerasish.compiler.codegen import draw as drawing  # noqa: E402
from kerasish.compiler.machine.machine import Machine, PythonStep  # noqa: E402
from kerasish.compiler.passes import optimize  # noqa: E402
from kerasish.compiler.trace import trace  # noqa: E402
from kerasish.utils import tree  # noqa: E402


def draw(*shape, seed=0):
    return ops.convert_to_tensor(np.random.default_rng(seed).normal(size=shape).astype("float32"))


W = keras.Variable(np.random.default_rng(1).normal(size=(8, 8)).astype("float32") / 3)


def machine_code(f, *args):
    program, _ = trace(f, args, {})
    return drawing.machine_code(optimize(program))


def held_to_eager(f, *args, runs=3):
    """Run as machine code several times, on other numbers each time; earlier results stay what they were."""
    run, kept = machine_code(f, *args), []
    for n in range(runs):
        given = [ops.convert_to_tensor(np.asarray(x) * (1 + n)) if x.dtype == "float32" else x for x in args]
        kept.append((run([x.data for x in given]), tree.flatten(f(*given))))
    for got, want in kept:
        for a, b in zip(got, want, strict=True):
            b = np.asarray(b)
            assert a.shape == b.shape and a.dtype == b.dtype
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5 * max(1.0, np.abs(b).max(initial=0)))
    return run


def python_steps(program: Machine) -> int:
    """Steps that run on array kernels, those of bodies included."""
    count = 0
    for step in program.steps:
        blocks = [step.block] if hasattr(step, "block") else [b for b, *_ in getattr(step, "blocks", ())]
        count += isinstance(step, PythonStep) + sum(python_steps(b) for b in blocks)
    return count


def halves_until_small(c, x):
    return ops.while_loop(lambda v: ops.sum(ops.abs(v)) > ops.sum(ops.abs(x)), lambda v: (v * 0.5,), (c,))[0]


BODIES = {
    "scan": lambda c, xs: ops.scan(lambda c, x: (ops.tanh(c @ W + x), ops.softmax(c * x)), c, xs),
    "reverse": lambda c, xs: ops.scan(lambda c, x: (ops.tanh(c) + x, c), c, xs, reverse=True),
    "swap": lambda c, xs: ops.scan(lambda c, x: ((c[1], c[0] * 1.5), (c[0], c[0])), (c, xs[0]), xs),
    "carries an input": lambda c, xs: ops.scan(lambda a, x: (x, (a, c)), c, xs),
    "one step": lambda c, xs: ops.scan(lambda a, x: (a @ W + x, a), c, xs[:1]),
    "shapes": lambda c, xs: ops.scan(lambda a, x: (ops.reshape(ops.reshape(a, (-1,)) * 2, a.shape), a.T), c, xs),
    "while": halves_until_small,
    "while never begins": lambda c, x: halves_until_small(c, ops.abs(c) + ops.abs(x) + 1),
    "while in a scan": lambda c, xs: ops.scan(lambda a, x: (halves_until_small(a + x, x[0]), a), c, xs),
    "scan in a scan": lambda c, xs: ops.scan(
        lambda a, x: (ops.scan(lambda b, r: (ops.tanh(b + r), ops.sum(b)), a[0], x)[0] + a, a), c, xs),
    "cond in a scan": lambda c, xs: ops.scan(
        lambda a, x: (ops.cond(ops.sum(x) > 0, lambda: ops.tanh(a * x), lambda: a), a), c, xs),
    "switch": lambda c, xs: [ops.switch(ops.convert_to_tensor(ops.cast(ops.sum(c) * 0, "int32") + k), [
        lambda: (c, xs, c), lambda: (c * 2, ops.tanh(xs), c), lambda: (xs[0], xs, c + 1)]) for k in (-1, 0, 1, 2, 7)],
    "scan of the results of a scan": lambda c, xs: ops.scan(
        lambda a, x: (a * x, a + x), *ops.scan(lambda a, x: (ops.tanh(a) + x, a), c, xs)),
}


@pytest.mark.parametrize("name", BODIES)
def test_bodies(name):
    run = held_to_eager(BODIES[name], draw(4, 8), draw(5, 4, 8))
    assert python_steps(run.machine) == 0


def test_bodies_with_kernels_that_there_are_as_arrays_only():
    def f(c, xs):
        return ops.scan(lambda a, x: (ops.sort(a, axis=0) + ops.sin(x), ops.median(a, axis=0)), c, xs)

    assert python_steps(held_to_eager(f, draw(4, 8), draw(5, 4, 8)).machine) > 0


@pytest.mark.parametrize("shape", [(0, 4, 8), (5, 0, 8)])
def test_loops_over_nothing(shape):
    held_to_eager(lambda c, xs: ops.scan(lambda a, x: (a + x, a * x), c, xs), draw(*shape[1:]), draw(*shape))


def test_threads_change_nothing(monkeypatch):
    c, xs = draw(256, 512), draw(4, 256, 512)
    f = lambda c, xs: ops.scan(lambda c, x: (ops.tanh(c * ops.exp(x)), ops.sum(c * x, axis=0)), c, xs)  # noqa: E731
    found = []
    for count in (1, 2):
        monkeypatch.setattr(pool, "threads", lambda count=count: count)
        found.append(machine_code(f, c, xs)([c.data, xs.data]))
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_warm_loop_allocates_nothing():
    f = lambda c, xs: ops.scan(lambda c, x: (ops.tanh(c @ W + x), ops.exp(c)), c, xs)  # noqa: E731
    c, xs = draw(400, 8), draw(50, 400, 8)
    run = machine_code(lambda c, xs: ops.sum(f(c, xs)[1]), c, xs)
    for _ in range(3):
        run([c.data, xs.data])
    tracemalloc.start()
    run([c.data, xs.data])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400 * 8 * 4  # one array of a step


# ---- variables that branches assign ----------------------------------------------------------------


def choosing(*variables):
    """A step that assigns to variables in one branch, to the first alone in the other."""
    a, b = variables

    def first():
        a.assign(a * 2 + 1)
        b.assign(ops.reshape(ops.transpose(ops.reshape(b + a, (8, 16))), (128,)))

    def second():
        a.assign(a + b)

    def step(due):
        ops.cond(due, first, second)
        return ops.sum(a)

    return step


def test_branches_write_variables_in_place():
    a, b = (keras.Variable(np.arange(128, dtype="float32") / (n + 3)) for n in range(2))
    want, other = a.numpy().copy(), b.numpy().copy()
    with native.using("always"):
        step, places = keras.function(choosing(a, b)), []
        for n in range(9):
            due = n % 3 == 1
            step(ops.convert_to_tensor(due))
            if due:
                want = want * 2 + 1
                other = (other + want).reshape(8, 16).T.reshape(128)
            else:
                want = want + other
            np.testing.assert_allclose(a.numpy(), want, rtol=1e-5)
            np.testing.assert_allclose(b.numpy(), other, rtol=1e-5)
            places.append([v._value.data.__array_interface__["data"][0] for v in (a, b)])
    assert places[5] == places[8]


def test_branches_leave_arrays_that_others_hold():
    a, b = (keras.Variable(np.arange(128, dtype="float32")) for _ in range(2))
    with native.using("always"):
        step = keras.function(choosing(a, b))
        for due in (True, False, True, True):
            held, array = a.value, b.numpy()
            before = np.array(held), np.array(array)
            step(ops.convert_to_tensor(due))
            np.testing.assert_array_equal(np.asarray(held), before[0])
            np.testing.assert_array_equal(array, before[1])


def test_branches_exchange_variables_and_return_old_values():
    a, b = keras.Variable(np.zeros(64, "float32")), keras.Variable(np.ones(64, "float32"))

    def step(due):
        def exchange():
            old = a.value
            a.assign(b.value)
            b.assign(old)
            return old * 1.0, a.value

        return ops.cond(due, exchange, lambda: (b.value, a.value))

    with native.using("always"):
        f = keras.function(step)
        for n, due in enumerate([True, True, False, True, False]):
            before = a.numpy().copy(), b.numpy().copy()
            results = [np.asarray(x) for x in f(ops.convert_to_tensor(due))]
            after = a.numpy(), b.numpy()
            np.testing.assert_array_equal(after, before[::-1] if due else before, err_msg=str(n))
            np.testing.assert_array_equal(results, before if due else before[::-1])


@pytest.mark.parametrize("make", [
    lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=3),
    lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(0.01), dynamic_growth_steps=2),
], ids=["accumulation", "loss scale"])
def test_optimizers_that_update_in_a_branch(make):
    found = []
    for mode in ("0", "always"):
        with native.using(mode):
            keras.utils.set_random_seed(3)
            model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(20, "tanh"), keras.layers.Dense(1)])
            model.compile(make(), "mse")
            x = np.random.default_rng(0).normal(size=(8, 6)).astype("float32")
            for n in range(8):
                y = np.full((8, 1), np.inf if n == 5 and isinstance(
                    model.optimizer, keras.optimizers.LossScaleOptimizer) else 1.0, "float32")
                model.train_on_batch(x * (n + 1), y)
            found.append([np.asarray(v) for v in (*model.weights, *model.optimizer.variables)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-5)
