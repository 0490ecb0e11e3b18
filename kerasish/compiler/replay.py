"""Running a program again and again, in place."""

import sys
from typing import Any

from kerasish.backend import device
from kerasish.compiler.calls import generate
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Program, Room
from kerasish.compiler.memory import place
from kerasish.core.dispatch import state
from kerasish.core.tensor import Tensor


class Replay:
    """A program made ready to run again and again.

    Args:
        program: the program; its variables are read when a run begins and assigned when it has ended, so a run
            that fails changes nothing.
    """

    def __init__(self, program: Program):
        self.program = program
        here = self._device = device.current()
        kernels = [kernel_of(i, here) for i in program.instructions]
        self._placement = place(program, kernels, here)
        self._slots: list[Any] = [None] * len(program.specs)
        for array, value in program.constants:
            self._slots[value] = array
        for value, buffer in self._placement.buffers.items():
            self._slots[value] = buffer
        self._run = generate(program, kernels, self._placement, here)
        # Variables, their new values, and what a new value is copied to that does not lie in a buffer of its own.
        self._updates = [(variable, v, None if v in self._placement.swapped else self._empty(v))
                         for variable, v in program.updates]
        made = {o for i in program.instructions for o in i.outputs}
        # What holds arrays for one run alone: among them may be those of variables.
        results = {*program.outputs, *[v for _, v in program.updates]} & made - self._placement.buffers.keys()
        self._passing = [*program.inputs, *[v for _, v in program.variables], *results]

    def __call__(self, inputs: list[Any], room: Room | None = None) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs, in the room that there is."""
        slots, program = self._slots, self.program
        for value, array in zip(program.inputs, inputs, strict=True):
            slots[value] = array
        for variable, value in program.variables:
            slots[value] = variable._value.data
        try:
            state.quiet.run(self._run, slots)
            outputs = [self._given(n, slots[v], room) for n, v in enumerate(program.outputs)]
            for _, value, spare in self._updates:
                if spare is not None:
                    self._device.xp.copyto(spare, slots[value])
        finally:
            for value in self._passing:
                slots[value] = None
        for n, (variable, value, spare) in enumerate(self._updates):
            if spare is None:
                slots[value] = self._swap(variable, value, slots[value])
            else:
                self._updates[n] = (variable, value, self._swap(variable, value, spare))
        return outputs

    def _given(self, n: int, array: Any, room: Room | None) -> Any:
        """The copy of output number n that the caller gets."""
        place = room and room(n, array.shape, array.dtype)
        if place is None:
            return self._device.xp.array(array)
        place[...] = array
        return place

    def _swap(self, variable: Any, value: int, new: Any) -> Any:
        """Give a variable its new array; return its old one, to be written into next time.

        The old array is taken only if nobody else holds it, not even through a view; else it is another one.
        """
        old = variable._value.data
        variable._value = Tensor(new)
        if sys.getrefcount(old) == 2 and old.base is None and old.flags.c_contiguous and old.flags.writeable:
            return old
        return self._empty(value)

    def _empty(self, value: int) -> Any:
        spec = self.program.specs[value]
        return self._device.xp.empty(spec.shape, spec.dtype)

