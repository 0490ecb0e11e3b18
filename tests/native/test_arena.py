"""Memory of programs: it is taken ahead, given back and taken again, and never under a program that runs."""

import sys
import threading

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from kerasish import ops
from kerasish.compiler.codegen.draw import machine_code
from kerasish.compiler.machine import arena
from kerasish.compiler.machine.arena import Arena, Prefetch
from kerasish.compiler.passes import optimize
from kerasish.compiler.trace import trace


def resident(memory):
    """Bytes that have pages in an array, and in what the system put beside it."""
    begin, size = memory.ctypes.data, 0
    within = False
    with open("/proc/self/smaps") as lines:
        for line in lines:
            first, *rest = line.split()
            if "-" in first and not first.endswith(":"):
                low, high = (int(n, 16) for n in first.split("-"))
                within = low < begin + memory.nbytes and begin < high
            elif within and first == "Rss:":
                size += int(rest[0]) * 1024
    return size


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="other systems are not told of pages")


@pytest.mark.parametrize("take", ["fill", "touch", "prefetch"])
def test_memory_is_taken_at_once_and_given_back(take):
    made = Arena(32 << 20)
    arena._arenas.add(made)
    before = resident(made.memory)
    if take == "prefetch":
        with Prefetch(32 << 20):
            pass
    else:
        getattr(made, take)(32 << 20)
    assert resident(made.memory) - before >= 31 << 20
    made.memory[:] = 7
    made.fill(9), made.touch(9), made.help_touching(9), made.fill(32 << 20)  # there are pages: nothing is to be done
    assert (made.memory == 7).all()
    made.drop()
    assert resident(made.memory) - before < 1 << 20


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


def test_memory_in_use_is_not_touched():
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
