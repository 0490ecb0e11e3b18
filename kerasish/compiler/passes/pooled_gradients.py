"""Do with the gradient of pooled values what would be done with the larger one of what was pooled."""

from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.core.op import CARDS


def shrink_pooled_gradients(program: Program) -> Program:
    """Return the program in which the gradient of max pooling comes after a ReLU's mask, and after sums over cells.

    Each number of the gradient goes to the cell that was the largest of its window, and that is as large as the
    window's result: so the mask can be told from the result.
    """
    if not any(i.card.name == "max_pool_grad" for i in program.instructions):
        return program
    return Rewriter(program).sweep(lambda rewriter, i: _RULES[i.card.name](rewriter, i), _RULES.keys())


def _masked(rewriter: Rewriter, i: Instruction) -> int | None:
    """The gradient of masked numbers, for where(x > 0, gradient, 0)."""
    condition, value, other = i.inputs
    positive, pooled = rewriter.source(condition, "greater"), rewriter.source(value, "max_pool_grad")
    if positive is None or pooled is None or rewriter.scalar(other) != 0 or rewriter.uses[value] != 1:
        return None
    g, x, y = pooled.inputs
    if positive.inputs[0] != x or rewriter.scalar(positive.inputs[1]) != 0:
        return None
    # A result that is NaN keeps what comes for it.
    nothing = rewriter.emit(CARDS["less_equal"], (y, positive.inputs[1]), {})
    g = rewriter.emit(CARDS["where"], (nothing, other, g), {})
    return rewriter.emit(pooled.card, (g, x, y), pooled.params)


def _summed(rewriter: Rewriter, i: Instruction) -> int | None:
    """The sum of the gradient before it is spread over the cells, if none of them is padding."""
    pooled = rewriter.source(i.inputs[0], "max_pool_grad")
    if pooled is None or any(map(any, pooled.params["padding"])):
        return None
    cells = set(range(1, len(pooled.params["window"]) + 1))
    return rewriter.emit(i.card, pooled.inputs[:1], i.params) if cells <= set(i.params["axis"]) else None


_RULES = {"where": _masked, "sum": _summed}
