"""Fused instructions: several elementwise ops and reductions of one shape that become one kernel."""

import math
from collections.abc import Collection
from typing import NamedTuple

from kerasish.compiler.ir import Instruction
from kerasish.core.spec import Spec

Shape = tuple[int, ...]
Mask = tuple[bool, ...]
FULL, ROW, COLUMN = "full", "row", "column"


class Fused:
    """Stands where a card stands, for an instruction that is a small program of its own.

    Values are numbered anew: the inputs first, then what the body makes.

    Attributes:
        body: the instructions, in order.
        results: the values that are seen outside.
        shape: the shape over which the kernel loops.
        folded: how many of its last axes are folded by reductions within rows; 0 if none are.
        scopes: of each value made, whether it lies in every place (FULL), once a row (ROW), or is a sum over the first
            axes, complete only when all is done (COLUMN).
        masks: of each input, along which axes of `shape` it extends.
        constants: value -> number, of values that are known; they are numbered behind the inputs.
        specs: of all values.
        first: the first value that the body makes.
    """

    name = "fused"
    effect = False

    def __init__(self, body: tuple[Instruction, ...], inputs: int, results: tuple[int, ...], shape: Shape, folded: int,
                 scopes: dict[int, str], masks: tuple[Mask, ...], constants: dict[int, float],
                 specs: list[Spec]):
        self.body, self.inputs, self.results, self.shape, self.folded = body, inputs, results, shape, folded
        self.scopes, self.masks, self.constants, self.specs = scopes, masks, constants, specs
        self.first = inputs + len(constants)

    def spec(self, *inputs: Spec) -> tuple[Spec, ...]:
        """Return the specs of the results as they follow from those of the inputs."""
        specs = [*inputs, *self.specs[self.inputs : self.first]]
        for i in self.body:
            specs.append(i.card.spec(*[specs[v] for v in i.inputs], **i.params))
        return tuple([specs[v] for v in self.results])

    def operations(self) -> int:
        """Return its floating-point operations, roughly: one an element of the larger side of what it holds."""
        return sum(max(self.specs[v].size for v in (*i.inputs, *i.outputs)) for i in self.body)


    def __repr__(self) -> str:
        return f"fused[{' '.join(i.card.name for i in self.body)}]"


class Loops(NamedTuple):
    """How a fused kernel goes through its shape.

    Attributes:
        dims: lengths of the loops, the innermost last; axes that all inputs share or lack together are one loop.
        masks: of each input, in which loops it moves.
    """

    dims: tuple[int, ...]
    masks: tuple[Mask, ...]


def collapse(shape: Shape, masks: Collection[Mask], kept: int | None) -> Loops | None:
    """Merge the axes of a shape into as few loops as inputs allow.

    Args:
        shape: the axes.
        masks: of each input, along which axes it extends.
        kept: how many last axes must be the innermost loop by themselves (because the ones before are folded, or they
            are); None if it does not matter.

    Returns:
        The loops, None if the last `kept` axes are not one loop.
    """
    distinct = set(masks)
    extents = list(zip(*distinct, strict=True)) or [()] * len(shape)  # of each axis, who extends along it
    boundary = len(shape) - kept if kept is not None else -1
    runs: list[list[int]] = []
    for a, n in enumerate(shape):
        if n == 1:
            continue
        if runs and not (runs[-1][-1] < boundary <= a) and extents[runs[-1][-1]] == extents[a]:
            runs[-1].append(a)
        else:
            runs.append([a])
    if kept is not None:
        inner = [r for r in runs if r[0] >= boundary]
        if len(inner) > 1:
            return None
        if not inner:
            runs.append([])
        if len(runs) == 1:
            runs.insert(0, [])
    elif not runs:
        runs.append([])
    dims = tuple([math.prod([shape[a] for a in r]) for r in runs])
    moves = {m: tuple([bool(r) and m[r[0]] for r in runs]) for m in distinct}
    return Loops(dims, tuple([moves[m] for m in masks]))
