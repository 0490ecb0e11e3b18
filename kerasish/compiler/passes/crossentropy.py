"""Let the cross-entropy add the bias of the layer before it: one array of the size of the logits is written less."""

from collections import Counter

from kerasish.compiler.ir import Instruction, InternalCard, Program
from kerasish.core.spec import Spec, like

_PLACES = {"sparse_softmax_crossentropy": 0, "sparse_softmax_crossentropy_grad": 1}  # of the logits among the inputs
# The same ops with a bias of the logits as their last input.
_CARDS = {
    "sparse_softmax_crossentropy": InternalCard("sparse_softmax_crossentropy", ("x", "target", "bias"),
                                                lambda x, target, bias: Spec(target.shape, x.dtype)),
    "sparse_softmax_crossentropy_grad": InternalCard(
        "sparse_softmax_crossentropy_grad", ("y", "x", "target", "loss", "bias"), like(1)),
}


def absorb_biases(program: Program) -> Program:
    """Return the program with cross-entropies of `x + bias` that take both, where nobody else reads the sum."""
    losses = [i for i in program.instructions if i.card.name in _PLACES and len(i.inputs) == len(i.card.inputs)]
    if not losses:
        return program
    readers = Counter(v for i in program.instructions for v in i.inputs)
    readers.update(program.outputs)
    readers.update(v for _, v in program.updates)
    read_here = Counter(i.inputs[_PLACES[i.card.name]] for i in losses if _is_served(program, i))
    sums = {}
    for i in program.instructions:
        if i.card.name == "add" and readers[i.outputs[0]] == read_here[i.outputs[0]] > 0:
            found = parts_of_sum(program, i)
            if found is not None:
                sums[i.outputs[0]] = found
    kept = [i for i in program.instructions if not (i.card.name == "add" and i.outputs[0] in sums)]
    return program._replace(instructions=tuple([_with_bias(i, sums) for i in kept]))


def _is_served(program: Program, i: Instruction) -> bool:
    """Tell whether there is a kernel that adds a bias: for float32 alone."""
    place = _PLACES[i.card.name]
    x, target = (program.specs[v] for v in i.inputs[place : place + 2])
    return x.dtype == "float32" and x.size > 0 and target.dtype.kind in "iu"


def parts_of_sum(program: Program, add: Instruction) -> tuple[int, int] | None:
    """Return the logits without bias, and the bias; None if it is another kind of sum."""
    whole = program.specs[add.outputs[0]]
    for x, bias in (add.inputs, add.inputs[::-1]):
        a, b = program.specs[x], program.specs[bias]
        if a == whole and b == Spec(whole.shape[-1:], whole.dtype) and whole.ndim > 1:
            return x, bias
    return None


def _with_bias(i: Instruction, sums: dict[int, tuple[int, int]]) -> Instruction:
    place = _PLACES.get(i.card.name)
    if place is None or i.inputs[place] not in sums:
        return i
    x, bias = sums[i.inputs[place]]
    inputs = (*i.inputs[:place], x, *i.inputs[place + 1:], bias)
    return i._replace(card=_CARDS[i.card.name], inputs=inputs)
