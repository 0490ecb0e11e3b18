"""Memory of programs: it is taken ahead, given back and taken again, and never under a program that runs."""

import mmap
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.backend.native import engine, pages, pool
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.machine import arena
from kerasish.compiler.machine.arena import Arena, Prefetch
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace


def resident(memory):
    """Bytes that have pages in an array."""
    page, begin = mmap.PAGESIZE, memory.ctypes.data
    first, end = begin // page, -(-(begin + memory.nbytes) // page)
    with open("/proc/self/pagemap", "rb", buffering=0) as file:
        file.seek(8 * first)
        entries = np.frombuffer(file.read(8 * (end - first)), np.uint64)
    return int((entries >> np.uint64(63)).sum()) * page


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems are not told of pages")


@pytest.fixture
def drivers():
    for name, write in pool.DRIVERS.items():
        engine.function(name, write)


@pytest.mark.parametrize("take", ["fill", "prefetch"])
def test_memory_is_taken_at_once_and_given_back(take, drivers):
    made = Arena(32 << 20)
    arena._arenas.add(made)
    before = resident(made.memory)
    if take == "prefetch":
        with Prefetch(32 << 20):
            pass
    else:
        made.fill(32 << 20)
    assert resident(made.memory) - before >= 31 << 20
    made.memory[:] = 7
    made.fill(9), made.fill(32 << 20)  # there are pages: nothing is to be done
    assert (made.memory == 7).all()
    made.drop()
    assert resident(made.memory) - before < 1 << 20


@pytest.mark.parametrize("wait", [0.0, 0.02])
def test_what_stands_in_arrays_stays_while_another_thread_takes_memory_for_them(wait, drivers, monkeypatch):
    monkeypatch.setattr(pool, "threads", lambda: 2)
    rng = np.random.default_rng(0)
    written, zeros, small = rng.integers(0, 255, 1 << 21, "uint8"), np.zeros(3 * pages.HUGE, "uint8"), np.arange(9)
    untouched = pages.fresh(2 * pages.HUGE)
    assert resident(untouched) == 0
    constant = np.frombuffer(bytes(1 << 21), np.uint8)  # which may lie where nobody can write
    arrays = written, zeros, small, untouched, constant
    copies = [a.copy() for a in arrays[:3]]
    filling = pages.Filling(arrays)
    with filling:
        time.sleep(wait)  # with none, this thread does its part
    assert filling.is_worth_it and all(resident(a) >= a.nbytes for a in (zeros, untouched))
    for array, copy in zip(arrays[:3], copies, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_nothing_is_taken_ahead_where_there_is_little_or_one_thread(drivers, monkeypatch):
    large = np.zeros(3 * pages.HUGE, "uint8")
    before = resident(large)
    monkeypatch.setattr(pool, "threads", lambda: 1)
    with pages.Filling([large]):
        pass
    monkeypatch.setattr(pool, "threads", lambda: 2)
    little = pages.Filling([np.zeros(1 << 17, "uint8")])
    with little:
        pass
    assert not little.is_worth_it and resident(large) - before < 1 << 20


def test_a_program_takes_what_it_needs_of_a_large_arena():
    made = Arena(64 << 20)
    before = resident(made.memory)
    made.fill(8 << 20)
    assert 7 << 20 <= resident(made.memory) - before <= 9 << 20
    made.memory[: 8 << 20] = 3
    made.fill(16 << 20)
    assert 15 << 20 <= resident(made.memory) - before <= 17 << 20 and (made.memory[: 8 << 20] == 3).all()


def test_pages_are_put_together_after_a_while_and_what_lies_in_them_stays(monkeypatch):
    made, done = Arena(16 << 20), threading.Event()
    made.fill(16 << 20)
    numbers = np.random.default_rng(0).integers(0, 255, made.memory.size, "uint8")
    made.memory[:] = numbers
    collapse = made._collapse
    monkeypatch.setattr(made, "_collapse", lambda: (collapse(), done.set()))
    made.has_run(arena._LONG / 2)
    assert not done.is_set()
    made.has_run(arena._LONG)
    assert done.wait(60)
    np.testing.assert_array_equal(made.memory, numbers)
    done.clear()
    made.has_run(arena._LONG)
    assert not done.wait(0.05)  # once is enough


def test_memory_in_use_is_not_touched(drivers):
    """One thread computes while others take the arena's memory ahead, and give it back."""
    rng = np.random.default_rng(0)
    x, w = (ops.convert_to_tensor(rng.normal(size=s).astype("float32")) for s in ((2048, 64), (64, 8192)))
    program = optimize(trace(lambda x, w: ops.sum(ops.tanh(ops.matmul(x, w)), axis=0), (x, w), {})[0])
    run = machine_code(program)
    want, stop, wrong = run([x.data, w.data])[0], threading.Event(), []

    def disturb():
        while not stop.is_set():
            with Prefetch(run.machine.arena.memory.nbytes - 64):
                pass
            arena.release()

    threads = [threading.Thread(target=disturb) for _ in range(2)]
    for thread in threads:
        thread.start()
    for _ in range(30):
        if not np.array_equal(run([x.data, w.data])[0], want):
            wrong.append(1)
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong
