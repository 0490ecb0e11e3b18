"""Loops and branches in compiled functions: one instruction each, the results and gradients of eager execution."""

import tracemalloc
import warnings

import numpy as np
import pytest

import kerasish as keras
from kerasish import ops
from kerasish.autodiff.tape import GradientTape
from kerasish.backend import device
from kerasish.compiler import control
from kerasish.compiler.function import CompiledFunction, function
from kerasish.compiler.ir import programs_of
from kerasish.compiler.passes import PASSES
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify
from kerasish.core.dispatch import to_tensor
from kerasish.core.tensor import NoValueError
from kerasish.utils import tree
from tests.strict_device import strict


def draw(*shape, seed=0):
    return to_tensor(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def count(program):
    """All instructions of a program, those of the programs inside included."""
    return sum(1 + sum(map(count, programs_of(i))) for i in program.instructions)


def names(program):
    return [i.card.name for i in program.instructions]


def compiled_is_eager(f, *args, runs=4, atol=1e-5):
    """Run a function eagerly and compiled; return its program, which every pass has left sound."""
    want = [tree.map_structure(np.asarray, f(*args)) for _ in range(runs)]
    program, _ = trace(f, args, {})
    verify(program)
    for change in PASSES:
        program = change(program)
        verify(program)
    compiled = CompiledFunction(f)
    program = compiled.program(*args)
    verify(program)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        got = [tree.map_structure(np.asarray, compiled(*args)) for _ in range(runs)]
    for g, w in zip(tree.flatten(got), tree.flatten(want), strict=True):
        assert g.dtype == w.dtype and g.shape == w.shape
        np.testing.assert_allclose(g, w, rtol=1e-5, atol=atol)
    return program


def with_gradients(f, sources=()):
    """A function that returns the result of another, and the gradients of a sum of it."""

    def run(*args):
        with GradientTape() as tape:
            tape.watch(args)
            out = f(*args)
            total = sum((ops.sum(ops.sin(y) * y) for y in tree.flatten(out)), ops.zeros(()))
        return out, tape.gradient(total, [*args, *sources], unconnected_gradients="zero")

    return run


def weight(*shape, seed=1):
    return keras.Variable(np.random.default_rng(seed).normal(size=shape).astype("float32"), name="w")


# ---- scans ------------------------------------------------------------------------------------

W = weight(3, 3)


def nested(c, xs):
    """A scan whose body scans."""

    def row(c, x):
        d, ys = ops.scan(lambda d, v: (ops.tanh(d * v + c[0]), d + v), ops.sum(c), x)
        return ops.tanh(c @ W) * d, ys

    return ops.scan(row, c, xs)


SCANS = {
    "carry": lambda c, xs: ops.scan(lambda c, x: (ops.tanh(c @ W + x), ops.sum(c * x)), c, xs),
    "reverse": lambda c, xs: ops.scan(lambda c, x: (c * x + 1, c), c, xs, reverse=True),
    "swap": lambda c, xs: ops.scan(lambda c, x: ((c[1], c[0] * 1.5), c[0]), (c, xs[0]), xs),
    "same twice": lambda c, xs: ops.scan(lambda c, x: ((c[0] + x, c[0] + x), (c[1], c[1])), (c, c), xs),
    "captures": lambda c, xs: ops.scan(lambda a, x: (a * c + x * xs[0], a), c, xs),
    "no outputs": lambda c, xs: ops.scan(lambda a, x: (a * x, None), c, xs)[0],
    "no slices": lambda c, xs: ops.scan(lambda a, _: (ops.sin(a) + c, a), c, length=5),
    "unused carry": lambda c, xs: ops.scan(lambda a, x: (c, x * 2), c, xs),
    "constants": lambda c, xs: ops.scan(lambda a, x: (ops.ones(3), ops.arange(3)), c, xs)[0],
    "nested": nested,
    "dictionary": lambda c, xs: ops.scan(lambda s, x: ({"n": s["n"] + 1, "c": s["c"] * x}, {"y": x}),
                                         {"n": 0, "c": c}, xs)[0]["c"],
    "map": lambda c, xs: ops.map(lambda x: (ops.sum(x * c), {"a": x @ W}), xs),
    "vectorized_map": lambda c, xs: ops.vectorized_map(lambda x: x[0] * x[1], (xs, ops.flip(xs, axis=0))),
    "vectorize": lambda c, xs: ops.vectorize(lambda a, b: a * b + 1)(xs, c),
    "fori_loop": lambda c, xs: ops.fori_loop(1, 5, lambda i, v: v * ops.cast(i, "float32") + xs[0], c),
    "dynamic slice": lambda c, xs: ops.fori_loop(0, 6, lambda i, v: v + ops.take(xs, i, axis=0) ** 2, c),
    "cond inside": lambda c, xs: ops.scan(
        lambda a, x: (ops.cond(ops.sum(x) > 0, lambda: a * x, lambda: a + x), a), c, xs),
}


@pytest.mark.parametrize("name", SCANS)
def test_scans(name):
    f = SCANS[name]
    assert "scan" in names(trace(f, (draw(3), draw(6, 3)), {})[0])
    compiled_is_eager(f, draw(3), draw(6, 3))
    compiled_is_eager(with_gradients(f, [W]), draw(3), draw(6, 3))


@pytest.mark.parametrize("name", SCANS)
def test_scans_on_a_strict_device(name):
    sources = [to_tensor(np.asarray(x)) for x in (draw(3), draw(6, 3))]
    want = with_gradients(SCANS[name], [W])(*sources)
    before = W.numpy()
    with strict():
        W.assign(before)
        compiled = function(with_gradients(SCANS[name], [W]))
        got = [compiled(*[to_tensor(x.numpy()) for x in sources]) for _ in range(3)][-1]
        got = [x.numpy() for x in tree.flatten(got)]
    W.assign(before)
    for g, w in zip(got, tree.flatten(want), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["carry", "nested", "fori_loop", "captures", "cond inside"])
def test_second_gradients(name):
    # Terms cancel: eager execution itself is 4e-5 away from the result in float64.
    compiled_is_eager(with_gradients(with_gradients(SCANS[name], [W]), [W]), draw(3), draw(4, 3), atol=5e-5)


def test_programs_do_not_grow_with_the_length():
    f = function(with_gradients(SCANS["carry"], [W]))
    lengths = [count(f.program(draw(3), draw(n, 3))) for n in (4, 400)]
    assert lengths[0] == lengths[1] < 60


def test_a_gradient_saves_what_it_needs_in_the_first_scan():
    program = function(with_gradients(SCANS["carry"], [W])).program(draw(3), draw(5, 3))
    assert names(program).count("scan") == 2
    forward = next(i for i in program.instructions if i.card.name == "scan")
    assert len(forward.outputs) == 2 + 2  # the carry before the step, and the tanh after it


def test_what_all_steps_share_is_taken_out_of_the_loop():
    v, bias = weight(4, 3), weight(3, seed=2)

    def f(c, xs):
        """The product of the slices comes before the loop, the gradients of weights come after it."""
        def step(c, x):
            c = ops.tanh(c @ (2.0 * W) + x @ v + bias)
            return c, c @ ops.transpose(v)

        return ops.scan(step, c, xs)

    program = compiled_is_eager(with_gradients(f, [W, v, bias]), draw(5, 3), draw(6, 5, 4))
    loops = [n for n, i in enumerate(program.instructions) if i.card.name == "scan"]
    bodies = [names(i.params["body"]) for n, i in enumerate(program.instructions) if n in loops]
    assert sorted(bodies[0]) == ["add", "add", "contract", "tanh"]  # neither the product with v nor 2 W nor the output
    assert bodies[1].count("contract") == 1 and "sum" not in bodies[1]  # the gradient of c through 2 W
    assert names(program)[: loops[0]].count("contract") == 1
    assert names(program)[loops[1]:].count("contract") == 4  # of W, of v twice, and of xs
    for body in [program.instructions[n].params["body"] for n in loops]:
        read = {v for i in body.instructions for v in i.inputs}
        assert read >= {v for v in body.inputs if body.specs[v].shape == (4, 3)}


def test_results_of_steps_that_nobody_reads_are_not_stacked():
    program = compiled_is_eager(lambda c, xs: SCANS["carry"](c, xs)[0], draw(3), draw(6, 3))
    (scan,) = [i for i in program.instructions if i.card.name == "scan"]
    assert len(scan.outputs) == 1 and names(scan.params["body"]) == ["contract", "add", "tanh"]


def test_a_persistent_tape_gives_gradients_twice():
    def f(c, xs):
        with GradientTape(persistent=True) as tape:
            tape.watch([c, xs])
            last, ys = SCANS["carry"](c, xs)
            a, b = ops.sum(last), ops.sum(ys)
        return tape.gradient(a, [c, W]), tape.gradient(b, [xs, W])

    compiled_is_eager(f, draw(3), draw(5, 3))


def test_jacobians_reuse_what_the_first_scan_saved():
    def f(c, xs):
        with GradientTape(persistent=True) as tape:
            tape.watch(c)
            last, _ = SCANS["carry"](c, xs)
        return tape.jacobian(last, c)

    program = compiled_is_eager(f, draw(3), draw(4, 3))
    assert names(program).count("scan") == 1 + 3


def test_loops_over_known_values_are_run_by_the_trace():
    def f(x):
        table = ops.map(lambda row: ops.cumsum(row), np.ones((3, 3), "float32"))
        return x + table + ops.fori_loop(0, 3, lambda i, v: v * 2, 1.0)

    assert names(compiled_is_eager(f, draw(3))) == ["add", "add"]


def test_python_numbers_take_the_dtypes_of_the_carry():
    compiled_is_eager(lambda x: ops.scan(lambda c, v: ([c[0] + v, 1], c[1] * v), [0.0, 2.0], x)[0][0], draw(3))
    with pytest.raises(ValueError, match="must return the 2 tensors"):
        trace(lambda xs: ops.scan(lambda c, x: (c[:1], x), [0.0, 1.0], xs), (draw(3),), {})


def test_unrolled_by_request():
    program = compiled_is_eager(lambda xs: ops.scan(lambda c, x: (c + x, c), 0.0, xs, unroll=True), draw(4))
    assert "scan" not in names(program)


def test_a_carry_keeps_its_shape_and_dtype():
    with pytest.raises(ValueError, match=r"loop carries.*float32\[3\].*float32\[6\]"):
        trace(lambda c: ops.fori_loop(0, 3, lambda i, v: ops.concatenate([v, v]), c), (draw(3),), {})
    with pytest.raises(ValueError, match="loop carries.*int32.*float32"):
        trace(lambda x: ops.scan(lambda c, v: (c + v, v), 0, x), (draw(3),), {})


def test_custom_gradients_inside_a_loop():
    @ops.custom_gradient
    def clipped(x):
        return ops.sin(x), lambda upstream: ops.clip(upstream, -0.1, 0.1)

    compiled_is_eager(with_gradients(lambda c, xs: ops.scan(lambda a, x: (clipped(a * x), a), c, xs)),
                      draw(3), draw(4, 3))


def test_rematerialized_bodies():
    block = keras.remat(lambda a, x: ops.tanh(a @ W) * x)
    compiled_is_eager(with_gradients(lambda c, xs: ops.scan(lambda a, x: (block(a, x), a), c, xs), [W]),
                      draw(3), draw(4, 3))


def test_gradients_inside_a_body():
    def f(c, xs):
        def step(a, x):
            with GradientTape() as tape:
                tape.watch(a)
                loss = ops.sum(ops.sin(a @ W) * x)
            return a - 0.1 * tape.gradient(loss, a), loss

        return ops.scan(step, c, xs)

    compiled_is_eager(f, draw(3), draw(4, 3))
    compiled_is_eager(with_gradients(f, [W]), draw(3), draw(4, 3))


def test_gradients_by_known_values():
    def f(xs):
        scale = ops.ones(3)
        with GradientTape() as tape:
            tape.watch(scale)
            loss = ops.sum(ops.scan(lambda c, x: (c * ops.exp(scale) + x, None), ops.zeros(3), xs)[0])
        return tape.gradient(loss, scale)

    compiled_is_eager(f, draw(4, 3))


def test_variables_assigned_in_a_loop_are_carried():
    def run(wrap):
        total, seen = keras.Variable(np.zeros(3, "float32")), keras.Variable(0)

        def f(xs):
            def step(c, x):
                total.assign_add(x * c)
                seen.assign_add(1)
                return c + total, seen.value

            return ops.scan(step, ops.ones(3), xs)

        f = wrap(f)
        out = [tree.map_structure(np.asarray, f(draw(4, 3, seed=n))) for n in range(4)]
        return [*tree.flatten(out), np.asarray(total), np.asarray(seen)]

    for eager, compiled in zip(run(lambda f: f), run(function), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-5)


def test_variables_assigned_in_a_while_loop_and_in_branches():
    def run(wrap):
        a, b = keras.Variable(1.0), keras.Variable(2.0)

        def f(x):
            def body(i, y):
                a.assign(a * 1.5)
                return i + 1, y + a

            def up():
                b.assign_add(a)
                return x

            def down():
                a.assign(b.value)
                return -x

            i, y = ops.while_loop(lambda i, y: y < x, body, (0, 0.0))
            return i, y, ops.switch(ops.cast(i, "int32") - 2, [up, down, lambda: x * 2])

        f = wrap(f)
        out = [tree.map_structure(np.asarray, f(to_tensor(x))) for x in (1.0, 30.0, 9.0, 0.0, 55.0)]
        return [*tree.flatten(out), np.asarray(a), np.asarray(b)]

    for eager, compiled in zip(run(lambda f: f), run(function), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-5)


def test_random_draws_in_a_loop_are_those_of_eager_execution():
    def draws(wrap):
        generator = keras.random.SeedGenerator(5)
        f = wrap(lambda: ops.scan(lambda c, _: (c, keras.random.normal((2,), seed=generator)), 0, length=4)[1])
        return np.stack([np.asarray(f()) for _ in range(4)])

    np.testing.assert_array_equal(draws(lambda f: f), draws(function))


# ---- programs ---------------------------------------------------------------------------------


def test_a_tensor_of_a_body_cannot_leave_it():
    kept = []

    def f(xs):
        ops.scan(lambda c, x: (kept.append(c * x) or c, None), ops.zeros(()), xs)
        return kept.pop() + 1

    with pytest.raises(NoValueError, match="body of a loop"):
        trace(f, (draw(3),), {})


def test_bodies_are_printed_indented_and_counted():
    program = function(SCANS["carry"]).program(draw(3), draw(5, 3))
    page = str(program)
    assert "scan(" in page and "\n    inputs %0 float32[3]" in page and "\n    return " in page
    assert "length=5" in page and "Program(" not in page


def test_the_verifier_looks_inside():
    program, _ = trace(SCANS["carry"], (draw(3), draw(5, 3)), {})
    scan = program.instructions[-1]
    body = scan.params["body"]

    def broken(**changes):
        other = scan._replace(params={**scan.params, **changes})
        return program._replace(instructions=(*program.instructions[:-1], other))

    with pytest.raises(ValueError, match="before it is made"):
        verify(broken(body=body._replace(instructions=body.instructions[1:])))
    with pytest.raises(ValueError, match="scan of 4 steps"):
        verify(broken(length=4))
    with pytest.raises(ValueError, match="body of a scan takes"):
        verify(broken(body=body._replace(inputs=body.inputs[::-1])))


def test_one_instruction_can_be_run_on_arrays():
    program, _ = trace(SCANS["carry"], (draw(3), draw(5, 3)), {})
    scan = program.instructions[-1]
    run = control.runner(scan, device.current())
    c, xs = np.asarray(draw(3)), np.asarray(draw(5, 3))
    given = {program.inputs[0]: c, program.inputs[1]: xs, program.variables[0][1]: np.asarray(W)}
    out = run(*[given[v] for v in scan.inputs])
    for g, w in zip(out, tree.flatten(SCANS["carry"](to_tensor(c), to_tensor(xs))), strict=True):
        np.testing.assert_allclose(g, w, rtol=1e-5)


def test_a_warm_loop_allocates_no_arrays():
    w = weight(64, 64)
    f = function(lambda x: ops.fori_loop(0, 50, lambda i, c: ops.tanh(c @ w), x))
    x = draw(64, 64)
    for _ in range(4):
        f(x)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    f(x)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < 2 * 64 * 64 * 4  # the copy of the result that the caller gets
