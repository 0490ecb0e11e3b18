"""What passes share that write a program anew in one sweep."""

from collections.abc import Callable
from typing import Any

from kerasish.compiler.ir import Instruction, Program
from kerasish.core.spec import Spec


class Rewriter:
    """A program in the making: instructions are kept, added, or replaced by other values.

    Attributes:
        specs: of every value, new ones included.
        made: value -> the instruction that makes it.
        arrays: value -> the array of a constant.
        uses: value -> how often the program read it when the sweep began, results included.
    """

    def __init__(self, program: Program):
        self._program = program
        self._instructions: list[Instruction] = []
        self._same: dict[int, int] = {}
        self.specs = list(program.specs)
        self.made: dict[int, Instruction] = {}
        self.arrays = {value: array for array, value in program.constants}
        self.uses: dict[int, int] = {}
        for value in (*program.outputs, *(v for _, v in program.updates)):
            self.uses[value] = self.uses.get(value, 0) + 1
        for i in program.instructions:
            for value in i.inputs:
                self.uses[value] = self.uses.get(value, 0) + 1

    def sweep(self, rule: Callable[["Rewriter", Instruction], int | None]) -> Program:
        """Return the program in which a rule has had its way with every instruction of one result.

        Args:
            rule: given this rewriter and an instruction, returns the value that serves in its place, or None to keep
                it as it is.
        """
        for i in self._program.instructions:
            inputs = tuple([self._same.get(v, v) for v in i.inputs])
            if inputs != i.inputs:
                i = i._replace(inputs=inputs)
            value = rule(self, i) if len(i.outputs) == 1 and not i.card.effect else None
            if value is None:
                self._keep(i)
            else:
                (old,) = i.outputs
                self._same[old] = value
                self.uses[value] = self.uses.get(value, 0) + self.uses.get(old, 0)
        return self._finished()

    def emit(self, card: Any, inputs: tuple[int, ...], params: dict[str, Any]) -> int:
        """Add an instruction of one result; return the result."""
        self.specs.append(card.spec(*[self.specs[v] for v in inputs], **params))
        value = len(self.specs) - 1
        for v in inputs:
            self.uses[v] = self.uses.get(v, 0) + 1
        self._keep(Instruction(card, inputs, params, (value,)))
        return value

    def constant(self, array: Any) -> int:
        """Add a constant; return its value."""
        self.specs.append(Spec(array.shape, array.dtype))
        value = len(self.specs) - 1
        self.arrays[value] = array
        return value

    def source(self, value: int, name: str) -> Instruction | None:
        """Return the instruction that makes a value, if it is of a name."""
        made = self.made.get(value)
        return made if made is not None and made.card.name == name else None

    def _keep(self, i: Instruction) -> None:
        self._instructions.append(i)
        for o in i.outputs:
            self.made[o] = i

    def _finished(self) -> Program:
        same = self._same
        return self._program._replace(
            specs=tuple(self.specs), instructions=tuple(self._instructions),
            constants=tuple([(array, value) for value, array in self.arrays.items()]),
            outputs=tuple([same.get(v, v) for v in self._program.outputs]),
            updates=tuple([(variable, same.get(v, v)) for variable, v in self._program.updates]))
