"""Running a program as machine code: lists of jobs, with Python only where no kernel serves."""

import time
from collections.abc import Callable, Sequence
from sys import getrefcount
from typing import Any

import numpy as np

from kerasish.backend.native import blas, pages
from kerasish.compiler.ir import Room
from kerasish.compiler.machine import blueprint as drawn
from kerasish.compiler.machine.arena import Arena
from kerasish.compiler.machine.blueprint import Blueprint, Place
from kerasish.compiler.machine.machine import Machine, nbytes_of
from kerasish.core.tensor import Tensor

_SMALL = 4096  # bytes


class NativeReplay:
    """A program made ready to run again and again, variables updated in place.

    Args:
        blueprint: the program as machine code, whose kernels are there already.
        variables: those that it numbers.
    """

    def __init__(self, blueprint: Blueprint, variables: Sequence[Any]):
        held: dict[int, Callable[[], np.ndarray]] = {}
        self.machine = machine = Machine(blueprint, Arena.of(blueprint.nbytes), held)
        slots, self._nbytes = machine.slots, blueprint.nbytes
        self._inputs = [_Input(place, slots) for place in blueprint.inputs]
        self._variables = [_Held(variables[each.number], each, slots) for each in blueprint.variables]
        held.update((place.slot, place.read) for place in self._inputs)
        held.update((slot, each.read) for each in self._variables for slot in each.slots)
        machine.make_steps()
        self._direct = blueprint.direct
        # What the caller got last time for each of these, and its address, which is slow to ask for.
        self._lent: dict[int, tuple[np.ndarray, int]] = {}
        self._outputs = [(place.slot, None if direct else machine.reader(place))
                         for place, direct in blueprint.outputs]
        of_variable = {id(each.variable): each for each in self._variables}
        self._copies = [_Copy(variables[n], machine.reader(place), of_variable.get(id(variables[n])))
                        for n, place in blueprint.copies]

    def __call__(self, inputs: list[Any], room: Room | None = None) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs, large ones in the room that there is."""
        arena = self.machine.arena
        with arena.lock:
            arena.fill(self._nbytes)
            begin = time.perf_counter()
            out = self._run(inputs, room)
            arena.has_run(time.perf_counter() - begin)
        return out

    def _run(self, inputs: list[Any], room: Room | None) -> list[Any]:
        for place, array in zip(self._inputs, inputs, strict=True):
            place.point(array)
        for held in self._variables:
            if held.written or held.tensor is not held.variable._value:
                held.point()
        direct = {place.slot: self._place(n, place, room) for n, place in self._direct}
        try:
            with blas.OneThread():
                self.machine.run()
            outputs = [direct[slot] if read is None else read().copy() for slot, read in self._outputs]
            for copy in self._copies:
                copy.take()
        finally:
            for place in self._inputs:
                place.array = None
        for copy in self._copies:
            copy.give()
        return outputs

    def _place(self, n: int, place: Place, room: Room | None) -> np.ndarray:
        """The array that a large output is written to, number n of the outputs."""
        slot, shape, dtype = place
        array = room and room(n, shape, dtype)
        if array is not None:
            self.machine.slots[slot] = array.ctypes.data
            return array
        array, address = self._lent.get(slot, (None, 0))
        if array is None or getrefcount(array) > _LENT:  # somebody has it still
            array = np.empty(shape, dtype)
            address = array.ctypes.data
            self._lent[slot] = array, address
        self.machine.slots[slot] = address
        return array


class _Input:
    """Where an input of the program is put: a small one is copied, which is quicker than to ask for its address."""

    def __init__(self, place: Place, slots: np.ndarray):
        self.slot, self._slots = place.slot, slots
        self.array: Any = None
        self._room = np.empty(place.shape, place.dtype) if nbytes_of(place) <= _SMALL else None
        if self._room is not None:
            slots[self.slot] = self._room.ctypes.data

    def point(self, array: Any) -> None:
        """Point the slot at an array, and hold it."""
        if self._room is not None:
            np.copyto(self._room, array)
            self.array = self._room
            return
        if not array.flags.c_contiguous:
            array = np.array(array, order="C")
        self.array = array
        self._slots[self.slot] = array.ctypes.data

    def read(self) -> Any:
        """Return the array."""
        return self.array


class _Held:
    """A variable, with the slots of the program that point at its memory."""

    def __init__(self, variable: Any, held: drawn.Held, slots: np.ndarray):
        self.variable, self.slots, self.written, self._addresses = variable, held.slots, held.written, slots
        self.tensor: Any = None  # whose array the slots point at

    def point(self) -> None:
        """Point slots at the variable's array. Before it is written, an array that others hold too is left to them."""
        variable = self.variable
        tensor = variable._value
        array = tensor.data
        if tensor is self.tensor:
            if not self.written or (getrefcount(tensor) == _TENSOR and getrefcount(array) == _ARRAY):
                return
        elif self.written and getrefcount(array) == _ARRAY and _is_alone(array):
            tensor = variable._value = Tensor(array)  # of our own: nobody else has it
        if (self.written and (getrefcount(tensor) > _TENSOR or getrefcount(array) > _ARRAY or not _is_alone(array))
                ) or not array.flags.c_contiguous:
            array = np.array(array, order="C")
            tensor = variable._value = Tensor(array)
        if self.written and self.tensor is None:
            pages.populate(array)  # the optimizer's, which begin at zero, may have no memory yet
        self.tensor = tensor
        for slot in self.slots:
            self._addresses[slot] = array.ctypes.data

    def read(self) -> Any:
        """Return the variable's array."""
        return self.variable._value.data

    def forget(self) -> None:
        """Let go of the variable's tensor."""
        self.tensor = None


def _is_alone(array: np.ndarray) -> bool:
    """Whether an array may be written to, and no other one has its memory."""
    base = array.base
    whole = base is None or (type(base) is np.ndarray and base.base is None and getrefcount(base) == _BASE)
    return whole and array.flags.writeable


# References to an array when nobody else has it: ours, the local name's and the argument's.
_LENT = 3
# References when nobody else holds them: to a variable's tensor (the variable's, ours, a local name's, an argument's)
# and to its array (the tensor's, a local name's, an argument's).
_TENSOR, _ARRAY = 4, 3
# To an array of which another one is the only view: that one's, a local name's, an argument's.
_BASE = 3


class _Copy:
    """An update that is not written in place: copied to a second array, which changes places with the variable's."""

    def __init__(self, variable: Any, read: Callable[[], np.ndarray], held: _Held | None):
        self._variable, self._read, self._held = variable, read, held
        self._spare: Any = None

    def take(self) -> None:
        """Keep the new value; nothing changes yet."""
        value = self._read()
        if self._spare is None:
            self._spare = np.empty(value.shape, value.dtype)
        np.copyto(self._spare, value)

    def give(self) -> None:
        """Assign the new value; the old array is used again unless somebody else holds it."""
        new, self._spare = self._spare, None
        old = self._variable._value.data
        self._variable._value = Tensor(new)
        if self._held is not None:
            self._held.forget()
        if getrefcount(old) == 2 and old.base is None and old.flags.c_contiguous and old.flags.writeable:
            self._spare = old
