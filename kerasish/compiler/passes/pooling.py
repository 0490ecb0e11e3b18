"""Do with pooled values, and with the gradient by them, what would be done with the larger array of what is pooled."""

from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.rewriter import Rewriter
from kerasish.core.op import CARDS


def shrink_pooling(program: Program) -> Program:
    """Return the program in which elementwise work around max pooling is done on the smaller side of it.

    What keeps the order of numbers, a bias and a ReLU, can come after the largest of them is chosen. Each number of the
    gradient goes to the cell that was the largest of its window, and that is as large as the window's result: so a
    ReLU's mask can be told from the result, and the gradient can be added up before it is spread over the cells.
    """
    if not any(i.card.name in ("max_pool", "max_pool_grad") for i in program.instructions):
        return program
    return Rewriter(program).sweep(lambda rewriter, i: _RULES[i.card.name](rewriter, i), _RULES.keys())


def _before(rewriter: Rewriter, i: Instruction) -> int | None:
    """max_pool(x) with biases and ReLUs after it, for max_pool of their result, if nobody else reads that."""
    value, found = i.inputs[0], []
    while rewriter.uses[value] == 1 and (step := _order_keeping(rewriter, value)) is not None:
        found.append(step)
        value = step.inputs[0]
    if not found:
        return None
    out = rewriter.emit(i.card, (value,), i.params)
    for step in reversed(found):
        out = rewriter.emit(step.card, (out, *step.inputs[1:]), step.params)
    return out


def _order_keeping(rewriter: Rewriter, value: int) -> Instruction | None:
    """The instruction that made a value, what is pooled first among its inputs, if it keeps the order in windows."""
    made = rewriter.made.get(value)
    if made is None or rewriter.specs[value].dtype.kind != "f":
        return None
    if made.card.name in ("relu", "relu6"):
        return made
    if made.card.name != "add":
        return None
    shape = rewriter.specs[value].shape
    for x, bias in (made.inputs, made.inputs[::-1]):
        lengths = (1,) * (len(shape) - rewriter.specs[bias].ndim) + rewriter.specs[bias].shape
        if rewriter.specs[x].shape == shape and all(n == 1 for n in lengths[:-1]):
            return made.reading((x, bias))
    return None


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


_RULES = {"max_pool": _before, "where": _masked, "sum": _summed}
