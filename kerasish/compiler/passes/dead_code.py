"""Leave out what no result needs."""

from kerasish.compiler.ir import Program, has_effect


def remove_dead_code(program: Program) -> Program:
    """Return the program without instructions, constants and variables that no output or update depends on."""
    live = {*program.outputs, *(v for _, v in program.updates)}
    kept = []
    for i in reversed(program.instructions):
        if not live.isdisjoint(i.outputs) or has_effect(i):
            kept.append(i)
            live.update(i.inputs)
    return program._replace(
        instructions=tuple(reversed(kept)),
        constants=tuple(c for c in program.constants if c[1] in live),
        variables=tuple(v for v in program.variables if v[1] in live))
