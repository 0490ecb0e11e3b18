"""Machine code is made once, kept on disk whole or not at all, and shared by processes."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish.backend.native import engine, pool, vector_math  # noqa: E402
from kerasish.backend.native.batches import records_of  # noqa: E402
from kerasish.backend.native.jobs import Job  # noqa: E402

PROGRAM = """
import numpy as np
import kerasish as keras
from kerasish import ops
from kerasish.backend.native import engine
f = keras.function(lambda x: ops.sum(ops.tanh(x * 2 + 1), axis=-1))
x = ops.convert_to_tensor(np.linspace(-1, 1, 24, dtype="float32").reshape(4, 6))
for _ in range(3):
    out = f(x)
print(engine.cache_folder(), np.asarray(out).tobytes().hex())
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of our own."""
    monkeypatch.setenv("KERASISH_CACHE_DIR", str(tmp_path))
    engine.cache_folder.cache_clear()
    yield engine.cache_folder()
    engine.cache_folder.cache_clear()


def twice(k):
    x, out = k.pointer(0, "f4"), k.pointer(1, "f4")
    k.sweep(k.lo, k.hi, lambda i, mask: out.store(i, x.load(i, k.lanes, mask) * 2.0, mask))


def run(address: int, x: np.ndarray) -> np.ndarray:
    out = np.full_like(x, 9)
    slots, table = np.array([x.ctypes.data, out.ctypes.data]), np.array([0, 1])
    engine.callable_of(address)(slots.ctypes.data, table.ctypes.data, 0, x.size)
    return out


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100])
def test_a_kernel_does_whole_vectors_and_the_rest(size, folder):
    x = np.arange(size, dtype="float32")
    np.testing.assert_array_equal(run(engine.function("twice", twice), x), 2 * x)


def test_a_damaged_file_is_made_anew(folder, monkeypatch):
    monkeypatch.setattr(engine, "_functions", {})
    engine.function("damaged", twice)
    (kept,) = folder.iterdir()
    whole = kept.read_bytes()
    for broken in (whole[:40], b"", whole[:-3] + b"abc"):
        kept.write_bytes(broken)
        engine._functions.clear()
        x = np.arange(20, dtype="float32")
        np.testing.assert_array_equal(run(engine.function("damaged", twice), x), 2 * x)
        assert kept.read_bytes() == whole
    assert [p.name for p in folder.iterdir()] == [kept.name]  # nothing half-written stays


def test_a_folder_that_cannot_be_written_does_not_matter(monkeypatch, tmp_path):
    file = tmp_path / "file"
    file.write_text("not a folder")
    monkeypatch.setenv("KERASISH_CACHE_DIR", str(file))
    monkeypatch.setattr(engine, "_functions", {})
    engine.cache_folder.cache_clear()
    try:
        assert engine.cache_folder() is None
        x = np.ones(5, "float32")
        np.testing.assert_array_equal(run(engine.function("unkept", twice), x), 2 * x)
    finally:
        engine.cache_folder.cache_clear()


def test_processes_share_kernels(tmp_path):
    environment = {**os.environ, "KERASISH_JIT": "always", "KERASISH_CACHE_DIR": str(tmp_path)}
    package = str(Path(engine.__file__).parents[3])

    def start():
        return subprocess.Popen([sys.executable, "-c", PROGRAM], env=environment, cwd=package, text=True,
                                stdout=subprocess.PIPE)

    both = [start(), start()]  # at once, with an empty folder
    said = [process.communicate()[0] for process in both]
    assert all(process.returncode == 0 for process in both) and said[0] == said[1]
    kept = {p: p.stat().st_mtime_ns for p in Path(said[0].split()[0]).iterdir()}
    assert kept
    third = start()
    assert third.communicate()[0] == said[0] and third.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in Path(said[0].split()[0]).iterdir()} == kept  # nothing was compiled again


@pytest.mark.parametrize("name, reference", [
    ("exp", np.exp), ("expm1", np.expm1), ("log", np.log), ("log1p", np.log1p), ("tanh", np.tanh),
    ("sigmoid", lambda x: 1 / (1 + np.exp(-x))), ("softplus", lambda x: np.logaddexp(0, x)),
])
@pytest.mark.parametrize("lanes", [4, 8, 16])
def test_elementary_functions(name, reference, lanes):
    rng = np.random.default_rng(1)
    special = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e-7, -1e-7, 1e30, -1e30, 88.5, -87.0, 89.5, -1.0, 1.0, 0.35, 0.625]
    x = np.concatenate([rng.normal(0, 5, 4000), rng.normal(0, 1e-3, 500), special]).astype("float32")

    def write(k):
        source, out = k.pointer(0, "f4"), k.pointer(1, "f4")
        k.sweep(k.lo, k.hi, lambda i, mask: out.store(
            i, getattr(vector_math, name)(source.load(i, lanes, mask)), mask), lanes)

    got = run(engine.function(f"test {name} {lanes}", write), x)
    with np.errstate(all="ignore"):
        want = reference(x.astype("float64")).astype("float32")
    normal = np.isfinite(want) & (np.abs(want) > 1e-37)
    np.testing.assert_allclose(got[normal], want[normal], rtol=4e-7)
    np.testing.assert_array_equal(got[~np.isfinite(want)], want[~np.isfinite(want)])
    np.testing.assert_allclose(got[np.isfinite(want) & ~normal], want[np.isfinite(want) & ~normal], atol=1e-37)


def test_subnormal_numbers_are_zero_while_jobs_run_and_only_then():
    x = np.full(32, 1e-39, "float32")
    out = np.ones_like(x)
    slots = np.array([x.ctypes.data, out.ctypes.data])
    records, tables = records_of([Job("twice", twice, ("x", "out"), (), 32, 32)], [{"x": 0, "out": 1}])
    pool.Batch(records, slots, tables, 1.0).run()
    np.testing.assert_array_equal(out, np.zeros(32, "float32"))
    assert float(np.float32(1e-39) * np.float32(2)) > 0


def test_a_batch_on_all_threads_does_each_part_once():
    count = 64
    out = np.zeros(count, "int64")

    def write(k):
        target = k.pointer(0, "i8")
        with k.loop(k.lo, k.hi) as i:
            target.store(i, target.load(i) + 1)

    slots = np.array([out.ctypes.data])
    jobs = [Job("count", write, ("out",), (), count, 1)] * 50
    records, tables = records_of(jobs, [{"out": 0}] * 50)
    batch = pool.Batch(records, slots, tables, 1e9)
    for turn in range(1, 40):
        batch.run()
        np.testing.assert_array_equal(out, np.full(count, 50 * turn))


def test_callable_releases_the_lock_of_the_interpreter():
    assert not engine.Call._flags_ & ctypes._FUNCFLAG_PYTHONAPI
