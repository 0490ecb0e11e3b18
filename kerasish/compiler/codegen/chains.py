"""Fused instructions that are done with each part of the product or convolution before them, in the nearest cache."""

from typing import NamedTuple

from kerasish.backend.native.jobs import Plan
from kerasish.compiler.codegen import loops
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.schedule import Layout, is_view
from kerasish.compiler.ir import Instruction, Program


class Chain(NamedTuple):
    """One instruction that is done with the parts of another.

    Attributes:
        leader: number of that other one.
        factor: units of the first job for one of the leader's last job.
    """

    leader: int
    factor: int


def chain(program: Program, layout: Layout, plans: list[Plan | None]) -> dict[int, Chain]:
    """Return by its number each instruction that is chained to one before it; its plan is changed to suit."""
    out: dict[int, Chain] = {}
    before: int | None = None
    for n, (i, plan) in enumerate(zip(program.instructions, plans, strict=True)):
        if is_view(i):
            continue
        if before is not None and plan is not None and isinstance(i.card, Fused):
            link = _link(program, layout, before, i, plan, plans)
            if link is not None:
                out[n] = link
                forced = plans[before].jobs[-1].grain * link.factor  # type: ignore[union-attr]
                plans[n] = loops.plan(i.card, forced)
        before = n if plan is not None and plan.jobs[-1].in_rows else None
    return out


def _link(program: Program, layout: Layout, leader: int, i: Instruction, plan: Plan,
          plans: list[Plan | None]) -> Chain | None:
    """The chain of an instruction, if it reads what the leader makes place by place and disturbs nothing it reads."""
    first, card, root = program.instructions[leader], i.card, layout.root
    made = root[first.outputs[0]]
    every = tuple([length != 1 for length in card.shape])  # type: ignore[attr-defined]
    masks = [m for v, m in zip(i.inputs, card.masks, strict=True) if root[v] == made]  # type: ignore[attr-defined]
    units, total = plans[leader].jobs[-1].total, plan.jobs[0].total  # type: ignore[union-attr]
    if not masks or any(m != every for m in masks) or total % units or len(first.outputs) > 1:
        return None
    read = {root[v] for v in first.inputs}
    if any(root[o] in read or o in layout.in_place for o in i.outputs):
        return None
    return Chain(leader, total // units)
