"""Programs kept on disk: the next process runs them from its first call on, and never one that does not fit."""

import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import kerasish as keras
from kerasish import ops
from kerasish.backend import native
from kerasish.backend.native import disk, engine, machine, pool
from kerasish.compiler import runner
from kerasish.compiler.codegen.draw import drawn
from kerasish.compiler.function import CompiledFunction
from kerasish.compiler.machine import kept, marks, storage
from kerasish.compiler.machine.replay import NativeReplay
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace

pytestmark = pytest.mark.skipif(not machine.traits(), reason="programs are kept on Linux on x86-64 alone")


@pytest.fixture(autouse=True)
def empty_cache(tmp_path, monkeypatch):
    """A cache of the test's own, in which every program is worth keeping."""
    monkeypatch.setenv("KERASISH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(runner, "WORTH_KEEPING", 0.0)
    monkeypatch.setattr(runner, "WORTH_KEEPING_EACH", 0.0)
    for name in ("cache_folder", "programs_folder"):
        getattr(disk, name).cache_clear()
    next_process(monkeypatch)
    monkeypatch.setattr(engine, "_functions", {})
    pool._code.cache_clear()
    with native.using("always"):
        yield
    for name in ("cache_folder", "programs_folder"):
        getattr(disk, name).cache_clear()


def next_process(monkeypatch):
    """Forget what was looked for, as another process would not know it."""
    monkeypatch.setattr(marks, "_answers", {})
    kept.get_ready.cache_clear()


def programs(tmp_path):
    """The files that are kept: of programs, and of marks; there is one more, of what runs them all."""
    files = [f for f in (tmp_path / "programs").iterdir() if str(f) != kept._drivers_path()]
    return [f for f in files if f.stat().st_size > 100], [f for f in files if f.stat().st_size <= 100]


def x(*shape, seed=0):
    return ops.convert_to_tensor(np.random.default_rng(seed).normal(size=shape).astype("float32"))


def runs_at_once(f, *args):
    """The result of a function's first call, which must have been machine code."""
    out = f(*args)
    (found,) = f._programs.values()
    assert isinstance(found[0], NativeReplay)
    return np.asarray(out)


def runs_op_by_op(f, *args):
    out = f(*args)
    assert list(f._programs.values()) == ["seen"]
    return np.asarray(out)


def scaled(by):
    """A function that is written in one place, and computes something else each time."""
    return CompiledFunction(lambda a: ops.tanh(a) * by + ops.sum(a, axis=-1, keepdims=True))


def test_the_first_call_of_the_next_process_runs_it(monkeypatch, tmp_path):
    f, a = scaled(2.0), x(5, 7)
    want = [np.asarray(f(a)) for _ in range(3)]
    assert [len(files) for files in programs(tmp_path)] == [1, 1]
    runs_op_by_op(scaled(2.0), a)  # in this process it makes no difference: results stay the same
    next_process(monkeypatch)
    got = runs_at_once(scaled(2.0), a)
    np.testing.assert_array_equal(got, want[2])
    np.testing.assert_allclose(got, want[0], rtol=1e-6)


def test_a_function_that_computes_something_else_is_not_taken_for_it(monkeypatch):
    f, a = scaled(2.0), x(5, 7)
    for _ in range(2):
        f(a)
    next_process(monkeypatch)
    np.testing.assert_allclose(runs_op_by_op(scaled(3.0), a) - np.asarray(f(a)), np.tanh(a), rtol=1e-5, atol=1e-6)
    next_process(monkeypatch)
    runs_op_by_op(scaled(2.0), x(5, 8))


def test_constants_belong_to_what_a_program_is(monkeypatch):
    def adding(array):
        return CompiledFunction(lambda a: ops.tanh(a + ops.convert_to_tensor(array)))

    a, first = x(5, 7), np.ones((7,), "float32")
    for _ in range(2):
        f = adding(first)
        f(a), f(a)
    next_process(monkeypatch)
    np.testing.assert_allclose(runs_op_by_op(adding(first * 2), a), np.tanh(np.asarray(a) + 2), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(runs_at_once(adding(first), a), np.tanh(np.asarray(a) + 1), rtol=1e-5, atol=1e-6)


def test_of_large_constants_nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.setattr(kept, "_MOST_BYTES", 1000)
    large = ops.convert_to_tensor(np.ones((50, 7), "float32"))
    f = CompiledFunction(lambda a: ops.tanh(a) + large)
    for _ in range(3):
        f(x(50, 7))
    assert programs(tmp_path) == ([], [])


def test_a_damaged_file_is_as_good_as_none(monkeypatch, tmp_path):
    f, a = scaled(2.0), x(5, 7)
    want = [np.asarray(f(a)) for _ in range(2)]
    ((file,), _) = programs(tmp_path)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    next_process(monkeypatch)
    np.testing.assert_array_equal(runs_op_by_op(scaled(2.0), a), want[0])
    disk.keep(str(file), b"whole, and something else")
    next_process(monkeypatch)
    np.testing.assert_array_equal(runs_op_by_op(scaled(2.0), a), want[0])
    assert not file.exists()


def test_what_cannot_be_traced_the_first_time_runs_op_by_op(monkeypatch):
    a = x(5, 7)

    def looking(traceable):
        return CompiledFunction(lambda a: ops.tanh(a) if traceable or float(ops.sum(a)) > 1e9 else ops.relu(a))

    f = looking(True)
    f(a), f(a)
    next_process(monkeypatch)
    np.testing.assert_array_equal(runs_op_by_op(looking(False), a), np.maximum(a, 0))


LOOPS = {
    "scan": lambda a: ops.scan(lambda c, row: (ops.tanh(c + row), c * row), a[0], a)[1],
    "reverse scan": lambda a: ops.scan(lambda c, row: (ops.tanh(c + row), c), a[0], a, reverse=True)[1],
    "while": lambda a: ops.while_loop(lambda v: ops.sum(ops.abs(v)) > 1.0, lambda v: (v * 0.5,), (a,))[0],
    "switch": lambda a: ops.cond(ops.sum(a) > 1e3, lambda: ops.tanh(a), lambda: ops.sin(a) + a),
    "scan of a cond": lambda a: ops.scan(
        lambda c, row: (ops.cond(ops.sum(row) > 0, lambda: ops.tanh(c * row), lambda: c), c), a[0], a)[1],
}


@pytest.mark.parametrize("name", LOOPS)
def test_loops_and_branches(monkeypatch, name):
    f, a = CompiledFunction(LOOPS[name]), x(5, 7)
    want = [np.asarray(f(a)) for _ in range(3)]
    next_process(monkeypatch)
    monkeypatch.setattr(engine, "_functions", {})  # all kernels come with the program
    pool._code.cache_clear()
    monkeypatch.setattr(engine, "_load", None)
    np.testing.assert_array_equal(runs_at_once(CompiledFunction(LOOPS[name]), a), want[2])


def test_variables_that_branches_write(monkeypatch):
    def made():
        v, n = keras.Variable(np.ones(7, "float32")), keras.Variable(0)

        def step(a):
            n.assign(n + 1)
            ops.cond(ops.equal(n % 2, 0), lambda: v.assign(v * 2.0 + a), lambda: v.assign(v + 1.0))
            return ops.sum(v)

        return CompiledFunction(step), v

    a = x(7)
    f, v = made()
    want = [float(f(a)) for _ in range(6)]
    next_process(monkeypatch)
    f, w = made()
    got = [float(runs_at_once(f, a)), *[float(f(a)) for _ in range(5)]]
    np.testing.assert_allclose(got, want, rtol=1e-6)
    np.testing.assert_allclose(w, v, rtol=1e-6)


def test_variables_are_found_by_their_part_in_the_program(monkeypatch):
    """Passes drop the first variable, so the machine code numbers them otherwise."""
    def made(values):
        unused, weight, count = (keras.Variable(np.float32(v)) for v in values)

        def f(a):
            ops.tanh(unused.value)
            count.assign(count + 1.0)
            return ops.tanh(a) * weight

        return CompiledFunction(f), count

    a = x(5, 7)
    f, count = made((1, 2, 3))
    for _ in range(2):
        f(a)
    next_process(monkeypatch)
    f, count = made((5, 6, 7))
    np.testing.assert_allclose(runs_at_once(f, a), 6 * np.tanh(a), rtol=1e-5, atol=1e-6)
    assert float(count.value) == 8


def test_a_blueprint_is_what_it_was_after_it_was_written_down():
    def f(a, numbers):
        return ops.sort(ops.tanh(a)), ops.take(a, numbers, axis=0), ops.convert_to_tensor(np.arange(5.0)) + 1.0

    program, _ = trace(f, (x(6, 7), ops.convert_to_tensor(np.array([1, 5]))), {})
    blueprint, _ = drawn(optimize(program))
    again, kernels = storage.unpack(storage.pack(blueprint, {"a kernel": b"its code"}))
    assert kernels == {"a kernel": b"its code"} and storage.pack(again, {}) == storage.pack(blueprint, {})
    assert {type(part).__name__ for part in again.parts} >= {"Jobs", "Call"}


def test_equal_values_give_equal_bytes_and_unplain_ones_none():
    shared = ("a" * 3, 1)
    assert storage.dump([shared, shared]) == storage.dump([("aaa", 1), ("a" + "aa"[:2], int("1"))])
    assert len({storage.dump(v) for v in (1, 1.0, True, "1", (1,), None, {"a": 1})}) == 7
    for value in (np.float32(1), [object()], {"a": (1, np.ones(2))}, {1, 2}, lambda: 0):
        with pytest.raises(storage.UnwritableError):
            storage.dump(value)


def test_the_oldest_files_go_when_there_are_many(tmp_path):
    for n in range(9):
        path = tmp_path / str(n)
        path.write_bytes(b"")
        os.utime(path, (n, n))
    disk.prune(str(tmp_path), 9, 100)
    assert len(list(tmp_path.iterdir())) == 9
    disk.prune(str(tmp_path), 8, 100)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["4", "5", "6", "7", "8"]
    (tmp_path / "9").write_bytes(bytes(101))
    disk.prune(str(tmp_path), 8, 100)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["7", "8", "9"]


def test_short_programs_are_not_worth_it(monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "WORTH_KEEPING", 1e6)
    f = scaled(2.0)
    for _ in range(3):
        f(x(5, 7))
    assert programs(tmp_path) == ([], [])


TRAINING = """
import hashlib, sys
import numpy as np
import kerasish as keras
from kerasish.compiler import runner

runner.WORTH_KEEPING = runner.WORTH_KEEPING_EACH = 0.0
keras.utils.set_random_seed(3)
r = np.random.default_rng(0)
x, y = r.normal(size=(64, 9)).astype("float32"), r.integers(0, 4, 64)
for _ in range(2):
    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((9,)), keras.layers.Dense(17, activation="gelu"), keras.layers.Dropout(0.3),
                              keras.layers.BatchNormalization(), keras.layers.Dense(4, activation="softmax")])
    model.compile("adamw", "sparse_categorical_crossentropy", metrics=["accuracy"])
    losses = [model.train_on_batch(x, y)[0] for _ in range(4)]
    weights = b"".join(np.asarray(v).tobytes() for v in [*model.variables, *model.optimizer.variables])
    print(*losses, hashlib.sha256(weights).hexdigest(), "kerasish.compiler.codegen" in sys.modules)
"""


def trained(tmp_path, mode):
    """Losses, the digest of all weights, and whether anything was compiled; for two trainings in one process."""
    environment = {**os.environ, "KERASISH_JIT": mode, "KERASISH_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run([sys.executable, "-W", "error", "-c", TRAINING], env=environment, capture_output=True,
                          text=True, check=True, cwd=pathlib.Path(keras.__file__).parents[1])
    out = []
    for line in done.stdout.splitlines():
        *losses, digest, compiled = line.split()
        out.append(([float(v) for v in losses], digest, compiled == "True"))
    return out


def test_training_in_the_next_process(tmp_path):
    first, second, third = (trained(tmp_path, "always") for _ in range(3))
    assert first[0][2] and not second[1][2]  # the second process compiles nothing
    for found in (first, second, third):  # the same bits twice in a process
        assert found[0][:2] == found[1][:2]
    assert second == third
    np.testing.assert_allclose(second[0][0], first[0][0], rtol=1e-5)


def test_a_script_can_give_the_same_bits_whenever_it_runs(tmp_path):
    fresh = trained(tmp_path, "repeatable")
    for mode in ("1", "always"):
        trained(tmp_path, mode)
        assert [run[:2] for run in trained(tmp_path, "repeatable")] == [run[:2] for run in fresh]


@pytest.mark.parametrize("sources", [OSError("a zip file"), []])
def test_without_sources_nothing_is_kept(monkeypatch, tmp_path, sources):
    def stamps(folders):
        if isinstance(sources, OSError):
            raise sources
        return sources

    kept._depends_on.cache_clear()
    monkeypatch.setattr(kept, "stamps", stamps)
    f = scaled(2.0)
    for _ in range(3):
        f(x(5, 7))
    kept.get_ready()
    kept._depends_on.cache_clear()
    assert programs(tmp_path) == ([], [])


def test_other_sources_make_other_programs(monkeypatch):
    f, a = scaled(2.0), x(5, 7)
    f(a), f(a)
    before = kept._depends_on()
    kept._depends_on.cache_clear()
    monkeypatch.setattr(kept, "stamps", lambda folders: [("compiler/passes/simplify.py", 1, 2)])
    assert kept._depends_on() != before
    next_process(monkeypatch)
    runs_op_by_op(scaled(2.0), a)
    kept._depends_on.cache_clear()


@pytest.mark.parametrize("dtype", [object, "S3"])
def test_constants_without_numbers_are_not_written_down(dtype):
    program, _ = trace(lambda a: a + 1.0, (x(3, 4),), {})
    assert kept._path_of(program) is not None
    odd = program._replace(constants=(*program.constants, (np.array(["a", "b"], dtype), 0)))
    assert kept._path_of(odd) is None


def test_what_runs_all_programs_is_fetched_before_one_is_traced(monkeypatch, tmp_path):
    f, a = scaled(2.0), x(5, 7)
    for _ in range(3):
        f(a)
    next_process(monkeypatch)
    monkeypatch.setattr(engine, "_functions", {})
    kept.get_ready()
    assert all(engine.is_there(name) for name in pool.DRIVERS)
    path = pathlib.Path(kept._drivers_path())
    path.write_bytes(b"torn" + path.read_bytes())
    next_process(monkeypatch)
    monkeypatch.setattr(engine, "_functions", {})
    pool._code.cache_clear()
    kept.get_ready()
    assert not engine.is_there("driver touch")
    runs_at_once(scaled(2.0), a)  # they are fetched one by one, or made anew
    for shape in ((5, 8), (5, 8), (5, 8)):
        f(x(*shape))
    next_process(monkeypatch)
    kept.get_ready()
    assert engine.is_there("driver touch")  # the file was written again with the next program
