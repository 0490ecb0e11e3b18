"""Fused kernels: whatever is put together gives what its parts give one by one."""

import math
import sys
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import kerasish as keras  # noqa: E402
from kerasish import ops  # noqa: E402
from kerasish.backend import native  # noqa: E402
from kerasish.compiler import runner  # noqa: E402
from kerasish.compiler.codegen.draw import machine_code  # noqa: E402
from kerasish.compiler.codegen.drawing import Drawing, prepare  # noqa: E402
from kerasish.compiler.codegen.native_control import control_part  # noqa: E402
from kerasish.compiler.codegen.schedule import lay_out  # noqa: E402
from kerasish.compiler.passes import optimize  # noqa: E402
from kerasish.compiler.trace import trace  # noqa: E402
from kerasish.compiler.verify import verify  # noqa: E402


def tensors(*shapes, seed=0):
    rng = np.random.default_rng(seed)
    return [ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in shapes]


def held_to_eager(f, *args, rtol=2e-6, fused=None):
    """Run as machine code and eagerly; return the prepared program."""
    program, _ = trace(f, args, {})
    program = optimize(program)
    ready = prepare(program)
    verify(ready)
    got = machine_code(program)([x.data for x in args])
    want = f(*args)
    want = want if isinstance(want, tuple | list) else [want]
    for a, b in zip(got, want, strict=True):
        b = np.asarray(b)
        assert a.shape == b.shape and a.dtype == b.dtype
        scale = float(np.abs(b[np.isfinite(b)]).max(initial=1e-6)) if b.dtype.kind == "f" else 0
        np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * scale)
    if fused is not None:
        assert [i.card.name for i in ready.instructions].count("fused") == fused
    return ready


def softmax_by_hand(x):
    e = ops.exp(x - ops.max(x, axis=-1, keepdims=True))
    return e / ops.sum(e, axis=-1, keepdims=True)


def layer_norm(x, scale, offset):
    mean, variance = ops.moments(x, axes=-1, keepdims=True)
    return (x - mean) * ops.rsqrt(variance + 1e-3) * scale + offset


@pytest.mark.filterwarnings("ignore:softmax over axis")
@pytest.mark.parametrize("rows, columns", [(1, 1), (1, 7), (5, 1), (3, 16), (7, 10), (4, 33), (200, 130)])
def test_rows(rows, columns):
    x, scale, offset = tensors((rows, columns), (columns,), (columns,))
    held_to_eager(softmax_by_hand, x)
    held_to_eager(layer_norm, x, scale, offset, rtol=2e-5)
    held_to_eager(lambda x: ops.softmax(x * 3), x)
    held_to_eager(lambda x, s: (ops.sum(ops.relu(x + s), axis=0), ops.relu(x + s)), x, scale)
    held_to_eager(lambda x: ops.mean(ops.square(x)), x)
    held_to_eager(lambda x: ops.argmax(ops.sin(x) + x, axis=-1), x)


def test_a_chain_is_one_kernel():
    x, y = tensors((30, 50), (50,))
    held_to_eager(lambda x, y: ops.tanh(ops.exp(-ops.abs(x)) * y + 1.0) / 3.0, x, y, fused=1)
    held_to_eager(softmax_by_hand, x, fused=1)


def test_reductions_that_end_a_chain_belong_to_it():
    x, y = tensors((6, 9, 20), (20,))
    held_to_eager(lambda x, y: ops.sum(ops.relu(x * y), axis=(0, 1)), x, y, fused=1)
    held_to_eager(lambda x, y: (ops.mean(x * y, axis=-1), x * y), x, y, fused=1)


@pytest.mark.parametrize("shapes", [
    ((4, 1, 5), (1, 3, 1)), ((2, 3, 4, 5), (3, 1, 5)), ((2, 1, 4, 1), (1, 3, 1, 5)), ((7,), (3, 1)), ((1, 1), (1,)),
    ((), (4, 2)), ((16, 1), (1, 16)),
])
def test_broadcasting(shapes):
    held_to_eager(lambda x, y: (x * y - ops.exp(y) / (ops.square(x) + 1.0), ops.maximum(x, y)), *tensors(*shapes))


def test_special_numbers():
    x = ops.convert_to_tensor(np.array([[np.nan, 1, np.inf, -np.inf, 0.0, -0.0, 3]] * 3, "float32"))
    y = ops.convert_to_tensor(np.array([1, np.nan, 2, 2, -0.0, 0.0, -3], "float32"))
    for f in (ops.maximum, ops.minimum, lambda x, y: ops.relu(x) + 0 * y, lambda x, y: ops.where(x > y, x, y),
              lambda x, y: ops.max(x + 0 * y, axis=-1), lambda x, y: ops.sign(x), lambda x, y: ops.isfinite(x),
              lambda x, y: 1 / x, lambda x, y: ops.not_equal(x, y), lambda x, y: ops.argmax(x, axis=-1)):
        program, _ = trace(f, (x, y), {})
        (got,), want = machine_code(optimize(program))([x.data, y.data]), np.asarray(f(x, y))
        np.testing.assert_array_equal(got, want)


OPS = [
    lambda x, y: x + y, lambda x, y: x * y, lambda x, y: ops.maximum(x, y), lambda x, y: ops.tanh(x),
    lambda x, y: ops.sigmoid(x) - y, lambda x, y: ops.where(x > y, x, y), lambda x, y: ops.abs(x) + 0.5,
    lambda x, y: x - ops.mean(x, axis=-1, keepdims=True),
    lambda x, y: x / (1 + ops.max(ops.abs(x), axis=-1, keepdims=True)),
    lambda x, y: ops.reshape(ops.transpose(x), x.shape), lambda x, y: x - ops.mean(x, axis=0, keepdims=True),
    lambda x, y: ops.matmul(x, ops.transpose(x))[:, :1] * 0.1 + x, lambda x, y: ops.softmax(x),
    lambda x, y: ops.cast(x > 0, "float32") * x + y,
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:softmax over axis")
@pytest.mark.parametrize("seed", range(60))
def test_random_programs(seed):
    """A dozen ops on what was made before, results read twice, some of them returned."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.choice([1, 2, 5, 16, 17, 40], 2))
    steps = [(int(rng.integers(len(OPS))), int(rng.integers(99)), int(rng.integers(99))) for _ in range(12)]

    def f(x, y):
        made = [x, y]
        for op, a, b in steps:
            made.append(OPS[op](made[a % len(made)], made[b % len(made)]))
        return made[-4:]

    held_to_eager(f, *tensors(shape, shape, seed=seed), rtol=2e-5)


def test_a_variable_is_updated_in_place_unless_somebody_holds_it():
    v = keras.Variable(np.ones(100, "float32"))
    with native.using("always"):
        step = keras.function(lambda g: v.assign(v - 0.5 * g))
        g = ops.ones((100,))
        step(g)
        step(g)
        step(g)
        place = v._value.data.ctypes.data
        step(g)
        assert v._value.data.ctypes.data == place
        held, array = v.value, v.numpy()
        before = np.array(held)
        step(g)
        np.testing.assert_array_equal(np.asarray(held), before)
        np.testing.assert_array_equal(array, before)
        np.testing.assert_array_equal(v.numpy(), before - 0.5)


def test_an_old_value_that_is_returned_is_not_written_over():
    v = keras.Variable(np.zeros(40, "float32"))

    def step(g):
        old = v.value * 1.0
        kept = ops.reshape(v.value, (8, 5))
        v.assign(v + g)
        return old, kept, v.value

    with native.using("always"):
        f = keras.function(step)
        for n in range(4):
            old, kept, new = f(ops.ones((40,)))
            assert float(old[0]) == n and float(kept[0, 0]) == n and float(new[3]) == n + 1


def test_a_check_that_fails_changes_nothing():
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = np.ones((8, 4), "float32"), np.zeros(8, "int32")
    with native.using("always"):
        for _ in range(3):
            model.train_on_batch(x, y)
        before = [w.copy() for w in model.get_weights()]
        slots = [v.numpy().copy() for v in model.optimizer.variables]
        with pytest.raises(ValueError, match="label 7"):
            model.train_on_batch(x, y + 7)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(slots, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, b.numpy())


def test_programs_are_compiled_when_they_have_earned_it(monkeypatch):
    program, _ = trace(lambda x: ops.tanh(x) + 1, tensors((8, 8)), {})
    monkeypatch.setattr(runner, "EARNED", 4.5 * runner.estimate(program))
    monkeypatch.setattr(runner, "EARNED_EACH", math.inf)
    with native.using("1"):
        run = runner.make_runner(program)
        kinds = []
        for _ in range(6):
            run([np.ones((8, 8), "float32")])
            kinds.append(type(run._replay).__name__)
    assert kinds == ["Replay"] * 4 + ["NativeReplay"] * 2


def test_programs_share_memory_and_threads_take_turns():
    shapes = [(300, 40), (200, 40), (300, 40)]
    xs = [tensors(s, seed=n)[0] for n, s in enumerate(shapes)]

    def f(x):
        return ops.matmul(ops.tanh(ops.matmul(x, ops.transpose(x))), x)

    runs = [machine_code(optimize(trace(f, (x,), {})[0])) for x in xs]
    assert runs[0].machine.arena is runs[1].machine.arena is runs[2].machine.arena
    want = [run([x.data])[0] for run, x in zip(runs, xs, strict=True)]
    wrong = []

    def work(run, x, expected):
        for _ in range(30):
            if not np.array_equal(run([x.data])[0], expected):
                wrong.append(1)

    threads = [threading.Thread(target=work, args=a) for a in zip(runs, xs, want, strict=True) for _ in range(2)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


def test_results_are_written_over_inputs_that_nobody_reads_after_them():
    def f(x):
        a = ops.matmul(x, x)
        b = ops.tanh(a) * 2.0
        return ops.sum(ops.matmul(b, b)), ops.sum(b)

    (x,) = tensors((128, 128))
    program = held_to_eager(f, x, rtol=1e-4)
    layout = lay_out(program)
    (made,) = (i for i in program.instructions if i.card.name == "fused" and program.specs[i.outputs[0]].size > 1)
    assert layout.root[made.outputs[0]] == layout.root[made.inputs[0]]


def test_an_input_that_is_written_over_is_read_first():
    """The first result lies where the input lies that only the second one reads."""
    a, b = keras.Variable(np.zeros(100, "float32")), keras.Variable(np.zeros(100, "float32"))

    def step(x):
        old = a.value
        a.assign(x * 2.0)
        b.assign(old + x)

    with native.using("always"):
        f = keras.function(step)
        for n in range(1, 5):
            f(ops.ones((100,)) * n)
    assert float(a.value[7]) == 8 and float(b.value[7]) == 6 + 4


@pytest.mark.parametrize("rows, columns, by_rows", [(5, 48, True), (700, 48, True), (3000, 64, True), (64, 64, False)])
def test_what_follows_a_product_is_done_with_its_parts(rows, columns, by_rows):
    x, w, b = tensors((rows, 64), (64, columns), (columns,))

    def f(x, w, b):
        h = ops.relu(ops.matmul(x, w) + b)
        return ops.sum(h, axis=0), ops.softmax(h), ops.matmul(h, ops.transpose(w))

    program, _ = trace(f, (x, w, b), {})
    ready = prepare(optimize(program))
    assert bool(Drawing(ready, lay_out(ready), control_part, {}).chains) == by_rows
    held_to_eager(f, x, w, b, rtol=2e-5)


def test_a_convolution_of_what_is_added_to_it_is_not_disturbed():
    """The sum may not be written over the image while other parts of the convolution read it."""
    (x,), (w,) = tensors((4, 20, 20, 16)), tensors((3, 3, 16, 16), seed=1)
    def f(x, w):
        return ops.relu(x * 1.5 + ops.conv(x * 1.5, w * 0.1, padding="same"))

    for _ in range(5):
        held_to_eager(f, x, w, rtol=2e-5)


def test_memory_that_is_given_back_is_taken_again():
    x, w = tensors((2048, 64), (64, 8192))
    program = optimize(trace(lambda x, w: ops.sum(ops.tanh(ops.matmul(x, w)), axis=0), (x, w), {})[0])
    run = machine_code(program)
    want = run([x.data, w.data])[0]
    for _ in range(2):
        runner.release_memory()
        np.testing.assert_array_equal(run([x.data, w.data])[0], want)


def test_an_output_is_written_again_only_when_nobody_has_it():
    (x,) = tensors((64, 64))
    run = machine_code(optimize(trace(lambda x: x + 1.0, (x,), {})[0]))
    first = run([x.data])[0]
    part = first[3:5]
    place = first.ctypes.data
    second = run([x.data * 2])[0]
    assert second.ctypes.data != place and np.array_equal(first, x.data + 1)
    del first
    third = run([x.data * 3])[0]
    assert np.array_equal(part, x.data[3:5] + 1) and np.array_equal(second, x.data * 2 + 1)
    place = third.ctypes.data
    del third
    assert run([x.data])[0].ctypes.data == place


def test_jobs_can_be_read():
    state = keras.Variable(np.zeros(48, "float32"), name="state")

    @keras.function
    def f(x, w):
        out = ops.relu(ops.matmul(x, w))
        state.assign(ops.sum(out, axis=0))
        return ops.sort(out), ops.scan(lambda c, row: (c * row, c + row), ops.ones(48), out)

    page = f.jobs(*tensors((512, 32), (32, 48))).split("\n")
    assert page[0] == "inputs %0 float32[512, 32], %1 float32[32, 48]"
    product, relu, sort, scan, *body = page[1:8]
    made = product.split()[0]
    assert "= contract(%0, %1;" in product and product.endswith("  # 169,984 B, 1,572,864 op; 1 part")
    assert f"= fused[relu sum]({made})  # 196,800 B, 49,152 op; 1 + 1 parts, the first done with those of" in relu
    assert relu.endswith(made)
    assert "= sort(" in sort and sort.endswith("op; in Python") and scan.endswith("op; the programs below")
    assert [line[:5] for line in body] == ["    i", "    %", "    r"] and "= fused[multiply add](" in body[1]
    assert page[-2].startswith("state <- %") and page[-1].startswith("return %")
    loss = keras.function(keras.losses.sparse_categorical_crossentropy)
    page = loss.jobs(ops.convert_to_tensor(np.zeros(4, "int64")), ops.ones((4, 3))).split("\n")
    assert [line.rpartition("; ")[2] for line in page if "check_range(" in line] == ["by itself"]


def lines_run(function):
    """How many lines of Python a function runs."""
    count = 0

    def see(frame, event, argument):
        nonlocal count
        count += event == "line"
        return see

    before = sys.gettrace()
    sys.settrace(see)
    try:
        function()
    finally:
        sys.settrace(before)
    return count


def work_for(depth):
    """Lines that are run to make machine code's jobs of a training step of so many layers."""
    model = keras.Sequential([keras.Input((4,)), *[keras.layers.Dense(4, activation="tanh") for _ in range(depth)]])
    optimizer = keras.optimizers.Adam()

    @keras.function
    def step(x):
        with keras.GradientTape() as tape:
            loss = ops.mean(ops.square(model(x)))
        optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        return loss

    x = ops.ones((2, 4))
    step(x)
    return lines_run(lambda: step.jobs(x))


def test_a_program_of_three_times_the_layers_takes_three_times_the_work():
    work_for(1)  # reads files
    assert work_for(36) < 3.2 * work_for(12)
