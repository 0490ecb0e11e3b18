"""Let a matrix product begin at the bias that would be added to it: the result is written once."""

from collections import Counter

from kerasish.backend.native import blas
from kerasish.compiler.codegen.fused import Fused
from kerasish.compiler.contract import CONTRACT, layout
from kerasish.compiler.ir import Instruction, InternalCard, Program
from kerasish.core.spec import Spec

# The same products with a bias of the result's rows as their last input.
_CARDS = {
    "matmul": InternalCard("matmul", ("x", "y", "bias"),
                           lambda x, y, bias: Spec((*x.shape[:-1], y.shape[-1]), x.dtype)),
    "contract": InternalCard("contract", ("x", "y", "bias"),
                             lambda x, y, bias, **params: CONTRACT.spec(x, y, **params)),
}


def begin_at_biases(program: Program) -> Program:
    """Return a fused program with products that take a bias, where nothing else is done with them."""
    readers = Counter(v for i in program.instructions for v in i.inputs)
    readers.update(program.outputs)
    readers.update(v for _, v in program.updates)
    products = {i.outputs[0]: i for i in program.instructions
                if blas.library() is not None and _is_served(program, i) and readers[i.outputs[0]] == 1}
    out: list[Instruction] = []
    gone: set[int] = set()
    for i in program.instructions:
        place = _place_of_product(program, i, products)
        if place is not None:
            product = products[i.inputs[place]]
            gone.update(product.outputs)
            inputs = *product.inputs, i.inputs[1 - place]
            i = product._replace(card=_CARDS[product.card.name], inputs=inputs, outputs=i.outputs)
        out.append(i)
    return program._replace(instructions=tuple([i for i in out if gone.isdisjoint(i.outputs)]))


def _is_served(program: Program, i: Instruction) -> bool:
    """Tell whether an instruction is a single product, by a kernel that takes a bias."""
    if i.card.name not in _CARDS or len(i.inputs) > 2:
        return False
    x, y = (program.specs[v] for v in i.inputs)
    if x.dtype not in ("float32", "float64") or x.dtype != y.dtype or not x.size or not y.size:
        return False
    if i.card is not CONTRACT:
        return y.ndim == 2 <= x.ndim
    return not layout(i.params["subscripts"], i.params["x_shape"], i.params["y_shape"]).batch


def _columns(program: Program, product: Instruction) -> int:
    """The columns of a product, which the last axes of the result may share."""
    if product.card is not CONTRACT:
        return program.specs[product.outputs[0]].shape[-1]
    return layout(product.params["subscripts"], product.params["x_shape"], product.params["y_shape"]).n


def _place_of_product(program: Program, i: Instruction, products: dict[int, Instruction]) -> int | None:
    """Which input of a lone sum is a product to which the other one is added as a bias; None if there is none."""
    card = i.card
    if not isinstance(card, Fused) or [b.card.name for b in card.body] != ["add"] or len(i.inputs) != 2:
        return None
    whole = program.specs[i.outputs[0]]
    for place, (v, other) in enumerate((i.inputs, i.inputs[::-1])):
        bias = program.specs[other]
        if v in products and program.specs[v] == whole and bias.size == _columns(program, products[v]) and (
                bias == Spec(whole.shape[whole.ndim - bias.ndim:], whole.dtype)):
            return place
    return None
