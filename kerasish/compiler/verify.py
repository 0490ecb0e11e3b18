"""What holds for every program; checked after each pass in tests."""

from kerasish.compiler.ir import Program, programs_of
from kerasish.core.spec import Spec


def verify(program: Program) -> None:
    """Raise ValueError if a program reads a value before it is made, makes one twice, or has a wrong spec."""
    made: set[int] = set()

    def make(value: int, by: str) -> None:
        if value in made:
            raise ValueError(f"value %{value} is made twice, the second time by {by}")
        if not 0 <= value < len(program.specs):
            raise ValueError(f"value %{value}, made by {by}, has no spec")
        made.add(value)

    for value in program.inputs:
        make(value, "an input")
    for variable, value in program.variables:
        make(value, f"variable {variable.path!r}")
        if program.specs[value].shape != tuple(variable.shape):
            raise ValueError(f"variable {variable.path!r} has shape {variable.shape}, not {program.specs[value]}")
    for array, value in program.constants:
        make(value, "a constant")
        if program.specs[value] != Spec(array.shape, array.dtype):
            raise ValueError(f"constant %{value} is {array.dtype}{list(array.shape)}, not {program.specs[value]}")
    for n, i in enumerate(program.instructions):
        where = f"instruction {n}, {i.card.name!r},"
        for inside in programs_of(i):
            if inside.variables or inside.updates:
                raise ValueError(f"{where} holds a program that reads or assigns variables itself")
            verify(inside)
        missing = [v for v in i.inputs if v not in made]
        if missing:
            raise ValueError(f"{where} reads %{missing[0]} before it is made")
        out = i.card.spec(*[program.specs[v] for v in i.inputs], **i.params)
        specs = out if type(out) is tuple else (out,)
        if [program.specs[o] for o in i.outputs] != list(specs):
            raise ValueError(f"{where} makes {[program.specs[o] for o in i.outputs]}, its shape rule says {specs}")
        for o in i.outputs:
            make(o, where)
    for value in (*program.outputs, *(v for _, v in program.updates)):
        if value not in made:
            raise ValueError(f"the result %{value} is never made")
