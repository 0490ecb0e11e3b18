"""Compute once, before the program runs, what depends on nothing but constants.

Tracing has done so for small results; left are larger ones, such as the zeros that are the gradient of a state that
nobody reads, which would be written anew in every run.
"""

from kerasish.compiler.ir import Instruction, Program, programs_of
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.core.dispatch import run_kernel
from kerasish.core.tensor import Tensor

# Bytes; a larger result would take more memory for good than it is worth.
_LIMIT = 1 << 24
# Views that cost nothing, whose results would take memory.
_FREE = ("broadcast_to", "reshape", "transpose")


def fold_constants(program: Program) -> Program:
    """Return the program with results of constants alone turned into constants."""
    known = {v for _, v in program.constants}
    if not any(known.issuperset(i.inputs) for i in program.instructions):
        return program
    return Rewriter(program).sweep(_folded)


def _folded(rewriter: Rewriter, i: Instruction) -> int | None:
    if any(v not in rewriter.arrays for v in i.inputs) or i.card.name in _FREE or programs_of(i):
        return None
    spec = rewriter.specs[i.outputs[0]]
    if spec.size * spec.dtype.itemsize > _LIMIT:
        return None
    return rewriter.constant(run_kernel(i.card, [Tensor(rewriter.arrays[v]) for v in i.inputs], i.params).data)
