"""The program: a straight list of instructions on values with specs, and no Python objects of the user's inside."""

from typing import Any, NamedTuple

from kerasish.core.op import Card
from kerasish.core.spec import Spec


class Instruction(NamedTuple):
    """One op: the card, the values that it reads, its static parameters, the values that it makes."""

    card: Card
    inputs: tuple[int, ...]
    params: dict[str, Any]
    outputs: tuple[int, ...]


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


def cost(program: Program, instruction: Instruction) -> tuple[int, int]:
    """Return the bytes that an instruction reads and writes, and (roughly) its floating-point operations.

    A matrix product or convolution counts two operations a multiplication; everything else one an element of its
    larger side.
    """
    ins = [program.specs[i] for i in instruction.inputs]
    outs = [program.specs[o] for o in instruction.outputs]
    size = sum(s.size * s.dtype.itemsize for s in (*ins, *outs))
    name, out = instruction.card.name, outs[0]
    if name == "matmul":
        return size, 2 * out.size * (ins[0].shape[-1] if ins[0].shape else 1)
    if name == "conv":
        taps = 1
        for n in ins[1].shape[:-1]:
            taps *= n
        return size, 2 * out.size * taps
    if name in ("conv_input_grad", "conv_weight_grad"):
        weight = ins[1] if name == "conv_input_grad" else out
        taps = 1
        for n in weight.shape[:-1]:
            taps *= n
        gradient = ins[0] if name == "conv_input_grad" else ins[1]
        return size, 2 * gradient.size * taps
    return size, max(s.size for s in (*ins, *outs))


def text(program: Program) -> str:
    """Return a program as text: one line an instruction, with its bytes and floating-point operations."""
    names = {v: f"%{v}" for v in range(len(program.specs))}
    names.update({v: variable.path for variable, v in program.variables})
    lines = ["inputs " + ", ".join(f"%{v} {program.specs[v]}" for v in program.inputs)]
    for i in program.instructions:
        nbytes, operations = cost(program, i)
        params = ", ".join(f"{k}={v}" for k, v in i.params.items())
        made = ", ".join(f"%{o} {program.specs[o]}" for o in i.outputs)
        read = ", ".join(names[v] for v in i.inputs)
        call = f"{i.card.name}({read}{'; ' if params else ''}{params})"
        lines.append(f"{made} = {call}  # {nbytes:,} B, {operations:,} op")
    lines += [f"{variable.path} <- %{v}" for variable, v in program.updates]
    lines.append("return " + ", ".join(f"%{v}" for v in program.outputs))
    return "\n".join(lines)

