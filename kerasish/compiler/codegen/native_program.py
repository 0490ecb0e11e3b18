"""What programs and bodies share as machine code: memory, and steps that read and write by the addresses in slots."""

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend import device
from kerasish.backend.native import pool
from kerasish.backend.native.batches import records_of
from kerasish.backend.native.jobs import Job, Plan
from kerasish.backend.native.kernels import lowering_of
from kerasish.compiler.codegen import contraction, loops  # noqa: F401  the first enters a lowering
from kerasish.compiler.codegen.biases import begin_at_biases
from kerasish.compiler.codegen.chains import chain
from kerasish.compiler.codegen.checks import CheckStep
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.fusion import fuse
from kerasish.compiler.codegen.memory import Memory
from kerasish.compiler.codegen.schedule import Layout, is_view, reorder
from kerasish.compiler.control import kernel_of
from kerasish.compiler.ir import Instruction, Program, cost, programs_of
from kerasish.compiler.passes.crossentropy import absorb_biases
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.passes.decompose import decompose
from kerasish.core.dispatch import state

# Makes the step of an instruction that holds programs; None if it is to run on the array kernels.
MakeControl = Callable[["NativeProgram", Instruction], Any]


def prepare(program: Program) -> Program:
    """Return the program with fused instructions, in the order in which it will run."""
    program = begin_at_biases(remove_dead_code(fuse(absorb_biases(decompose(program)))))
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
    return i.card.name == "check_range" and CheckStep.serves(program.specs[i.inputs[0]])


def plans_of(program: Program) -> list[Plan | None]:
    """Return the jobs of each instruction of a prepared program; None for one that has none."""
    return [None if is_view(i) else lower(program, i) for i in program.instructions]


class NativeProgram:
    """A prepared program with its memory.

    Args:
        program: the program.
        layout: where its values lie.
        control: makes the steps of loops and branches.
        targets: of a body, the values that lie where the caller points their slots; else what the program gives out.

    Attributes:
        chains: by number, instructions that are done with the parts of others.
        steps: what runs, in order.
        held: value -> function that gives its array, of values whose arrays somebody else keeps; others are read at
            their addresses.
    """

    def __init__(self, program: Program, layout: Layout, control: MakeControl, targets: list[int] | None = None):
        self.program, self.layout = program, layout
        plans = plans_of(program)
        self.chains = chain(program, layout, plans)
        self.memory = Memory(program, layout, plans, self.chains, targets)
        self.held: dict[int, Callable[[], np.ndarray]] = {}
        self._control = control
        self._plans = plans
        self.steps: list[Any] = []

    def make_steps(self) -> None:
        """Make batches of jobs, and other steps between them."""
        jobs: list[tuple[Job, dict[str, int]]] = []
        factors: dict[int, int] = {}
        work = 0.0

        def close() -> None:
            nonlocal jobs, factors, work
            if jobs:
                records, tables = records_of([job for job, _ in jobs], [names for _, names in jobs], factors)
                self.steps.append(pool.Batch(records, self.memory.slots, (tables, self.memory), work))
            jobs, factors, work = [], {}, 0.0

        for n, (i, plan) in enumerate(zip(self.program.instructions, self._plans, strict=True)):
            if plan is not None:
                names = self.memory.slots_of(n, i, plan)
                if n in self.chains:
                    factors[len(jobs)] = self.chains[n].factor
                jobs += [(job, names) for job in plan.jobs]
                work += nanoseconds(self.program, i)
            elif not is_view(i):
                close()
                self.steps.append(self._step(i))
        close()

    def _step(self, i: Instruction) -> Any:
        """The step of an instruction that is not done by jobs alone."""
        step = self._control(self, i) if programs_of(i) else None
        if step is not None:
            return step
        step = PythonStep(self, i)
        return CheckStep(self, i, step.run) if is_checked(self.program, i) else step

    def run(self) -> None:
        """Run all steps."""
        for step in self.steps:
            step.run()

    def reader(self, v: int) -> Callable[[], np.ndarray]:
        """Return a function that gives the array of a value, in the shape of that value."""
        root, shape = self.layout.root[v], self.program.specs[v].shape
        fixed = self.memory.fixed(v)
        if fixed is not None:
            return lambda: fixed
        held = self.held.get(root)
        if held is not None:
            return lambda: held().reshape(shape)
        return lambda: self.memory.at(root).reshape(shape)


class PythonStep:
    """An instruction that runs on the array kernels.

    Args:
        owner: the program that it belongs to.
        i: the instruction.
    """

    def __init__(self, owner: NativeProgram, i: Instruction):
        self._kernel = kernel_of(i, device.current())
        self._params = {} if programs_of(i) else i.params  # bodies are in the kernel already
        self._reads = [owner.reader(v) for v in i.inputs]
        # What a check returns is what it was given.
        self._writes = [None if i.card.name == "check_range" else owner.reader(v) for v in i.outputs]

    def run(self) -> None:
        """Run the kernel and put its results where the jobs find them."""
        out = state.quiet.run(self._kernel, *[read() for read in self._reads], **self._params)
        for write, result in zip(self._writes, out if isinstance(out, tuple | list) else (out,), strict=True):
            if write is not None:
                write()[...] = result


def nanoseconds(program: Program, i: Instruction) -> float:
    """What an instruction takes on one thread, roughly."""
    nbytes, operations = cost(program, i)
    return operations / 80 + nbytes / 8 if i.card.name in _PRODUCTS else nbytes / 5


_PRODUCTS = frozenset(
    {"matmul", "contract", "conv", "conv_input_grad", "conv_weight_grad", "attention", "attention_grad"})
