"""A program as one generated Python function that calls its kernels in order, and nothing else."""

from collections.abc import Callable
from typing import Any

from kerasish.compiler.ir import Program, programs_of
from kerasish.compiler.memory import Placement


def generate(program: Program, kernels: list[Any], placement: Placement, here: Any) -> Callable[[list[Any]], None]:
    """Return the function of the slots (one array a value) that runs all instructions.

    Args:
        program: says which kernel reads and makes which values.
        kernels: one an instruction; those of instructions that hold programs take arrays alone and return a tuple.
        placement: values that lie in buffers have them in their slots when the function is called.
        here: the device.
    """
    space: dict[str, Any] = {"A": here.xp.asarray}
    lines = []
    for n, (i, kernel) in enumerate(zip(program.instructions, kernels, strict=True)):
        space[f"k{n}"] = kernel
        control = bool(programs_of(i))
        words = [f"s[{v}]" for v in i.inputs]
        if i.params and not control:
            space[f"p{n}"] = i.params
            words.append(f"**p{n}")
        if len(i.outputs) == 1 and i.outputs[0] in placement.buffers:
            lines.append(f"k{n}({', '.join([*words, f'out=s[{i.outputs[0]}]'])})")
        elif len(i.outputs) == 1 and not control:
            lines.append(f"s[{i.outputs[0]}] = A(k{n}({', '.join(words)}))")
        else:
            targets = "".join(f"s[{o}], " for o in i.outputs)
            lines.append(f"{targets}{'= ' if targets else ''}[A(x) for x in k{n}({', '.join(words)})]")
        lines += [f"s[{v}] = None" for v in placement.released[n]]
    exec("def run(s):\n " + "\n ".join(lines or ["pass"]), space)  # our own text: numbers of values alone
    return space["run"]
