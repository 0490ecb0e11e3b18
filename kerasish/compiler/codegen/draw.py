"""From a program to its blueprint, and to what runs it."""

from typing import Any

from kerasish.compiler.codegen.drawing import Drawing, prepare
from kerasish.compiler.codegen.native_control import control_part
from kerasish.compiler.codegen.schedule import lay_out
from kerasish.compiler.ir import Program, variables_of
from kerasish.compiler.machine.blueprint import Blueprint
from kerasish.compiler.machine.replay import NativeReplay


def drawn(program: Program) -> tuple[Blueprint, list[Any]]:
    """Return the blueprint of a program after the passes, and the variables that it numbers."""
    variables = variables_of(program)
    program = prepare(program)
    numbers = {id(variable): n for n, variable in enumerate(variables)}
    return Drawing(program, lay_out(program), control_part, numbers).blueprint, variables


def machine_code(program: Program) -> NativeReplay:
    """Return a program after the passes as machine code, ready to run."""
    return NativeReplay(*drawn(program))
