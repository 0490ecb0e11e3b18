"""Instructions that do less for the same result: only what holds for every number, NaN, infinities and -0.0 too."""

from collections.abc import Callable

from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.passes.rewriter import Rewriter

Rule = Callable[[Rewriter, Instruction], int | None]


def simplify(program: Program) -> Program:
    """Return the program with each instruction replaced by a simpler one where a rule of its op knows one."""
    return Rewriter(program).sweep(_simpler)


def _simpler(rewriter: Rewriter, i: Instruction) -> int | None:
    rule = RULES.get(i.card.name)
    return None if rule is None else rule(rewriter, i)


def view_of_view(rewriter: Rewriter, i: Instruction) -> int | None:
    """One view instead of a reshape of a reshape or a transpose of a transpose; none if it is the tensor itself."""
    (x,) = i.inputs
    made = rewriter.source(x, i.card.name)
    if made is not None:
        x = made.inputs[0]
    if i.card.name == "reshape":
        shape = i.params["shape"]
        if rewriter.specs[x].shape == shape:
            return x
        return None if made is None else rewriter.emit(i.card, (x,), {"shape": shape})
    axes = i.params["axes"]
    if made is not None:
        axes = tuple([made.params["axes"][a] for a in axes])
    if axes == tuple(range(len(axes))):
        return x
    return None if made is None else rewriter.emit(i.card, (x,), {"axes": axes})


RULES: dict[str, Rule] = {"reshape": view_of_view, "transpose": view_of_view}
