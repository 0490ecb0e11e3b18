"""Compute once what is asked for twice."""

import math
from typing import Any

from kerasish.compiler.ir import Program, has_effect

# Ops of two inputs that give the same whichever comes first, to the sign of a zero.
_COMMUTATIVE = frozenset(["add", "multiply", "equal", "not_equal", "logical_and", "logical_or", "logical_xor"])


def share_common_subexpressions(program: Program) -> Program:
    """Return the program with each instruction that repeats an earlier one replaced by its results."""
    same: dict[int, int] = {}
    known: dict[Any, tuple[int, ...]] = {}
    kept = []
    for array, value in program.constants:
        if array.size <= 16:
            (same[value],) = known.setdefault(("constant", array.dtype, array.shape, array.tobytes()), (value,))
    for i in program.instructions:
        if not same.keys().isdisjoint(i.inputs):
            i = i.reading(tuple([same.get(v, v) for v in i.inputs]))
        key = None if has_effect(i) else _key(i.card.name, i.inputs, i.params)
        first = i.outputs if key is None else known.setdefault(key, i.outputs)
        if first is i.outputs:
            kept.append(i)
        else:
            same.update(zip(i.outputs, first, strict=True))
    return program._replace(
        instructions=tuple(kept), outputs=tuple([same.get(v, v) for v in program.outputs]),
        updates=tuple([(variable, same.get(v, v)) for variable, v in program.updates]))


def _key(name: str, inputs: tuple[int, ...], params: dict[str, Any]) -> Any:
    """What two equal instructions have in common; None for one whose parameters cannot be compared."""
    if name in _COMMUTATIVE:
        inputs = tuple(sorted(inputs))
    if not params:
        return name, inputs
    key = (name, inputs, tuple(sorted([(k, type(v), _told_apart(v)) for k, v in params.items()])))
    try:
        hash(key)
    except TypeError:
        return None
    return key


def _told_apart(value: Any) -> Any:
    """A parameter, 0.0 and -0.0 as different ones."""
    return (value, math.copysign(1, value)) if type(value) is float else value
