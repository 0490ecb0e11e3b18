"""Programs: tracing, passes, buffers, replay, and equality with eager execution for every op."""

import tracemalloc
import warnings

import numpy as np
import pytest

import kerasish as keras
from kerasish import layers, ops
from kerasish.autodiff.tape import GradientTape
from kerasish.backend import native
from kerasish.compiler.function import MAX_PROGRAMS, MISS, CompiledFunction, function
from kerasish.compiler.ir import Instruction
from kerasish.compiler.passes import PASSES
from kerasish.compiler.trace import trace
from kerasish.compiler.verify import verify
from kerasish.core import dispatch
from kerasish.core.tensor import Tensor
from kerasish.utils import tree
from tests.compiled_modes import assert_compiled
from tests.ops import harness

CASES = harness.collect()
# Ops whose result's shape, branch or number of steps depends on values: they run op by op.
EAGER_ALONE = {"while_loop", "fori_loop", "nonzero", "unique", "bincount", "searchsorted", "digitize",
               "histogram", "vectorize", "ctc_decode"}


def x32(*shape):
    return ops.convert_to_tensor(np.random.default_rng(0).normal(size=shape).astype("float32"))


# ---- every op ---------------------------------------------------------------------------------


def with_gradient(case, arguments, floats):
    """A function of the row's arrays: the op's result, and the gradient of a weighted sum of it."""

    def run(*tensors):
        args, kwargs = harness.with_arrays(arguments, list(tensors))
        chosen = [tensors[i] for i in floats]
        if not chosen:
            return harness.find(case.op)(*args, **kwargs)
        with GradientTape() as tape:
            tape.watch(chosen)
            out = harness.find(case.op)(*args, **kwargs)
            total = harness.weighted_sum(out)
        return out, tape.gradient(total, chosen, unconnected_gradients="zero")

    return run


@pytest.mark.parametrize("name", CASES)
def test_compiled_is_eager(name):
    case = CASES[name]
    dtype = "float32" if "float32" in case.dtypes else case.dtypes[0]
    arguments = harness.as_dtype(case.arguments(), dtype)
    arrays = harness.arrays_of(arguments)
    floats = [i for i in harness.differentiable(case, arrays) if harness.is_float(arrays[i])]
    run = with_gradient(case, arguments, floats)
    tensors = [dispatch.to_tensor(a) for a in arrays]
    want = run(*tensors)
    try:
        program, _ = trace(run, tuple(tensors), {})
    except Exception:
        assert case.op.rpartition(".")[2] in EAGER_ALONE or not case.symbolic, f"{name} cannot be traced"
        return
    for change in PASSES:
        program = change(program)
        verify(program)
    compiled = CompiledFunction(run)
    for _ in range(3):
        got = compiled(*tensors)
    for g, w in zip(tree.flatten(got), tree.flatten(want), strict=True):
        g, w = (np.asarray(dispatch.to_tensor(t)) for t in (g, w))
        assert g.dtype == w.dtype and g.shape == w.shape
        wide = "complex128" if g.dtype.kind == "c" else "float64"
        np.testing.assert_allclose(g.astype(wide), w.astype(wide), rtol=1e-5, atol=1e-6)


# ---- programs ---------------------------------------------------------------------------------


def test_a_program_can_be_read():
    v = keras.Variable(np.ones(3, "float32"), name="v")

    @function
    def step(x):
        v.assign_add(ops.sum(x, axis=0))
        return ops.tanh(x @ ops.ones((3, 2)))

    page = str(step.program(x32(4, 3)))
    assert "contract" in page and "v <- %" in page and "tanh" in page and " B, " in page and "float32[4, 2]" in page
    assert float(v[0]) == 1.0  # looking changes nothing


def test_dead_and_repeated_instructions_go():
    def f(x):
        ops.exp(x)
        return ops.sin(x) * ops.sin(x)

    program, _ = trace(f, (x32(3),), {})
    assert [i.card.name for i in program.instructions] == ["exp", "sin", "sin", "multiply"]
    assert [i.card.name for i in function(f).program(x32(3)).instructions] == ["sin", "multiply"]


def test_known_values_are_folded():
    program = function(lambda x: x * ops.sqrt(ops.convert_to_tensor(4.0))).program(x32(3))
    assert [i.card.name for i in program.instructions] == ["multiply"]


def test_machine_code_without_llvmlite_is_refused(monkeypatch):
    monkeypatch.setattr(native, "is_installed", lambda: False)
    with pytest.raises(ImportError, match=r"machine code needs llvmlite: pip install 'kerasish\[jit\]'"):
        function(ops.tanh).jobs(x32(3))


def test_the_verifier_finds_broken_programs():
    program, _ = trace(lambda x: ops.tanh(x), (x32(3),), {})
    (tanh,) = program.instructions
    with pytest.raises(ValueError, match="before it is made"):
        verify(program._replace(instructions=(Instruction(tanh.card, (tanh.outputs[0],), {}, tanh.outputs),)))
    with pytest.raises(ValueError, match="made twice"):
        verify(program._replace(instructions=(tanh, tanh)))
    with pytest.raises(ValueError, match="never made"):
        verify(program._replace(instructions=()))


def test_variables_change_places_with_buffers_and_never_under_a_reader():
    v = keras.Variable(np.zeros(4, "float32"))

    @function
    def step(x):
        v.assign_add(x)

    one = ops.ones(4)
    held = []
    for n in range(1, 9):
        step(one)
        held.append((n, v.value, v.value[1:3]))
    for n, whole, part in held:
        np.testing.assert_array_equal(whole, np.full(4, n))
        np.testing.assert_array_equal(part, np.full(2, n))


def test_a_warm_step_allocates_no_arrays():
    v = keras.Variable(np.zeros((256, 256), "float32"))

    @function
    def step(x):
        v.assign_sub(0.1 * ops.tanh(x @ v + 1.0))
        return ops.sum(v)

    x = x32(256, 256)
    for _ in range(4):
        step(x)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    tracemalloc.reset_peak()
    step(x)
    peak = tracemalloc.get_traced_memory()[1] - before
    tracemalloc.stop()
    assert peak < v.size * 4 / 4  # less than a quarter of one of its matrices


def test_a_failing_check_leaves_variables_as_they_were():
    v = keras.Variable(0.0)
    loss = keras.losses.SparseCategoricalCrossentropy()

    @function
    def step(labels, p):
        v.assign_add(1.0)
        return loss(labels, p)

    good, p = ops.convert_to_tensor([0, 1]), ops.convert_to_tensor([[0.5, 0.5], [0.5, 0.5]])
    for _ in range(3):
        step(good, p)
    with pytest.raises(ValueError, match="label 7, but y_pred has 2 classes"):
        step(ops.convert_to_tensor([0, 7]), p)
    assert float(v) == 3.0


def test_branches_on_values_run_op_by_op_with_one_warning():
    def f(x):
        return x + 1 if float(ops.sum(x)) > 0 else x - 1

    compiled = function(f)
    x = ops.ones(2)
    compiled(x)
    with pytest.warns(UserWarning, match=r"test_compiler.py:\d+.*float\(ops.sum\(x\)\)"):
        compiled(x)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(compiled(-x), [-2, -2])


def test_cond_chooses_results_and_assignments():
    v = keras.Variable(0.0)

    @function
    def f(x):
        def up():
            v.assign_add(1.0)
            return x

        return ops.cond(ops.sum(x) > 0, up, lambda: -x)

    for sign, count in ((1, 1), (1, 2), (1, 3), (-1, 3), (1, 4)):
        assert float(f(ops.convert_to_tensor([sign * 2.0]))[0]) == 2.0
        assert float(v) == count


def test_programs_are_bounded():
    f = function(lambda x: x + 1.0)
    for n in range(1, 200):
        f(ops.ones(n))
        f(ops.ones(n))
    assert len(f._programs) == MAX_PROGRAMS


def test_random_draws_are_those_of_eager_execution():
    def draws(run):
        generator = keras.random.SeedGenerator(5)
        f = run(lambda: keras.random.normal((4,), seed=generator))
        return np.stack([np.asarray(f()) for _ in range(5)])

    np.testing.assert_array_equal(draws(lambda f: f), draws(function))


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "rmsprop", "nadam", "adafactor", "lion"])
def test_training_compiled_is_training_eager(optimizer):
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(48, 6)).astype("float32"), rng.integers(0, 3, 48)

    def train(eager):
        keras.utils.set_random_seed(1)
        model = keras.Sequential([
            keras.Input((6,)), layers.Dense(8, activation="gelu"), layers.BatchNormalization(), layers.Dropout(0.3),
            layers.Dense(3, activation="softmax", kernel_regularizer="l2")])
        model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=eager)
        history = model.fit(x, y, batch_size=16, epochs=5, verbose=0, validation_split=0.25)
        return history.history, model

    (eager, m1), (compiled, m2) = train(True), train(False)
    for k in eager:
        np.testing.assert_allclose(compiled[k], eager[k], rtol=1e-5)
    for a, b in zip(m1.get_weights(), m2.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    assert_compiled(m2.train_function)


def test_outputs_do_not_change_at_the_next_call():
    f = function(lambda x: x * 2.0)
    outs = [f(ops.convert_to_tensor([float(n)])) for n in range(5)]
    assert [float(t[0]) for t in outs] == [0, 2, 4, 6, 8]
    assert all(isinstance(t, Tensor) for t in outs)


# ---- when a program is made -------------------------------------------------------------------


class Counted(keras.Sequential):
    """A model that counts how often its own step runs in Python."""

    calls = 0

    def train_step(self, data):
        self.calls += 1
        return super().train_step(data)


def test_a_first_step_runs_op_by_op_the_second_is_traced():
    x = np.ones((8, 3), "float32")
    for inputs in ([keras.Input((3,))], []):
        model = Counted([*inputs, layers.Dense(2)])
        model.compile("adam", "mse", metrics=["mae"])
        model.fit(x, x[:, :2], batch_size=2, epochs=2, verbose=0)
        assert model.calls == 2


def test_variables_of_a_first_step_are_made_before_it_is_traced():
    class Late(Counted):
        count = None

        def train_step(self, data):
            if self.count is None:
                self.count = keras.Variable(0.0, trainable=False, name="count")
            self.count.assign_add(1.0)
            return {**super().train_step(data), "count": self.count}

    x = np.ones((8, 3), "float32")
    model = Late([keras.Input((3,)), layers.Dense(2)])
    model.compile("sgd", "mse")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        history = model.fit(x, x[:, :2], batch_size=2, epochs=2, verbose=0)
    assert history.history["count"] == [4.0, 8.0]
    assert model.calls == 2  # op by op, traced


def test_a_variable_made_at_every_call_is_not_kept_in_a_program():
    @function
    def counted(x):
        v = keras.Variable(0.0)
        v.assign_add(1.0)
        return x * v

    x = ops.ones(2)
    counted(x)
    with pytest.warns(UserWarning, match=r"NoVariableError at .*test_compiler.py:\d+ .*made while a program is traced"):
        np.testing.assert_array_equal(counted(x), [1, 1])
    for _ in range(3):
        np.testing.assert_array_equal(counted(x), [1, 1])


def test_shapes_that_come_once_are_not_traced():
    calls = []

    def f(x):
        calls.append(x.shape)
        return x + 1.0

    compiled = CompiledFunction(f)
    for n in range(1, 20):
        compiled(ops.ones(n))
    assert len(calls) == 19 and [p != "seen" for p in compiled._programs.values()] == [False] * 19


@pytest.mark.parametrize("pair", [
    (((1, 2),), ([1, 2],)), ((1,), (1.0,)), ((1,), (True,)), (({"a": (1,)},), ({"a": [1]},)), (("float32",), (None,)),
], ids=str)  # fmt: skip
def test_other_arguments_are_another_program(pair):
    x = ops.ones(2)
    compiled = function(lambda value, x: x)
    for (value,) in pair:
        compiled(value, x)
        compiled(value=value, x=x)
    assert len(compiled._programs) == 4


def test_every_kind_of_container_takes_part():
    compiled = function(lambda tensors, scale=1.0: keras.tree.map_structure(lambda t: t * scale, tensors))
    a, b = ops.ones(2), ops.ones((1, 3))
    for tensors in ({"b": a, "a": [b, (a,)]}, [a, {"z": b, "c": a}], (b,)):
        for _ in range(3):
            got = compiled(tensors, scale=2.0)
        keras.tree.assert_same_structure(got, tensors)
        keras.tree.map_structure(lambda g, t: np.testing.assert_array_equal(g, t * 2.0), got, tensors)


def test_the_quickest_call_is_made_only_where_it_is_the_same():
    v = keras.Variable(0.0)

    def f(data):
        x, y = data
        v.assign_add(ops.sum(x) + ops.sum(y))  # and no result, which is a result too

    step = CompiledFunction(f)
    a, b = np.ones(3, "float32"), np.ones((2, 2), "float32")
    pair = Tensor(a), Tensor(b)
    assert step.again((a, b)) is MISS
    step(pair)
    assert step.again((a, b)) is MISS  # nothing is traced yet
    step(pair)
    assert step.again((a, b)) is None and float(v) == 21.0
    others = [(a,), (b, a), (a, b, b), (a, b.astype("float64")), (a[:2], b), (a, [[1.0, 1.0]] * 2), (a, pair[1])]
    assert [step.again(arrays) is MISS for arrays in others] == [True] * len(others)
    with GradientTape():
        assert step.again((a, b)) is MISS
    for _ in range(2):
        step([*pair])  # a list is another structure
    assert step.again((a, b)) is MISS and float(v) == 35.0


@pytest.mark.parametrize("call", [
    lambda f, x: f(x, x), lambda f, x: f(x=x), lambda f, x: f({"x": x}), lambda f, x: f((x, 2)),
    lambda f, x: f(((x,), x)),
])  # fmt: skip
def test_the_quickest_call_is_for_tensors_alone(call):
    step = CompiledFunction(lambda *args, **kwargs: keras.tree.flatten((args, kwargs))[0] * 2.0)
    x = ops.ones(3)
    for _ in range(3):
        np.testing.assert_array_equal(call(step, x), [2, 2, 2])
    array = np.ones(3, "float32")
    assert step.again((array,)) is MISS and step.again((array, array)) is MISS
