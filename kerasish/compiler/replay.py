"""Running a program again and again, in place."""

import sys
from typing import Any

from kerasish.backend import device
from kerasish.compiler.calls import generate
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Program
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
        self._updates = [(variable, v, v in self._placement.swapped) for variable, v in program.updates]

    def __call__(self, inputs: list[Any]) -> list[Any]:
        """Run on arrays for the inputs; return arrays for the outputs."""
        slots, program = self._slots, self.program
        for value, array in zip(program.inputs, inputs, strict=True):
            slots[value] = array
        for variable, value in program.variables:
            slots[value] = variable._value.data
        try:
            state.quiet.run(self._run, slots)
            copy = self._device.xp.array
            outputs = [copy(slots[v]) for v in program.outputs]
            fresh = [None if swaps else copy(slots[v]) for _, v, swaps in self._updates]
        finally:
            for value in program.inputs:
                slots[value] = None
            for _, value in program.variables:
                slots[value] = None
        for (variable, value, swaps), array in zip(self._updates, fresh, strict=True):
            if swaps:
                self._swap(variable, value)
            else:
                variable._value = Tensor(array)
        return outputs

    def _swap(self, variable: Any, value: int) -> None:
        """Give a variable the buffer of its new value, and take its old array as the next buffer.

        The old array is taken only if nobody else holds it, not even through a view.
        """
        new = self._slots[value]
        old = variable._value.data
        variable._value = Tensor(new)
        if sys.getrefcount(old) == 2 and old.base is None and old.flags.c_contiguous and old.flags.writeable:
            self._slots[value] = old
        else:
            self._slots[value] = self._device.xp.empty(new.shape, new.dtype)

