"""The program: a straight list of instructions on values with specs, and no Python objects of the user's inside.

The bodies of loops and the branches of conditions are programs in the parameters of their instructions.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from kerasish.core.op import Card
from kerasish.core.spec import Spec

# Where an output may be written: from its number, shape and dtype to an array for it, or None if there is no room.
Room = Callable[[int, tuple[int, ...], Any], Any]


class InternalCard(Card):
    """A card of instructions that the compiler alone writes; no op, so it is not in the table of cards."""

    def __init__(self, name: str, inputs: tuple[str, ...], spec: Callable[..., Any]):
        self.name, self.inputs, self.spec = name, inputs, spec
        self.variadic = inputs[-1][1:] if inputs[-1].startswith("*") else None
        self.promote, self.broadcasts, self.effect = None, False, False
        self.joint, self.rules = None, None


class ControlCard(InternalCard):
    """A card of instructions that hold programs: loops and branches."""


class Instruction(NamedTuple):
    """One op: the card, the values that it reads, its static parameters, the values that it makes."""

    card: Card
    inputs: tuple[int, ...]
    params: dict[str, Any]
    outputs: tuple[int, ...]

    def reading(self, inputs: tuple[int, ...]) -> "Instruction":
        """Return the instruction as it is with other inputs."""
        return Instruction(self.card, inputs, self.params, self.outputs)


class Program(NamedTuple):
    """A traced function.

    Values are numbers; `specs` says the shape and dtype of each.

    Attributes:
        specs: the spec of every value.
        inputs: values that the caller gives, in order.
        variables: pairs (variable, value): what is read from variables when a run begins.
        constants: pairs (array, value).
        instructions: in the order in which they run.
        outputs: values that the caller gets, in order.
        updates: pairs (variable, value): what is assigned to variables when a run ends.
    """

    specs: tuple[Spec, ...]
    inputs: tuple[int, ...]
    variables: tuple[tuple[Any, int], ...]
    constants: tuple[tuple[Any, int], ...]
    instructions: tuple[Instruction, ...]
    outputs: tuple[int, ...]
    updates: tuple[tuple[Any, int], ...]

    def __str__(self) -> str:
        return text(self)


def variables_of(program: Program) -> list[Any]:
    """Return the variables that a program reads or assigns, each once."""
    return list({id(variable): variable for variable, _ in (*program.variables, *program.updates)}.values())


def programs_of(instruction: Instruction) -> list[Program]:
    """Return the programs inside an instruction: none for most."""
    if type(instruction.card) is not ControlCard:
        return []
    found = []
    for value in instruction.params.values():
        if type(value) is tuple:
            found += [x for x in value if type(x) is Program]
        elif type(value) is Program:
            found.append(value)
    return found


def with_programs(instruction: Instruction, change: Callable[[Program], Program]) -> Instruction:
    """Return an instruction with each program inside replaced by what `change` makes of it."""
    if type(instruction.card) is not ControlCard:
        return instruction

    def changed(value: Any) -> Any:
        if type(value) is Program:
            return change(value)
        return tuple([changed(x) for x in value]) if type(value) is tuple else value

    return instruction._replace(params={k: changed(v) for k, v in instruction.params.items()})


def has_effect(instruction: Instruction) -> bool:
    """Tell whether an instruction must run even if nobody reads its results."""
    if type(instruction.card) is not ControlCard:
        return instruction.card.effect
    return any(has_effect(i) for p in programs_of(instruction) for i in p.instructions)


def cost(program: Program, instruction: Instruction) -> tuple[int, int]:
    """Return the bytes that an instruction reads and writes, and (roughly) its floating-point operations.

    A matrix product or convolution counts two operations a multiplication; everything else one an element of its
    larger side. A scan costs all its steps, another loop one step, a switch its dearest branch.
    """
    if type(instruction.card) is ControlCard:
        inside = [[cost(p, i) for i in p.instructions] for p in programs_of(instruction)]
        steps = instruction.params.get("length", 1)
        nbytes, operations = max(((sum(b for b, _ in body), sum(n for _, n in body)) for body in inside), key=max)
        return nbytes * steps, operations * steps
    specs = [program.specs[v] for v in (*instruction.inputs, *instruction.outputs)]
    sizes = [s.size for s in specs]
    nbytes = sum([n * s.dtype.itemsize for n, s in zip(sizes, specs, strict=True)])
    name, out = instruction.card.name, len(instruction.inputs)
    if name == "matmul":
        return nbytes, 2 * sizes[out] * (specs[0].shape[-1] if specs[0].shape else 1)
    if name == "contract":
        return nbytes, 2 * sizes[out] * instruction.params["x_shape"][instruction.params["subscripts"].index("k")]
    if name == "linear_crossentropy":
        return nbytes, 6 * sizes[0] * specs[1].shape[1]
    if name in _CONVOLUTIONS:
        images, weights = _CONVOLUTIONS[name]
        return nbytes, 2 * sizes[images] * math.prod(specs[weights].shape[:-1])
    return nbytes, max(sizes)


# Of convolutions: which of inputs and result has the pixels that each tap is done for, and which are the weights.
_CONVOLUTIONS = {"conv": (2, 1), "conv_input_grad": (0, 1), "conv_weight_grad": (1, 2)}


class Note(NamedTuple):
    """What a program's text says of an instruction beside what it reads and makes.

    Attributes:
        name: of its op.
        comment: what stands behind it.
        inside: the texts of the programs in it.
    """

    name: str
    comment: str
    inside: list[str]


def note(program: Program, i: Instruction) -> Note:
    """Return the name of an instruction's op, its bytes and floating-point operations, and the programs inside."""
    return Note(i.card.name, "{:,} B, {:,} op".format(*cost(program, i)), [text(p) for p in programs_of(i)])


def text(program: Program, noted: Callable[[Program, Instruction], Note] = note) -> str:
    """Return a program as text: one line an instruction; programs inside it stand below it, indented."""
    names = {v: f"%{v}" for v in range(len(program.specs))}
    names.update({v: variable.path for variable, v in program.variables})
    lines = ["inputs " + ", ".join(f"%{v} {program.specs[v]}" for v in program.inputs)]
    for i in program.instructions:
        name, comment, inside = noted(program, i)
        params = "" if "branches" in i.params else ", ".join(
            f"{k}={v}" for k, v in i.params.items() if type(v) is not Program)
        made = ", ".join(f"%{o} {program.specs[o]}" for o in i.outputs)
        read = ", ".join(names[v] for v in i.inputs)
        lines.append(f"{made} = {name}({read}{'; ' if params else ''}{params})  # {comment}")
        lines += ["    " + body.replace("\n", "\n    ") for body in inside]
    lines += [f"{variable.path} <- %{v}" for variable, v in program.updates]
    lines.append("return " + ", ".join(f"%{v}" for v in program.outputs))
    return "\n".join(lines)
