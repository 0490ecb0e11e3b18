"""Loops and branches as they run: bodies whose slots are pointed anew for every run, and nothing is copied.

A body reads its inputs and writes its results where the program around it has them: the last step of a loop writes
what it carries, and every step its row of what is stacked, straight into their memory there. Between two steps only
addresses change.
"""

import ctypes
from typing import Any

import numpy as np

from kerasish.backend.native import pool
from kerasish.compiler.machine.blueprint import Branches, Loop


class _LoopStep:
    """What loops share."""

    def __init__(self, machine: Any, loop: Loop):
        self.block, self.outer = machine.inside(loop.body), machine.slots
        self.carries = len(loop.nbytes)
        self.moving, self.around = np.array(loop.moving, np.int64), np.array(loop.around, np.int64)
        self._captured = np.array(loop.captured, np.int64).reshape(-1, 2).T
        self._buffers = [[np.empty(b, np.uint8) for b in loop.nbytes] for _ in range(2)]
        self.pairs = [[b.ctypes.data for b in turn] for turn in self._buffers]

    def capture(self) -> np.ndarray:
        """Point slots at what is the same at all steps; return the addresses of what is moving, outside."""
        inside, outside = self._captured
        self.block.slots[inside] = self.outer[outside]
        return self.outer[self.around]


class ScanStep(_LoopStep):
    """Runs a scan."""

    def __init__(self, machine: Any, loop: Loop):
        super().__init__(machine, loop)
        n, length = self.carries, loop.length or 0
        order = np.arange(length)[:: -1 if loop.reverse else 1]
        self._rows = np.zeros((length, 2 * n + len(loop.strides)), np.int64)
        for turn in range(2):
            self._rows[turn::2, : 2 * n] = [*self.pairs[1 - turn], *self.pairs[turn]]
        self._offsets = order[:, None] * np.array(loop.strides, np.int64).reshape(1, -1)
        self._rounds = pool.Rounds(self.block.slots, self.moving, self._rows, self.block.steps)

    def run(self) -> None:
        """Run all steps."""
        n, rows, outside = self.carries, self._rows, self.capture()
        rows[0, :n] = outside[:n]
        rows[-1, n: 2 * n] = outside[n: 2 * n]
        np.add(self._offsets, outside[2 * n:], out=rows[:, 2 * n:])
        self._rounds.run()


class WhileStep(_LoopStep):
    """Runs a while; the first result of its body says whether to go on."""

    def __init__(self, machine: Any, loop: Loop):
        super().__init__(machine, loop)
        assert loop.begins is not None and loop.goes_on is not None  # a while has both
        self._begins, self._limit, self._nbytes = machine.reader(loop.begins), loop.length, loop.nbytes
        self._goes_on = np.empty(loop.goes_on.shape, loop.goes_on.dtype)
        self.block.slots[loop.goes_on.slot] = self._goes_on.ctypes.data
        self._row = np.empty(2 * self.carries, np.int64)

    def run(self) -> None:
        """Run steps until the condition fails."""
        outside, n, row, k = self.capture(), self.carries, self._row, 0
        slots, moving, pairs, limit = self.block.slots, self.moving, self.pairs, self._limit
        row[n:] = outside[:n]
        goes_on = bool(self._begins())
        while goes_on and (limit is None or k < limit):
            row[:n] = row[n:]
            row[n:] = pairs[k & 1]
            slots[moving] = row
            self.block.run()
            goes_on, k = bool(self._goes_on), k + 1
        for target, source, nbytes in zip(outside[n:].tolist(), row[n:].tolist(), self._nbytes, strict=True):
            ctypes.memmove(target, source, nbytes)


class SwitchStep:
    """Runs a switch."""

    def __init__(self, machine: Any, part: Branches):
        self._index, self._slots = machine.reader(part.chosen), machine.slots
        self.blocks = [(machine.inside(body), *np.array(pairs, np.int64).reshape(-1, 2).T)
                       for body, pairs in part.bodies]

    def run(self) -> None:
        """Run the branch that the index names."""
        block, inside, outside = self.blocks[min(max(int(self._index()), 0), len(self.blocks) - 1)]
        block.slots[inside] = self._slots[outside]
        block.run()
