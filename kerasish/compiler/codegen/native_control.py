"""Loops and branches as machine code: bodies whose slots are pointed anew for every run, and nothing is copied.

A body reads its inputs and writes its results where the program around it has them: the last step of a loop writes
what it carries, and every step its row of what is stacked, straight into their memory there. Between two steps only
addresses change.
"""

import ctypes
from typing import Any

import numpy as np

from kerasish.backend.native import pool
from kerasish.compiler.codegen.drawing import Drawing, prepare
from kerasish.compiler.codegen.schedule import lay_out
from kerasish.compiler.control import SCAN, SWITCH, WHILE
from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.machine.arena import Arena
from kerasish.compiler.machine.blueprint import Control
from kerasish.compiler.machine.machine import Machine
from kerasish.core.op import CARDS


def control_step(outer: Drawing, i: Instruction) -> Control | None:
    """Return what makes the step of an instruction that holds programs; None if it is to run on the array kernels."""
    sizes = [outer.program.specs[v].size for v in (*i.inputs, *i.outputs)]
    if 0 in sizes or i.params.get("length", 1) == 0:
        return None
    kind: Any = {SCAN.name: _Scan, WHILE.name: _While, SWITCH.name: _Switch}[i.card.name]
    return lambda machine: kind(outer, machine, i)


class Block:
    """A body as machine code.

    Args:
        body: the body.
        written: result number -> input number, of results that are written over an input of the same variable.

    Attributes:
        machine: the program with its memory.
        targets: of each result, the slot that is to be pointed where it belongs; None if it is an input that stays.
    """

    def __init__(self, body: Program, written: dict[int, int] | None = None):
        over = {n: (_Place(), body.inputs[m]) for n, m in (written or {}).items()}
        program = prepare(body._replace(
            outputs=tuple([v for n, v in enumerate(body.outputs) if n not in over]),
            updates=tuple([(place, body.outputs[n]) for n, (place, _) in over.items()]),
            variables=tuple(over.values())))
        results = dict(zip([n for n in range(len(body.outputs)) if n not in over], program.outputs, strict=True))
        results.update(zip(over, [v for _, v in program.updates], strict=True))
        program, targets = _give_places(program, results, {n: v for n, (_, v) in over.items()})
        numbers = {id(place): n for n, (place, _) in enumerate(over.values())}
        blueprint = Drawing(program, lay_out(program), control_step, numbers,
                            list(dict.fromkeys(v for v in targets if v is not None))).blueprint
        arena = Arena(blueprint.nbytes)
        arena.fill()
        self.machine = Machine(blueprint, arena)
        self.machine.make_steps()
        self.targets = targets
        self.slots = self.machine.slots
        self.run = self.machine.run


class _Place:
    """Stands for a variable in a body that has none."""


def _give_places(program: Program, results: dict[int, int], over: dict[int, int]) -> tuple[
        Program, list[int | None]]:
    """Copy results that cannot be written where they belong; return the program and the slot of each result.

    Args:
        program: the body as it runs.
        results: number of a result -> value.
        over: number of a result -> input whose memory it is written over.
    """
    layout = lay_out(program)
    external = {*program.inputs, *(v for _, v in program.constants)}
    specs, copies, taken = list(program.specs), [], set()
    targets: list[int | None] = []
    updates = []
    for n in range(len(results)):
        v = results[n]
        root = layout.root[v]
        if n in over and root == over[n]:
            targets.append(None)
            continue
        own = root in layout.in_place if n in over else root not in external | layout.in_place.keys()
        if own and root not in taken:
            updates += [u for u in program.updates if n in over and u[1] == v]
        else:
            specs.append(specs[v])
            root = len(specs) - 1
            copies.append(Instruction(CARDS["broadcast_to"], (v,), {"shape": specs[v].shape}, (root,)))
        taken.add(root)
        targets.append(root)
    kept = tuple([t for t in targets if t is not None and t not in layout.in_place])
    program = program._replace(specs=tuple(specs), instructions=(*program.instructions, *copies), outputs=kept,
                               updates=tuple(updates))
    return program, targets


class _Loop:
    """What loops share.

    Args:
        outer: the program around.
        machine: that program as it runs.
        i: the instruction.
        first: number of the first result that is carried.
        inputs: number of the first input that the body gets.
    """

    def __init__(self, outer: Drawing, machine: Machine, i: Instruction, first: int, inputs: int):
        body, n = i.params["body"], i.params["carries"]
        self.block, self.outer = Block(body), machine.slots
        root = outer.layout.root
        ins, targets = [root[v] for v in i.inputs[inputs:]], self.block.targets
        self.carries, self.sliced = n, i.params.get("slices", 0)
        carried, rest = targets[first: first + n], targets[first + n:]
        end = n + self.sliced
        # What moves from step to step: the carry read, the carry written, slices, and what is stacked.
        self.moving = np.array([*body.inputs[:n], *carried, *body.inputs[n:end], *rest], np.int64)
        results = [root[v] for v in i.outputs]
        self.around = np.array([*ins[:n], *results[:n], *ins[n:end], *results[n:]], np.int64)
        self._captured = np.array([body.inputs[end:], ins[end:]], np.int64).reshape(2, -1)
        self.bytes = [_nbytes(body.specs[v]) for v in body.inputs[:n]]
        self._buffers = [[np.empty(b, np.uint8) for b in self.bytes] for _ in range(2)]
        self.pairs = [[b.ctypes.data for b in turn] for turn in self._buffers]

    def capture(self) -> np.ndarray:
        """Point slots at what is the same at all steps; return the addresses of what is moving, outside."""
        inside, outside = self._captured
        self.block.slots[inside] = self.outer[outside]
        return self.outer[self.around]


class _Scan(_Loop):
    """Runs a scan."""

    def __init__(self, outer: Drawing, machine: Machine, i: Instruction):
        super().__init__(outer, machine, i, 0, 0)
        params, n = i.params, self.carries
        length = params["length"]
        body = params["body"]
        strides = [_nbytes(body.specs[v]) for v in (*body.inputs[n: n + self.sliced], *body.outputs[n:])]
        order = np.arange(length)[:: -1 if params["reverse"] else 1]
        self._rows = np.zeros((length, 2 * n + len(strides)), np.int64)
        for turn in range(2):
            self._rows[turn::2, : 2 * n] = [*self.pairs[1 - turn], *self.pairs[turn]]
        self._offsets = order[:, None] * np.array(strides, np.int64).reshape(1, -1)
        self._rounds = pool.Rounds(self.block.slots, self.moving, self._rows, self.block.machine.steps)

    def run(self) -> None:
        """Run all steps."""
        n, rows, outside = self.carries, self._rows, self.capture()
        rows[0, :n] = outside[:n]
        rows[-1, n: 2 * n] = outside[n: 2 * n]
        np.add(self._offsets, outside[2 * n:], out=rows[:, 2 * n:])
        self._rounds.run()


class _While(_Loop):
    """Runs a while; the first result of its body says whether to go on."""

    def __init__(self, outer: Drawing, machine: Machine, i: Instruction):
        super().__init__(outer, machine, i, 1, 1)
        body, self._limit = i.params["body"], i.params["limit"]
        self._begins = machine.reader(outer.place(i.inputs[0]))
        spec = body.specs[body.outputs[0]]
        self._goes_on = np.empty(spec.shape, spec.dtype)
        self.block.slots[self.block.targets[0]] = self._goes_on.ctypes.data
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
        for target, source, nbytes in zip(outside[n:].tolist(), row[n:].tolist(), self.bytes, strict=True):
            ctypes.memmove(target, source, nbytes)


class _Switch:
    """Runs a switch; what it assigns to variables is written over them where nobody else needs the old value."""

    def __init__(self, outer: Drawing, machine: Machine, i: Instruction):
        root = outer.layout.root
        self._index = machine.reader(outer.place(i.inputs[0]))
        self._slots = machine.slots
        read = {id(variable): v for variable, v in outer.program.variables}
        ins = [root[v] for v in i.inputs[1:]]
        written = {}
        for n, v in enumerate(i.outputs):
            old = read.get(id(outer.layout.in_place.get(v)))
            if old in ins:
                written[n] = ins.index(old)
        self._blocks = []
        for branch in i.params["branches"]:
            block = Block(branch, written)
            pairs = [*zip(branch.inputs, ins, strict=True),
                     *((t, root[v]) for t, v in zip(block.targets, i.outputs, strict=True) if t is not None)]
            self._blocks.append((block, *np.array(pairs, np.int64).reshape(-1, 2).T))

    def run(self) -> None:
        """Run the branch that the index names."""
        block, inside, outside = self._blocks[min(max(int(self._index()), 0), len(self._blocks) - 1)]
        block.slots[inside] = self._slots[outside]
        block.run()


def _nbytes(spec: Any) -> int:
    return spec.size * spec.dtype.itemsize
