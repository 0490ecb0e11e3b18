"""Machine code is made once, kept on disk whole or not at all, and shared by processes."""

import ctypes
import math
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from llvmlite import binding, ir  # noqa: E402

from kerasish.backend.native import disk, elf, engine, image, machine, pool, vector_math  # noqa: E402
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
LAYERS = """
import sys
import numpy as np
import kerasish as keras
from kerasish import layers
keras.utils.set_random_seed(0)
image, words = keras.Input((8, 8, 4)), keras.Input((6,), dtype="int32")
x = layers.MaxPooling2D()(layers.Conv2D(8, 3, padding="same", activation="relu")(image))
x = layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x))
y = layers.Embedding(9, 8)(words)
y = layers.LSTM(8)(layers.MultiHeadAttention(2, 4)(y, y))
out = layers.Dense(3)(layers.Dropout(0.2)(layers.LayerNormalization()(layers.Concatenate()([x, y]))))
model = keras.Model([image, words], out)
model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
rng = np.random.default_rng(0)
data = [rng.random((4, 8, 8, 4), "float32"), rng.integers(0, 9, (4, 6), "int32")], np.arange(4) % 3
print([float(model.train_on_batch(*data)) for _ in range(3)])
print(sorted(m for m in sys.modules if m.startswith("llvmlite.")))
"""
OURS = pytest.mark.skipif(sys.platform != "linux" or platform.machine() != "x86_64",
                          reason="LLVM links kernels on this system")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A cache folder of our own, and no kernel in memory."""
    monkeypatch.setenv("KERASISH_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(engine, "_functions", {})
    engine.cache_folder.cache_clear()
    yield Path(engine.cache_folder())
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


def test_a_damaged_file_is_made_anew(folder):
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


def test_where_the_folder_is(monkeypatch, tmp_path):
    for name in ("KERASISH_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    asked = engine.cache_folder.__wrapped__
    monkeypatch.setattr(os.path, "expanduser", lambda path: path.replace("~", str(tmp_path)))
    assert Path(asked()).parent == tmp_path / ".cache" / "kerasish" / "kernels"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert Path(asked()).parent == tmp_path / "xdg" / "kerasish" / "kernels"
    monkeypatch.setenv("KERASISH_CACHE_DIR", "here")
    monkeypatch.chdir(tmp_path)
    assert Path(asked()).parent == tmp_path / "here" / "kernels"
    monkeypatch.setenv("KERASISH_CACHE_DIR", "")
    assert asked() is None
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # nobody knows the user's home
    monkeypatch.setenv("KERASISH_CACHE_DIR", "~/here")
    assert asked() is None and not (tmp_path / "~").exists()


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


@OURS
def test_who_finds_all_kernels_on_disk_does_without_llvm(tmp_path):
    environment = {**os.environ, "KERASISH_JIT": "always", "KERASISH_CACHE_DIR": str(tmp_path)}
    said = [subprocess.run([sys.executable, "-c", LAYERS], env=environment, cwd=Path(engine.__file__).parents[3],
                           text=True, stdout=subprocess.PIPE, check=True).stdout.splitlines() for _ in range(2)]
    assert said[0][0] == said[1][0]
    assert "llvmlite.binding" in said[0][1] and said[1][1] == "[]"


def test_what_we_cannot_link_llvm_links(folder, monkeypatch):
    """An unknown relocation, from the compiler and from the disk."""
    monkeypatch.setattr(elf, "_PC32", 9999)
    x = np.arange(40, dtype="float32")
    linked = engine._compiler().link

    def write(k):
        numbers = k.constants([float(n * n) for n in range(16)], "f4")
        k.sweep(k.lo, k.hi, lambda i, mask: k.pointer(1, "f4").store(
            i, k.pointer(0, "f4").load(i, 16, mask) * numbers, mask), 16)

    calls = []
    monkeypatch.setattr(engine._compiler(), "link", lambda code: calls.append(1) or linked(code))
    for _ in range(2):
        got = run(engine.function("by llvm", write), x)
        np.testing.assert_array_equal(got, x * (np.arange(40) % 16) ** 2)
        engine._functions.clear()
    (kept,) = folder.iterdir()
    assert len(calls) == 2 and image.unpack(disk.read(str(kept))) is None


@OURS
def test_functions_of_the_c_library_are_called_from_anywhere(folder):
    def write(k):
        x, out = k.pointer(0, "f8"), k.pointer(1, "f8")
        with k.loop(k.lo, k.hi) as i:
            power = k.declare("llvm.pow.f64", ir.DoubleType(), [ir.DoubleType()] * 2)
            out.store(i, x.load(i).like(k.builder.call(power, [x.load(i).code, k.number(1.7, "f8").code])))

    x = np.linspace(0.1, 9, 12)
    for _ in range(2):
        np.testing.assert_array_equal(run(engine.function("power", write), x), [math.pow(v, 1.7) for v in x])
        engine._functions.clear()
    (kept,) = folder.iterdir()
    assert image.unpack(disk.read(str(kept))).outside == ("pow",)
    with pytest.raises(AttributeError):
        image.place(image.Image(bytes(image.CELL), 0, ("no_such_function",)))


@OURS
def test_machine_code_is_never_writable_and_executable_at_once(folder):
    addresses = [engine.function(f"page {n}", twice) for n in range(3)]
    regions = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    for address in addresses:
        (rights,) = [rights for bounds, rights, *_ in regions
                     if int(bounds.split("-")[0], 16) <= address < int(bounds.split("-")[1], 16)]
        assert rights == "r-xp"  # and a process that forks has a copy of its own


@OURS
def test_an_object_file_that_is_not_known_makes_no_image():
    assert elf.link(b"\x7fELF\x02\x01" + bytes(12) + b"\xb7\0" + bytes(80)) is None  # another processor's
    assert elf.link(b"\xcf\xfa\xed\xfe" + bytes(80)) is None  # another system's
    text = 'target triple = "x86_64-unknown-linux-gnu"\n'
    for more in ("@kept = global i32 1", "@kept = external global i32"):  # what is written, and what others have
        code = text + more + "\ndefine i32 @kernel() {\n %x = load i32, ptr @kept\n ret i32 %x\n}"
        made = engine._compiler()._target().emit_object(binding.parse_assembly(code))
        assert elf.link(made) is None and elf.link(made, "other") is None


@pytest.mark.skipif(os.name == "nt", reason="rights as POSIX has them")
def test_a_folder_that_others_can_write_is_not_used(folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    for mode in (0o720, 0o702, 0o777):
        folder.chmod(mode)
        engine.cache_folder.cache_clear()
        assert engine.cache_folder() is None
    folder.chmod(0o755)
    engine.cache_folder.cache_clear()
    assert engine.cache_folder() == str(folder)


def test_kernels_are_of_a_processor_a_compiler_and_sources(monkeypatch, tmp_path):
    before = machine.fingerprint.__wrapped__()
    assert before == machine.fingerprint.__wrapped__()
    (tmp_path / "kernels").mkdir()
    source = tmp_path / "kernels" / "a.py"
    source.write_text("one = 1")
    time = source.stat().st_mtime_ns
    seen = machine._sources(str(tmp_path), ["kernels"])
    source.write_text("one = 2")  # as long, and of the same time
    os.utime(source, ns=(time, time))
    assert machine._sources(str(tmp_path), ["kernels"]) != seen
    with monkeypatch.context() as patch:
        patch.setattr(machine, "_sources", lambda: seen)
        assert machine.fingerprint.__wrapped__() != before
    with monkeypatch.context() as patch:
        patch.setattr(machine, "_compiler", lambda: ["another"])
        assert machine.fingerprint.__wrapped__() != before
    said = machine.traits()
    for changed in ({"flags": "fpu"}, {"model": "another"}):
        with monkeypatch.context() as patch:
            patch.setattr(machine, "traits", lambda changed=changed: {**said, **changed})
            assert machine.fingerprint.__wrapped__() != before


@OURS
def test_vectors_are_as_long_as_llvm_believes():
    assert machine.traits()
    features = binding.get_host_cpu_features()
    assert machine.lanes() == (16 if features.get("avx512f") else 8 if features.get("avx2") else 4)


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


def counting(count):
    """A batch that adds one to every number, fifty times, and the numbers."""
    out = np.zeros(count, "int64")

    def write(k):
        target = k.pointer(0, "i8")
        with k.loop(k.lo, k.hi) as i:
            target.store(i, target.load(i) + 1)

    slots = np.array([out.ctypes.data])
    jobs = [Job("count", write, ("out",), (), count, 1)] * 50
    records, tables = records_of(jobs, [{"out": 0}] * 50)
    return pool.Batch(records, slots, tables, 1e9), out


@pytest.fixture
def two_threads(monkeypatch):
    """A desk with one helper, however many processors there are."""
    monkeypatch.setattr(pool, "threads", lambda: 2)
    monkeypatch.setattr(pool, "_desk", pool._Desk())


def test_a_batch_on_all_threads_does_each_part_once(two_threads):
    batch, out = counting(64)
    assert batch.is_shared
    turn, helped = 0, False
    while turn < 40 or not helped and turn < 10_000:
        turn += 1
        batch.run()
        np.testing.assert_array_equal(out, np.full(64, 50 * turn))
        if turn % 10 == 0:
            time.sleep(0.01)  # the helper falls asleep
        helped = pool._desk._helpers[0]._turn[0] > 0
    assert helped


def test_an_interrupted_batch_is_finished_first(two_threads, monkeypatch):
    batch, out = counting(64)
    batch.run()
    time.sleep(0.02)

    def interrupt(helper):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(pool._Helper, "wake", interrupt)
        with pytest.raises(KeyboardInterrupt):
            batch.run()
    np.testing.assert_array_equal(out, np.full(64, 100))
    batch.run()
    np.testing.assert_array_equal(out, np.full(64, 150))
    assert not pool._desk._busy.locked()


def test_callable_releases_the_lock_of_the_interpreter():
    assert not engine.Call._flags_ & ctypes._FUNCFLAG_PYTHONAPI
