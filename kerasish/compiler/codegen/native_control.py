"""Drawing loops and branches: what of a body moves from step to step, and where outside it belongs."""

from typing import Any

from kerasish.compiler.codegen.drawing import Drawing, prepare
from kerasish.compiler.codegen.schedule import lay_out
from kerasish.compiler.control import SCAN, SWITCH
from kerasish.compiler.ir import Instruction, Program
from kerasish.compiler.machine.blueprint import Blueprint, Branches, Loop, Place
from kerasish.core.op import CARDS


def control_part(outer: Drawing, i: Instruction) -> Loop | Branches | None:
    """Return an instruction that holds programs as machine code; None if it is to run on the array kernels.

    Args:
        outer: the program around.
        i: the instruction.
    """
    sizes = [outer.program.specs[v].size for v in (*i.inputs, *i.outputs)]
    if 0 in sizes or i.params.get("length", 1) == 0:
        return None
    if i.card.name == SWITCH.name:
        return _branches(outer, i)
    return _scan(outer, i) if i.card.name == SCAN.name else _while(outer, i)


def _block(body: Program, written: dict[int, int] | None = None) -> tuple[Blueprint, list[int | None]]:
    """Draw a body.

    Args:
        body: the body.
        written: result number -> input number, of results that are written over an input of the same variable.

    Returns:
        Its blueprint, and of each result the slot that is to be pointed where it belongs; None if it is an input that
        stays.
    """
    over = {n: (_Place(), body.inputs[m]) for n, m in (written or {}).items()}
    program = prepare(body._replace(
        outputs=tuple([v for n, v in enumerate(body.outputs) if n not in over]),
        updates=tuple([(place, body.outputs[n]) for n, (place, _) in over.items()]),
        variables=tuple(over.values())))
    results = dict(zip([n for n in range(len(body.outputs)) if n not in over], program.outputs, strict=True))
    results.update(zip(over, [v for _, v in program.updates], strict=True))
    program, targets = _give_places(program, results, {n: v for n, (_, v) in over.items()})
    numbers = {id(place): n for n, (place, _) in enumerate(over.values())}
    drawing = Drawing(program, lay_out(program), control_part, numbers,
                      list(dict.fromkeys(v for v in targets if v is not None)))
    return drawing.blueprint, targets


class _Place:
    """Stands for a variable in a body that has none."""


def _give_places(program: Program, results: dict[int, int], over: dict[int, int]) -> tuple[
        Program, list[int | None]]:
    """Copy results that cannot be written where they belong; return the program and the slot of each result.

    Args:
        program: the body as it runs.
        results: number of a result -> value.
        over: number of a result -> input whose memory it is written over.
    """
    layout = lay_out(program)
    external = {*program.inputs, *(v for _, v in program.constants)}
    specs, copies, taken = list(program.specs), [], set()
    targets: list[int | None] = []
    updates = []
    for n in range(len(results)):
        v = results[n]
        root = layout.root[v]
        if n in over and root == over[n]:
            targets.append(None)
            continue
        own = root in layout.in_place if n in over else root not in external | layout.in_place.keys()
        if own and root not in taken:
            updates += [u for u in program.updates if n in over and u[1] == v]
        else:
            specs.append(specs[v])
            root = len(specs) - 1
            copies.append(Instruction(CARDS["broadcast_to"], (v,), {"shape": specs[v].shape}, (root,)))
        taken.add(root)
        targets.append(root)
    kept = tuple([t for t in targets if t is not None and t not in layout.in_place])
    program = program._replace(specs=tuple(specs), instructions=(*program.instructions, *copies), outputs=kept,
                               updates=tuple(updates))
    return program, targets


def _loop(outer: Drawing, i: Instruction, kind: str, first: int, inputs: int) -> tuple[Loop, list[int | None]]:
    """What loops share, and the slots of the body's results.

    Args:
        outer: the program around.
        i: the instruction.
        kind: of loop.
        first: number of the first result that is carried.
        inputs: number of the first input that the body gets.
    """
    params = i.params
    body, n = params["body"], params["carries"]
    blueprint, targets = _block(body)
    root = outer.layout.root
    ins, results = [root[v] for v in i.inputs[inputs:]], [root[v] for v in i.outputs]
    carried, rest = targets[first: first + n], targets[first + n:]
    end = n + params.get("slices", 0)
    return Loop(
        kind=kind, body=blueprint, moving=(*body.inputs[:n], *carried, *body.inputs[n:end], *rest),  # type: ignore[arg-type]
        around=(*ins[:n], *results[:n], *ins[n:end], *results[n:]),
        captured=tuple(zip(body.inputs[end:], ins[end:], strict=True)),
        nbytes=tuple([_nbytes(body.specs[v]) for v in body.inputs[:n]]),
        strides=tuple([_nbytes(body.specs[v]) for v in (*body.inputs[n:end], *body.outputs[first + n:])]),
        length=params["length"] if kind == "scan" else params["limit"], reverse=params.get("reverse", False),
        begins=None, goes_on=None), targets


def _scan(outer: Drawing, i: Instruction) -> Loop:
    return _loop(outer, i, "scan", 0, 0)[0]


def _while(outer: Drawing, i: Instruction) -> Loop:
    loop, targets = _loop(outer, i, "while", 1, 1)
    body = i.params["body"]
    spec = body.specs[body.outputs[0]]
    return loop._replace(begins=outer.place(i.inputs[0]), goes_on=Place(
        targets[0], spec.shape, spec.dtype))  # type: ignore[arg-type]


def _branches(outer: Drawing, i: Instruction) -> Branches:
    """What a switch assigns to variables is written over them where nobody else needs the old value."""
    root = outer.layout.root
    read = {id(variable): v for variable, v in outer.program.variables}
    ins = [root[v] for v in i.inputs[1:]]
    written = {}
    for n, v in enumerate(i.outputs):
        old = read.get(id(outer.layout.in_place.get(v)))
        if old in ins:
            written[n] = ins.index(old)
    bodies = []
    for branch in i.params["branches"]:
        blueprint, targets = _block(branch, written)
        pairs = [*zip(branch.inputs, ins, strict=True),
                 *((t, root[v]) for t, v in zip(targets, i.outputs, strict=True) if t is not None)]
        bodies.append((blueprint, tuple(pairs)))
    return Branches(outer.place(i.inputs[0]), tuple(bodies))


def _nbytes(spec: Any) -> int:
    return spec.size * spec.dtype.itemsize
