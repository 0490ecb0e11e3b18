"""Passes: functions from a program to a better one that gives the same results."""

from kerasish.compiler.ir import Program, with_programs
from kerasish.compiler.passes.common_subexpressions import share_common_subexpressions
from kerasish.compiler.passes.constant_folding import fold_constants
from kerasish.compiler.passes.contractions import unify_products
from kerasish.compiler.passes.dead_code import remove_dead_code
from kerasish.compiler.passes.loops import shorten_loops
from kerasish.compiler.passes.pooling import shrink_pooling
from kerasish.compiler.passes.simplify import simplify
from kerasish.compiler.passes.transposes import fold_transposes

PASSES = (
    remove_dead_code, shorten_loops, share_common_subexpressions, fold_constants, simplify, shrink_pooling,
    remove_dead_code, unify_products, remove_dead_code, fold_transposes, share_common_subexpressions, remove_dead_code)


def optimize(program: Program) -> Program:
    """Return the program, and those inside its instructions, after all passes."""
    program = program._replace(instructions=tuple([with_programs(i, optimize) for i in program.instructions]))
    for run in PASSES:
        program = run(program)
    return program
