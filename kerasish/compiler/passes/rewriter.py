"""What passes share that write a program anew in one sweep."""

from collections import Counter
from collections.abc import Callable, Container
from itertools import chain
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.compiler.ir import Instruction, Program, has_effect
from kerasish.core.spec import Spec


class Rewriter:
    """A program in the making: instructions are kept, added, or replaced by other values.

    Attributes:
        specs: of every value, new ones included.
        made: value -> the instruction that makes it.
        arrays: value -> the array of a constant.
        uses: value -> how often the program reads it, results included, what was replaced left out.
    """

    def __init__(self, program: Program):
        self._program = program
        self._instructions: list[Instruction] = []
        self._same: dict[int, int] = {}
        self._numbers: dict[int, Any] = {}
        self._dead: set[int] = set()  # results that nobody reads any more
        self.specs = list(program.specs)
        self.made: dict[int, Instruction] = {}
        self.arrays = {value: array for array, value in program.constants}
        self.uses = Counter(chain(program.outputs, [v for _, v in program.updates],
                                  *[i.inputs for i in program.instructions]))

    def sweep(self, rule: Callable[["Rewriter", Instruction], int | None],
              names: Container[str] | None = None) -> Program:
        """Return the program in which a rule has had its way with every instruction of one result.

        Args:
            rule: given this rewriter and an instruction, returns the value that serves in its place, or None to keep
                it as it is.
            names: of the ops that it has something to say about; all by default.
        """
        same = self._same
        replaced = same.keys()
        for i in self._program.instructions:
            if not replaced.isdisjoint(i.inputs):
                i = i.reading(tuple([same.get(v, v) for v in i.inputs]))
            concerns = (names is None or i.card.name in names) and len(i.outputs) == 1 and not i.card.effect
            value = rule(self, i) if concerns else None
            if value is None:
                self._keep(i)
            else:
                (old,) = i.outputs
                same[old] = value
                self._read(value, self.uses[old])
                for v in i.inputs:
                    self._unread(v)
        return self._finished()

    def emit(self, card: Any, inputs: tuple[int, ...], params: dict[str, Any]) -> int:
        """Add an instruction of one result; return the result."""
        self.specs.append(card.spec(*[self.specs[v] for v in inputs], **params))
        value = len(self.specs) - 1
        for v in inputs:
            self._read(v)
        self._keep(Instruction(card, inputs, params, (value,)))
        return value

    def constant(self, array: Any) -> int:
        """Add a constant; return its value."""
        self.specs.append(Spec(array.shape, array.dtype))
        value = len(self.specs) - 1
        self.arrays[value] = array
        return value

    def number(self, number: float, spec: Spec) -> int:
        """Add a constant of one number; return its value."""
        return self.constant(device.current().asarray(np.full(spec.shape, number, spec.dtype)))

    def scalar(self, value: int) -> Any:
        """Return the number in a constant of one element, and None for anything else."""
        array = self.arrays.get(value)
        if array is None:
            return None
        if value not in self._numbers:
            self._numbers[value] = array.item() if array.size == 1 else None
        return self._numbers[value]

    def source(self, value: int, name: str) -> Instruction | None:
        """Return the instruction that makes a value, if it is of a name."""
        made = self.made.get(value)
        return made if made is not None and made.card.name == name else None

    def _read(self, value: int, times: int = 1) -> None:
        before = self.uses[value]
        self.uses[value] = before + times
        if not before and value in self._dead:
            self._dead -= {*self.made[value].outputs}
            for v in self.made[value].inputs:
                self._read(v)

    def _unread(self, value: int) -> None:
        self.uses[value] -= 1
        made = self.made.get(value)
        if made is not None and not has_effect(made) and not any(self.uses[o] for o in made.outputs):
            self._dead.update(made.outputs)
            for v in made.inputs:
                self._unread(v)

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
