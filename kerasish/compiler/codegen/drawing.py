"""Drawing the blueprint of a program: its jobs with their kernels, and steps of other kinds between them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.backend.native.batches import list_jobs
from kerasish.backend.native.jobs import Job, Plan
from kerasish.backend.native.kernels import lowering_of
from kerasish.compiler.codegen import contraction, loops  # noqa: F401  the first enters a lowering
from kerasish.compiler.codegen.biases import begin_at_biases
from kerasish.compiler.codegen.chains import chain
from kerasish.compiler.codegen.checks import check, serves
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.fusion import fuse
from kerasish.compiler.codegen.pieces import in_pieces
from kerasish.compiler.codegen.placement import Placement
from kerasish.compiler.codegen.schedule import Layout, is_view, reorder
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Instruction, Program, cost, programs_of
from kerasish.compiler.machine.blueprint import Blueprint, Branches, Call, Held, Jobs, Loop, Part, Place
from kerasish.compiler.passes.crossentropy import absorb_biases
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.passes.decompose import decompose

# Draws an instruction that holds programs; None if it is to run on the array kernels.
MakeControl = Callable[["Drawing", Instruction], Loop | Branches | None]


def prepare(program: Program) -> Program:
    """Return the program with fused instructions, in the order in which it will run."""
    program = begin_at_biases(remove_dead_code(fuse(in_pieces(absorb_biases(decompose(program))))))
    return reorder(program, lambda i: not isinstance(i.card, Fused) and lower(program, i) is None)


def lower(program: Program, i: Instruction) -> Plan | None:
    """Return the jobs of an instruction, None if it runs in Python."""
    if isinstance(i.card, Fused):
        return loops.plan(i.card)
    found = lowering_of(i.card.name)
    if found is None:
        return None
    return found([program.specs[v] for v in i.inputs], [program.specs[o] for o in i.outputs], i.params)


def is_checked(program: Program, i: Instruction) -> bool:
    """Tell whether an instruction is a check that machine code does, by itself between lists of jobs."""
    return i.card.name == "check_range" and serves(program.specs[i.inputs[0]])


def plans_of(program: Program) -> list[Plan | None]:
    """Return the jobs of each instruction of a prepared program; None for one that has none."""
    return [None if is_view(i) else lower(program, i) for i in program.instructions]


class Drawing:
    """A prepared program as machine code, drawn: its kernels are compiled.

    Args:
        program: the program.
        layout: where its values lie.
        control: draws loops and branches.
        numbers: number of a variable by its id.
        targets: of a body, the values that lie where the caller points their slots; else what the program gives out.

    Attributes:
        chains: by number, instructions that are done with the parts of others.
        blueprint: what it is.
    """

    def __init__(self, program: Program, layout: Layout, control: MakeControl, numbers: dict[int, int],
                 targets: list[int] | None = None):
        self.program, self.layout = program, layout
        self._control = control
        self._plans = plans_of(program)
        self.chains = chain(program, layout, self._plans)
        self._placement = placement = Placement(program, layout, self._plans, self.chains, targets)
        self.blueprint = Blueprint(
            slots=placement.slots, nbytes=placement.nbytes, offsets=placement.offsets,
            constants=tuple([(v, np.array(a, order="C")) for a, v in program.constants]),
            inputs=tuple([self.place(v) for v in program.inputs]),
            variables=tuple([Held(numbers[id(variable)], tuple(values), any(v in layout.in_place for v in values))
                             for variable, values in self._all_variables()]),
            direct=tuple([(program.outputs.index(v), self.place(v)) for v in placement.direct if targets is None]),
            outputs=tuple([(self.place(v), v in placement.direct) for v in program.outputs]),
            copies=tuple([(numbers[id(variable)], self.place(v)) for variable, v in layout.copied]),
            parts=tuple(self._parts()))

    def _all_variables(self) -> list[tuple[Any, list[int]]]:
        """Variables with the values that lie in their memory: what is read of them, what is written in place."""
        out: dict[int, tuple[Any, list[int]]] = {}
        for variable, v in (*self.program.variables, *((x, v) for v, x in self.layout.in_place.items())):
            out.setdefault(id(variable), (variable, []))[1].append(v)
        return list(out.values())

    def place(self, v: int) -> Place:
        """Return where a value lies, and how it is seen."""
        spec = self.program.specs[v]
        return Place(self.layout.root[v], spec.shape, spec.dtype)

    def _parts(self) -> list[Part]:
        """Lists of jobs, and other steps between them."""
        out: list[Part] = []
        jobs: list[tuple[Job, dict[str, int]]] = []
        factors: dict[int, int] = {}
        work = 0.0

        def close() -> None:
            nonlocal jobs, factors, work
            if jobs:
                out.append(Jobs(list_jobs([job for job, _ in jobs], [names for _, names in jobs], factors), work))
            jobs, factors, work = [], {}, 0.0

        for n, (i, plan) in enumerate(zip(self.program.instructions, self._plans, strict=True)):
            if plan is not None:
                names = self._placement.slots_of(n, i, plan)
                if n in self.chains:
                    factors[len(jobs)] = self.chains[n].factor
                jobs += [(job, names) for job in plan.jobs]
                work += nanoseconds(self.program, i)
            elif not is_view(i):
                close()
                out.append(self._part(i))
        close()
        return out

    def _part(self, i: Instruction) -> Part:
        """What runs an instruction that is not done by jobs alone."""
        holds_programs = bool(programs_of(i))
        part = self._control(self, i) if holds_programs else None
        if part is not None:
            return part
        is_check = i.card.name == "check_range"
        call = Call(
            i.card.name, {} if holds_programs else i.params, tuple([self.place(v) for v in i.inputs]),
            # What a check returns is what it was given.
            tuple([None if is_check else self.place(v) for v in i.outputs]),
            kernel_of(i, device.current()) if holds_programs else None)
        if not is_checked(self.program, i):
            return call
        return check(self.program.specs[i.inputs[0]], i.params, self.layout.root[i.inputs[0]], call)


def nanoseconds(program: Program, i: Instruction) -> float:
    """What an instruction takes on one thread, roughly."""
    nbytes, operations = cost(program, i)
    return operations / 80 + nbytes / 8 if i.card.name in _PRODUCTS else nbytes / 5


_PRODUCTS = frozenset({
    "matmul", "contract", "linear_crossentropy", "conv", "conv_input_grad", "conv_weight_grad", "attention",
    "attention_grad"})
