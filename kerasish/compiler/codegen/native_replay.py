"""Running a program as machine code: lists of jobs, with Python only where no kernel serves."""

from collections.abc import Callable
from sys import getrefcount
from typing import Any

import numpy as np

from kerasish.backend.native import blas
from kerasish.compiler.codegen.memory import trim
from kerasish.compiler.codegen.native_control import control_step
from kerasish.compiler.codegen.native_program import NativeProgram, prepare
from kerasish.compiler.codegen.schedule import Layout, lay_out
from kerasish.compiler.ir import Program, Room
from kerasish.core.tensor import Tensor

_SMALL = 4096  # bytes


class NativeReplay:
    """A program made ready to run again and again, variables updated in place.

    Args:
        program: the program after the passes.
    """

    def __init__(self, program: Program):
        trim()  # what array kernels needed is of no use to the arena, nor to LLVM
        self.program = program = prepare(program)
        self._layout = lay_out(program)
        self._native = native = NativeProgram(program, self._layout, control_step)
        self._memory = native.memory
        slots = self._memory.slots
        self._inputs = [_Input(v, program.specs[v], slots) for v in program.inputs]
        self._variables = [_Held(variable, values, self._layout, slots) for variable, values in self._all_variables()]
        native.held.update((place.value, place.read) for place in self._inputs)
        native.held.update((v, h.read) for h in self._variables for v in h.values)
        native.make_steps()
        self._fresh = {v: (program.outputs.index(v), program.specs[v]) for v in self._memory.direct}
        # What the caller got last time for each of these, and its address, which is slow to ask for.
        self._lent: dict[int, tuple[np.ndarray, int]] = {}
        self._outputs = [None if v in self._fresh else native.reader(v) for v in program.outputs]
        held = {id(h.variable): h for h in self._variables}
        self._copies = [_Copy(variable, native.reader(v), held.get(id(variable)))
                        for variable, v in self._layout.copied]

    def _all_variables(self) -> list[tuple[Any, list[int]]]:
        """Variables with the values that lie in their memory: what is read of them, what is written in place."""
        out: dict[int, tuple[Any, list[int]]] = {}
        for variable, v in (*self.program.variables, *((x, v) for v, x in self._layout.in_place.items())):
            out.setdefault(id(variable), (variable, []))[1].append(v)
        return list(out.values())

    # ---- running ---------------------------------------------------------------------------------

    def __call__(self, inputs: list[Any], room: Room | None = None) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs, large ones in the room that there is."""
        with self._memory.arena.lock:
            return self._run(inputs, room)

    def _run(self, inputs: list[Any], room: Room | None) -> list[Any]:
        for place, array in zip(self._inputs, inputs, strict=True):
            place.point(array)
        for held in self._variables:
            if held.written or held.tensor is not held.variable._value:
                held.point()
        fresh = {v: self._place(v, n, spec, room) for v, (n, spec) in self._fresh.items()}
        try:
            with blas.OneThread():
                self._native.run()
            outputs = [fresh[v] if read is None else read().copy()
                       for v, read in zip(self.program.outputs, self._outputs, strict=True)]
            for copy in self._copies:
                copy.take()
        finally:
            for place in self._inputs:
                place.array = None
        for copy in self._copies:
            copy.give()
        return outputs

    def _place(self, v: int, n: int, spec: Any, room: Room | None) -> np.ndarray:
        """The array that a large output is written to, number n of the outputs."""
        array = room and room(n, spec.shape, spec.dtype)
        if array is not None:
            self._memory.point(v, array)
            return array
        array, address = self._lent.get(v, (None, 0))
        if array is None or getrefcount(array) > _LENT:  # somebody has it still
            array = np.empty(spec.shape, spec.dtype)
            address = array.ctypes.data
            self._lent[v] = array, address
        self._memory.slots[v] = address
        return array


class _Input:
    """Where an input of the program is put: a small one is copied, which is quicker than to ask for its address."""

    def __init__(self, value: int, spec: Any, slots: np.ndarray):
        self.value, self._slots = value, slots
        self.array: Any = None
        self._room = np.empty(spec.shape, spec.dtype) if spec.size * spec.dtype.itemsize <= _SMALL else None
        if self._room is not None:
            slots[value] = self._room.ctypes.data

    def point(self, array: Any) -> None:
        """Point the slot at an array, and hold it."""
        if self._room is not None:
            np.copyto(self._room, array)
            self.array = self._room
            return
        if not array.flags.c_contiguous:
            array = np.array(array, order="C")
        self.array = array
        self._slots[self.value] = array.ctypes.data

    def read(self) -> Any:
        """Return the array."""
        return self.array


class _Held:
    """A variable, with the values of the program that lie in its memory."""

    def __init__(self, variable: Any, values: list[int], layout: Layout, slots: np.ndarray):
        self.variable, self.values, self._slots = variable, values, slots
        self.written = any(v in layout.in_place for v in values)
        self.tensor: Any = None  # whose array the slots point at

    def point(self) -> None:
        """Point slots at the variable's array. Before it is written, an array that others hold too is left to them."""
        variable = self.variable
        tensor = variable._value
        array = tensor.data
        if tensor is self.tensor:
            if not self.written or (getrefcount(tensor) == _TENSOR and getrefcount(array) == _ARRAY):
                return
        elif self.written and getrefcount(array) == _ARRAY and array.base is None and array.flags.writeable:
            tensor = variable._value = Tensor(array)  # of our own: nobody else has it
        if (self.written and (getrefcount(tensor) > _TENSOR or getrefcount(array) > _ARRAY or array.base is not None
                              or not array.flags.writeable)) or not array.flags.c_contiguous:
            array = np.array(array, order="C")
            tensor = variable._value = Tensor(array)
        self.tensor = tensor
        for v in self.values:
            self._slots[v] = array.ctypes.data

    def read(self) -> Any:
        """Return the variable's array."""
        return self.variable._value.data

    def forget(self) -> None:
        """Let go of the variable's tensor."""
        self.tensor = None


# References to an array when nobody else has it: ours, the local name's and the argument's.
_LENT = 3
# References when nobody else holds them: to a variable's tensor (the variable's, ours, a local name's, an argument's)
# and to its array (the tensor's, a local name's, an argument's).
_TENSOR, _ARRAY = 4, 3


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
