"""Checks of whole numbers: machine code looks for a wrong one, and the array kernel says which."""

from typing import Any

import numpy as np

from kerasish.backend.native import pool
from kerasish.backend.native.batches import records_of
from kerasish.backend.native.jobs import Job
from kerasish.backend.native.language import kind_of
from kerasish.compiler.ir import Instruction


class CheckStep:
    """A check that numbers lie in a range.

    Args:
        owner: the native program that it belongs to.
        i: the instruction.
        complain: run where a number seems wrong; raises if it is.
    """

    def __init__(self, owner: Any, i: Instruction, complain: Any):
        self._complain = complain
        spec, params = owner.program.specs[i.inputs[0]], i.params
        kind = kind_of(spec.dtype) or ""
        self._found = np.zeros(1, np.int64)
        ignore = params["ignore"] if params["ignore"] is not None else 0
        job = Job(f"check range {kind}", searching(kind), ("i0",), (self._found.ctypes.data, params["upper"], ignore),
                  spec.size, spec.size)
        records, tables = records_of([job], [{"i0": owner.layout.root[i.inputs[0]]}])
        self._batch = pool.Batch(records, owner.memory.slots, (tables, owner.memory), 0.0)

    @staticmethod
    def serves(spec: Any) -> bool:
        """Tell whether there is a kernel for numbers of a spec."""
        return spec.dtype.kind in "iu" and kind_of(spec.dtype) is not None and spec.size > 0

    def run(self) -> None:
        """Look at the numbers."""
        self._batch.run()
        if self._found[0]:
            self._complain()


def searching(kind: str) -> Any:
    """Return the writer of a count of numbers outside [0, upper) that are not the one to be ignored.

    Table: numbers; the address of the count, upper, the number to be ignored.
    """

    def write(k: Any) -> None:
        numbers, found, upper, ignore = k.pointer(0, kind), k.address(1, "i8"), k.size(2), k.size(3)
        wrong = k.var(k.number(0, "i8"))
        with k.loop(k.lo, k.hi) as n:
            number = numbers.load(n).to("i8")
            bad = ((number < 0) | (number >= upper)) & number.differs(ignore)
            wrong.add(bad.where(k.number(1, "i8"), 0))
        found.store(0, wrong.get())

    return write
