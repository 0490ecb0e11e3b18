"""The last layer of a model of many classes together with its cross-entropy and their gradients, some rows at a time.

The logits are larger than all else in such a model, and are read again and again: by the loss, by its gradient, which
is as large, and by three sums of that. In pieces they stay in a cache, and memory for a piece is all that they take.
"""

from typing import Any, NamedTuple

from kerasish.backend.native import blas
from kerasish.backend.native.kernels.softmax import integers
from kerasish.compiler.contract import CONTRACT, layout
from kerasish.compiler.ir import Instruction, InternalCard, Program
from kerasish.compiler.passes.crossentropy import parts_of_sum
from kerasish.core.spec import Spec

LARGE = 1 << 22  # numbers of the logits from which on it pays
# Rows of a piece: as many as let products run at full speed, and more where the sums of a piece for the kernel's
# gradient, which are added up in memory, would be short.
_ROWS, _ROWS_A_TERM = 256, 2


def _spec(x: Any, kernel: Any, target: Any, weight: Any, *bias: Any, rows: int, finds_best: bool) -> tuple[Spec, ...]:
    made = Spec(target.shape, x.dtype), *[Spec(s.shape, s.dtype) for s in (x, kernel, *bias)]
    return (*made, Spec(target.shape, "int32")) if finds_best else made


# Results: the loss of each row; the gradients of the weighted sum of the losses by x, kernel and bias; the class of the
# largest logit, for an accuracy.
LINEAR_CROSSENTROPY = InternalCard("linear_crossentropy", ("x", "kernel", "target", "weight", "*bias"), _spec)


class _Found(NamedTuple):
    """Instructions that become one; `bias` is what is added to the product, with or without an instruction."""

    product: Instruction
    add: Instruction | None
    bias: tuple[int, ...]
    loss: Instruction
    grad: Instruction
    by_x: Instruction
    by_kernel: Instruction
    by_bias: Instruction | None
    best: Instruction | None

    def instructions(self) -> list[Instruction]:
        """Return all of them."""
        return [i for i in self if isinstance(i, Instruction)]

    def together(self, rows: int) -> Instruction:
        """Return that one."""
        made = [i for i in (self.loss, self.by_x, self.by_kernel, self.by_bias, self.best) if i is not None]
        return Instruction(
            LINEAR_CROSSENTROPY, (*self.product.inputs, self.grad.inputs[2], self.grad.inputs[0], *self.bias),
            {"rows": rows, "finds_best": self.best is not None}, tuple([i.outputs[0] for i in made]))


def in_pieces(program: Program) -> Program:
    """Return the program with such layers and losses as one instruction each."""
    losses = [i for i in program.instructions if i.card.name == "sparse_softmax_crossentropy"]
    if not losses or blas.library() is None:
        return program
    readers: dict[int, list[Instruction | None]] = {}
    for i in program.instructions:
        for v in i.inputs:
            readers.setdefault(v, []).append(i)
    for v in (*program.outputs, *(v for _, v in program.updates)):
        readers.setdefault(v, []).append(None)
    makers = {o: i for i in program.instructions for o in i.outputs}
    for loss in losses:
        found = _find(program, loss, makers, readers)
        if found is not None:
            program = _rewritten(program, found)
    return program


def _find(program: Program, loss: Instruction, makers: dict[int, Instruction],
          readers: dict[int, list[Instruction | None]]) -> _Found | None:
    """What belongs to a loss; None if something else reads a part of it, or it is small."""
    logits, specs = loss.inputs[0], program.specs
    add, product, bias = _layer(program, loss, makers, readers)
    is_served = specs[logits].dtype == "float32" and integers(specs[loss.inputs[1]]) is not None
    if product is None or not is_served or specs[logits].size < LARGE:
        return None
    grads, bests, others = _sorted(specs, [i for i in readers[logits] if i is not loss])
    if others or len(grads) != 1 or len(bests) > 1:
        return None
    (grad,), (x, kernel) = grads, product.inputs
    if grad.inputs[1:] != (logits, loss.inputs[1], loss.outputs[0], *loss.inputs[2:]):
        return None
    users = readers.get(grad.outputs[0], [])
    by_x, by_kernel, by_bias = (
        [i for i in users if i is not None and i.card.name == name and i.inputs == inputs] for name, inputs in (
            ("contract", (grad.outputs[0], kernel)), ("contract", (x, grad.outputs[0])), ("sum", (grad.outputs[0],))))
    if [len(by_x), len(by_kernel), len(by_bias)] != [1, 1, len(bias)] or len(users) != 2 + len(bias):
        return None
    found = _Found(product, add, bias, loss, grad, by_x[0], by_kernel[0], by_bias[0] if by_bias else None,
                   bests[0] if bests else None)
    return found if _is_plain(program, found) and not _depends(program, grad.inputs[0], logits) else None


def _layer(program: Program, loss: Instruction, makers: dict[int, Instruction], readers: dict[int, list[Any]]) -> tuple[
        Instruction | None, Instruction | None, tuple[int, ...]]:
    """The sum with a bias, the product before it, and the bias, as far as the logits of a loss are made by them."""
    add, value, bias = makers.get(loss.inputs[0]), loss.inputs[0], loss.inputs[2:]
    if add is not None and add.card.name == "add" and not bias:
        parts = parts_of_sum(program, add)
        if parts is not None and len(readers[parts[0]]) == 1:
            value, bias = parts[0], parts[1:]
    product = makers.get(value)
    if product is None or product.card is not CONTRACT or len(product.inputs) != 2:
        return None, None, ()
    return (None if value == loss.inputs[0] else add), product, bias


def _sorted(specs: tuple[Spec, ...], readers: list[Any]) -> tuple[list[Instruction], list[Instruction], list[Any]]:
    """Gradients of cross-entropies, searches for the largest number of a row, and what else reads the logits."""
    grads, bests, others = [], [], []
    for i in readers:
        name = None if i is None else i.card.name
        if name == "sparse_softmax_crossentropy_grad":
            grads.append(i)
        elif name == "argmax" and specs[i.outputs[0]] == Spec(specs[i.inputs[0]].shape[:-1], "int32") and (
                i.params["axis"] == specs[i.inputs[0]].ndim - 1):
            bests.append(i)
        else:
            others.append(i)
    return grads, bests, others


def _is_plain(program: Program, found: _Found) -> bool:
    """Whether the products are of rows with a matrix, and the gradients have the shapes of what they are by."""
    specs = program.specs
    x, kernel = (specs[v] for v in found.product.inputs)
    products = found.product, found.by_x, found.by_kernel
    if any(i.card is not CONTRACT for i in products) or kernel.ndim != 2 or not x.size:
        return False
    length, classes = kernel.shape
    rows = x.size // length
    plans = [layout(i.params["subscripts"], i.params["x_shape"], i.params["y_shape"]) for i in products]
    turns = [(plan.batch, (plan.m, plan.n, plan.k), plan.x[0], plan.y[0]) for plan in plans]
    wanted = [((), (rows, classes, length), False, False), ((), (rows, length, classes), False, True),
              ((), (length, classes, rows), True, False)]
    folds_all = found.by_bias is None or specs[found.by_bias.outputs[0]].shape == (classes,)
    return (turns == wanted and folds_all and rows >= 2 * _rows(length) and specs[found.by_x.outputs[0]] == x
            and specs[found.by_kernel.outputs[0]] == kernel)


def _rows(length: int) -> int:
    return max(_ROWS, _ROWS_A_TERM * length)


def _depends(program: Program, value: int, on: int) -> bool:
    """Whether a value is made of another one."""
    made = {on}
    for i in program.instructions:
        if not made.isdisjoint(i.inputs):
            made.update(i.outputs)
    return value in made


def _rewritten(program: Program, found: _Found) -> Program:
    """The program with the one instruction where the loss was, and before it what only its gradient needed."""
    together = found.together(_rows(program.specs[found.product.inputs[1]].shape[0]))
    at = next(n for n, i in enumerate(program.instructions) if i is found.loss)
    gone = {id(i) for i in found.instructions()}
    before = [i for i in program.instructions[:at] if id(i) not in gone]
    after = [i for i in program.instructions[at:] if id(i) not in gone]
    needed, early = set(together.inputs), set()
    for i in reversed(after):
        if not needed.isdisjoint(i.outputs):
            needed.update(i.inputs)
            early.add(id(i))
    return program._replace(instructions=(
        *before, *[i for i in after if id(i) in early], together, *[i for i in after if id(i) not in early]))
