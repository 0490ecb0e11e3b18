"""A program as it runs as machine code, as text: what is fused, and in how many parts each job is cut."""

from kerasish.backend.native.jobs import Plan
from kerasish.compiler.codegen.chains import chain
from kerasish.compiler.codegen.drawing import is_checked, plans_of, prepare
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.codegen.schedule import is_view, lay_out
from kerasish.compiler.ir import Instruction, Note, Program, cost, programs_of, text


def listing(program: Program) -> str:
    """Return a program after the passes as text: one line an instruction, in the order in which they run.

    A comment says how many bytes an instruction reads and writes, its floating-point operations, and of how many parts
    each of its jobs is.
    """
    program = prepare(program)
    plans = plans_of(program)
    leaders = {program.instructions[n].outputs: program.instructions[link.leader].outputs[0]
               for n, link in chain(program, lay_out(program), plans).items()}
    planned = {i.outputs: plan for i, plan in zip(program.instructions, plans, strict=True)}

    def note(program: Program, i: Instruction) -> Note:
        name, (nbytes, operations) = i.card.name, cost(program, i)
        if isinstance(i.card, Fused):
            name, operations = repr(i.card), i.card.operations()
        how = _how(program, i, planned[i.outputs])
        if i.outputs in leaders:
            how += f", the first done with those of %{leaders[i.outputs]}"
        return Note(name, f"{nbytes:,} B, {operations:,} op; {how}", [listing(p) for p in programs_of(i)])

    return text(program, note)


def _how(program: Program, i: Instruction, plan: Plan | None) -> str:
    if plan is None and is_checked(program, i):
        return "by itself"
    if plan is None:
        return "the same memory" if is_view(i) else "the programs below" if programs_of(i) else "in Python"
    parts = [-(-job.total // job.grain) for job in plan.jobs]
    return " + ".join(map(str, parts)) + (" part" if parts == [1] else " parts")
