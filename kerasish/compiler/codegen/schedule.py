"""The order in which a fused program runs, and where each of its values lies."""

from typing import Any, NamedTuple

from kerasish.backend.native.kernels.pooling import are_apart
from kerasish.compiler.codegen.fused import FULL, Fused
from kerasish.compiler.control import SWITCH
from kerasish.compiler.ir import Instruction, Program, has_effect

VIEWS = frozenset({"reshape", "stop_gradient", "copy"})


class Layout(NamedTuple):
    """Where values lie.

    Attributes:
        root: value -> the value whose memory it shares (itself, where it has its own).
        in_place: updated variables by the value that is written straight into their memory.
        copied: (variable, value): updates that are copied when all is done.
    """

    root: list[int]
    in_place: dict[int, Any]
    copied: list[tuple[Any, int]]


def is_view(i: Instruction) -> bool:
    """Whether a result is the input's memory under another shape."""
    return i.card.name in VIEWS


def reorder(program: Program, runs_in_python: Any) -> Program:
    """Put Python steps that depend on nothing computed first, and what writes variables last.

    So a program is one list of jobs where it can be, and a check that fails does so before a variable has changed.
    """
    early, late_values = set(), {v for _, v in program.updates}
    made: dict[int, int] = {o: n for n, i in enumerate(program.instructions) for o in i.outputs}
    for n, i in enumerate(program.instructions):
        if all(made.get(v) in early for v in i.inputs if v in made) and (is_view(i) or runs_in_python(i)):
            early.add(n)
    moved: set[int] = set()
    late: set[int] = set()
    for n, i in enumerate(program.instructions):
        writes = (isinstance(i.card, Fused) or i.card is SWITCH) and not late_values.isdisjoint(i.outputs)
        if n not in early and (writes or not moved.isdisjoint(i.inputs)):
            late.add(n)
            moved.update(i.outputs)
    between = [n for n in range(len(program.instructions)) if n not in early and n not in late]
    order = [*sorted(early), *between, *sorted(late)]
    return program._replace(instructions=tuple([program.instructions[n] for n in order]))


def lay_out(program: Program) -> Layout:
    """Find which values share memory, and which variables can be written in place."""
    root = _views(program)
    last_read: dict[int, int] = {}
    maker: dict[int, tuple[int, Instruction]] = {}
    for n, i in enumerate(program.instructions):
        for v in i.inputs:
            if not is_view(i):
                last_read[root[v]] = n
        for o in i.outputs:
            if root[o] == o:
                maker[o] = (n, i)
    read_as = {id(variable): v for variable, v in program.variables}
    kept = {root[v] for v in (*program.outputs, *(v for _, v in program.updates))}  # wanted when all is done
    in_place: dict[int, Any] = {}
    copied = []
    for variable, v in program.updates:
        old = read_as.get(id(variable))
        r = root[v]
        if r == old:
            continue  # assigned what it holds
        if r in maker and r not in in_place and (old not in kept) and (
                _fits(maker[r], r, old, last_read) or _fits_branches(maker[r], r, old, last_read, root)):
            in_place[r] = variable
        else:
            copied.append((variable, v))
    _write_over(program, root, last_read, kept)
    return Layout(root, in_place, copied)



def _write_over(program: Program, root: list[int], last_read: dict[int, int], kept: set[int]) -> None:
    """Let results lie where an input of theirs lies that nobody reads after them, which saves memory."""
    members: dict[int, list[int]] = {}
    for v, r in enumerate(root):
        members.setdefault(r, []).append(v)
    elsewhere = {*program.inputs, *(v for _, v in program.variables), *(v for _, v in program.constants), *kept}
    for n, i in enumerate(program.instructions):
        roots = [root[v] for v in i.inputs]
        inputs, results = _place_by_place(i)
        free = [m for m in inputs if last_read.get(roots[m]) == n and roots[m] not in elsewhere
                and roots.count(roots[m]) == 1]
        for position, o in enumerate(i.outputs):
            if root[o] != o or o in kept or position not in results:
                continue
            fitting = [m for m in free if _nbytes(program, roots[m]) == _nbytes(program, o)
                       and program.specs[i.inputs[m]].dtype.itemsize == program.specs[o].dtype.itemsize]
            if fitting:
                below = roots[fitting[0]]
                free.remove(fitting[0])
                last_read[below] = last_read.get(o, n)
                for v in members[o]:
                    root[v] = below
                members[below] += members.pop(o)


# Ops whose kernel may write a result over an input: of which it reads just that place, before. Numbers of both.
_OVER = {"sparse_softmax_crossentropy_grad": (1, 0), "lstm": (0, 2), "gru": (0, 1), "lstm_grad": (5, 0),
         "gru_grad": (3, 0)}


def _place_by_place(i: Instruction) -> tuple[list[int], list[int]]:
    """Numbers of the inputs that are read at the very places at which results are written, and of these results."""
    if isinstance(i.card, Fused):
        every = tuple([length != 1 for length in i.card.shape])
        return ([] if i.card.folded else [m for m, mask in enumerate(i.card.masks) if mask == every],
                [n for n, v in enumerate(i.card.results) if i.card.scopes[v] == FULL])
    over = (1, 0) if i.card.name == "max_pool_grad" and are_apart(i.params) else _OVER.get(i.card.name)
    return ([], []) if over is None else ([over[0]], [over[1]])


def _nbytes(program: Program, v: int) -> int:
    return program.specs[v].size * program.specs[v].dtype.itemsize


def _fits(made: tuple[int, Instruction], value: int, old: int | None, last_read: dict[int, int]) -> bool:
    """Whether a value may be written over the variable's old one, which the same loop reads place by place."""
    n, i = made
    if not isinstance(i.card, Fused):
        return False
    local = i.card.results[i.outputs.index(value)]
    if i.card.scopes[local] != FULL or (i.card.folded and i.card.shape):
        return False
    if old is None:
        return True
    if last_read.get(old, -1) > n:
        return False
    masks = [m for v, m in zip(i.inputs, i.card.masks, strict=True) if v == old]
    every = tuple([length != 1 for length in i.card.shape])
    return all(m == every for m in masks)


def _fits_branches(made: tuple[int, Instruction], value: int, old: int | None, last_read: dict[int, int],
                   root: list[int]) -> bool:
    """Whether the branches of a switch may write a result over the variable's old value: at last, if not at once."""
    n, i = made
    if i.card is not SWITCH or has_effect(i):
        return False
    inputs = [root[v] for v in i.inputs]
    if old is None:
        return True
    if last_read.get(old, -1) > n or inputs.count(old) > 1 or inputs[0] == old:
        return False
    if old not in inputs:
        return True
    # No other result may be the old value.
    position, number = i.outputs.index(value), inputs.index(old) - 1
    for branch in i.params["branches"]:
        below = _views(branch)
        if any(below[v] == branch.inputs[number] for n, v in enumerate(branch.outputs) if n != position):
            return False
    return True


def _views(program: Program) -> list[int]:
    """Value -> the value whose memory it is under another shape, as far as views go."""
    root = list(range(len(program.specs)))
    for i in program.instructions:
        if is_view(i) or i.card.name == "check_range":
            root[i.outputs[0]] = root[i.inputs[0]]
    return root
