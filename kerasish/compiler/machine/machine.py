"""A blueprint with its memory and its steps: what runs."""

import ctypes
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.backend.native import pool
from kerasish.backend.native.batches import link
from kerasish.compiler.machine.arena import Arena
from kerasish.compiler.machine.blueprint import Blueprint, Branches, Call, Check, Jobs, Loop, Part, Place
from kerasish.compiler.machine.control import ScanStep, SwitchStep, WhileStep
from kerasish.core.dispatch import state

Read = Callable[[], np.ndarray]


class Machine:
    """Machine code, made ready to run. Its kernels are there already.

    Args:
        blueprint: what to build.
        arena: where it runs.
        held: slot -> function that gives its array, of values whose arrays somebody else keeps; the others' are found
            by their addresses.

    Attributes:
        arena: where it runs.
        slots: the address of every value, and of scratch memory; jobs read them.
        steps: what runs, in order.
    """

    def __init__(self, blueprint: Blueprint, arena: Arena, held: dict[int, Read] | None = None):
        self.arena = arena
        self._held = {} if held is None else held
        self._constants = dict(blueprint.constants)
        self._shift = -arena.memory.ctypes.data % 64
        self.slots = np.zeros(blueprint.slots, np.int64)
        places, offsets = blueprint.offsets.T
        self.slots[places] = offsets + (arena.memory.ctypes.data + self._shift)
        self._offsets = dict(zip(places.tolist(), offsets.tolist(), strict=True))
        for slot, array in blueprint.constants:
            self.slots[slot] = array.ctypes.data
        self._parts = blueprint.parts
        self.steps: list[Any] = []

    @staticmethod
    def inside(body: Blueprint) -> "Machine":
        """Return the body of a loop or branch, ready to run, in memory of its own: it runs while this does."""
        arena = Arena(body.nbytes)
        arena.fill(body.nbytes)
        machine = Machine(body, arena)
        machine.make_steps()
        return machine

    def make_steps(self) -> None:
        """Make what runs; slots whose arrays stay where they are point at them already."""
        self.steps = [self._step(part) for part in self._parts]

    def _step(self, part: Part) -> Any:
        if isinstance(part, Jobs):
            records, tables = link(part.listed)
            return pool.Batch(records, self.slots, (tables, self.arena, self._constants), part.nanoseconds)
        if isinstance(part, Check):
            return CheckStep(self, part)
        if isinstance(part, Loop):
            return (ScanStep if part.kind == "scan" else WhileStep)(self, part)
        return SwitchStep(self, part) if isinstance(part, Branches) else PythonStep(self, part)

    def run(self) -> None:
        """Run all steps."""
        for step in self.steps:
            step.run()

    def reader(self, place: Place) -> Read:
        """Return a function that gives the array of a value."""
        slot, shape, dtype = place
        if slot in self._constants:
            constant = self._constants[slot].reshape(shape)
            return lambda: constant
        if slot in self._offsets:
            begin = self._shift + self._offsets[slot]
            fixed = self.arena.memory[begin : begin + nbytes_of(place)].view(dtype).reshape(shape)
            return lambda: fixed
        held = self._held.get(slot)
        if held is not None:
            return lambda: held().reshape(shape)
        return lambda: self._at(place)

    def _at(self, place: Place) -> np.ndarray:
        """The array at the address in a slot, which something else keeps alive."""
        raw = (ctypes.c_uint8 * nbytes_of(place)).from_address(int(self.slots[place.slot]))
        return np.frombuffer(memoryview(raw), place.dtype).reshape(place.shape)


def nbytes_of(place: Place) -> int:
    """Return how many bytes a value has."""
    return math.prod(place.shape) * place.dtype.itemsize


class PythonStep:
    """An instruction that runs on the array kernels."""

    def __init__(self, machine: Machine, call: Call):
        self._kernel = call.kernel or device.current().kernel(call.op)
        self._params = call.params
        self._reads = [machine.reader(place) for place in call.reads]
        self._writes = [None if place is None else machine.reader(place) for place in call.writes]

    def run(self) -> None:
        """Run the kernel and put its results where the jobs find them."""
        out = state.quiet.run(self._kernel, *[read() for read in self._reads], **self._params)
        for write, result in zip(self._writes, out if isinstance(out, tuple | list) else (out,), strict=True):
            if write is not None:
                write()[...] = result


class CheckStep:
    """A check that numbers lie in a range: machine code looks for a wrong one, and the array kernel says which."""

    def __init__(self, machine: Machine, check: Check):
        self._complain = PythonStep(machine, check.complain)
        self._found = np.zeros(1, np.int64)
        records, tables = link(check.listed)
        tables[check.found] = self._found.ctypes.data
        self._batch = pool.Batch(records, machine.slots, (tables, machine.arena), 0.0)

    def run(self) -> None:
        """Look at the numbers."""
        self._batch.run()
        if self._found[0]:
            self._complain.run()
